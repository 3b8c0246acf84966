"""The senses: each turns one part of the world into facts and decides nothing."""
