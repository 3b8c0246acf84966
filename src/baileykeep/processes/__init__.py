"""Who runs the gateway, and how it is asked for its state or a restart. A new manager is one file here."""
