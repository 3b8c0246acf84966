"""Baileykeep keeps Baileys WhatsApp sessions alive."""

__version__ = "0.1.0"
