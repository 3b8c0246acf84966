"""How gateways are spoken to: one HTTP client, and a dialect file for each kind of gateway."""
