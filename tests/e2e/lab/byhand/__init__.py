"""The lab for people: everything of it runs until Ctrl-C, shows what happens, and is broken from a second terminal."""
