"""Wiring: the only room that names concretes."""

from __future__ import annotations

from pathlib import Path


def main(config_dir: Path) -> int:
    """Run the daemon until it is stopped; returns the exit code."""
    from baileykeep.app.lifecycle import run

    return run(config_dir)
