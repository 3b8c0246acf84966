"""`baileykeep run`, which stops in good order when its standard input is closed: by us, or because we are gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from baileykeep.app import main


def stop_with_parent() -> None:
    """Wait for the end of standard input, then stop as a service would be."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=stop_with_parent, daemon=True).start()
    sys.exit(main(Path(sys.argv[1])))
