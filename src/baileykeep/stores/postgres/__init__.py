"""Logins in two PostgreSQL tables, shown as the files that Baileys' multi-file auth state would have written."""
