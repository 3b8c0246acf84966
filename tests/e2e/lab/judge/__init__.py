"""A new release of Baileys is judged: which stories still hold, and what changed in files and logs."""
