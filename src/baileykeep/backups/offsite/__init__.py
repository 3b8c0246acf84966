"""Copies off this host: sealed with age, sent, read back, and brought home again."""
