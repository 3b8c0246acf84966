"""The truth on disk: what was seen, decided, done and told. Intents stand here before anything happens."""
