"""`python -m tests.e2e.lab.planted [TEXT …]`: every bug, or those whose story or words hold one of the texts."""

from __future__ import annotations

import sys

from tests.e2e.lab.planted.run import main

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
