"""Faults on real files: every operation fails, the process dies at each, the disk forgets what was not synced."""
