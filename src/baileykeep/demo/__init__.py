"""The demo: the real daemon on a stand-in gateway, with real files, a real log and real HTTP."""

from __future__ import annotations


def run(*, fast: bool = False) -> int:
    """Break three companies, show how they are healed, and clean up; 0 only when all three were healed."""
    from baileykeep.demo.show import main

    return main(fast=fast)
