"""The `baileykeep` command: exit codes 0 fine, 1 failed or unhealthy, 2 usage, 3 refused by a safety rule.

Importing this package costs nothing; each command imports what it needs when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command line and exit with its code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"]:
        import baileykeep

        sys.stdout.write(f"baileykeep {baileykeep.__version__}\n")
        raise SystemExit(0)
    from baileykeep.cli.failures import run_guarded

    raise SystemExit(run_guarded(words))
