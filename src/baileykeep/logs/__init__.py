"""Gateway logs: what a line says, whose it is, and which lines tell of the same event. Never keeps raw log text."""
