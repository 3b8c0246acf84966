"""A process that has imported everything and turns copies of itself into daemons: a start without seconds of imports.

For each line on stdin (JSON: the command line's words and where the output goes) it forks a child that runs them as
`python -m baileykeep` does, tells its pid, and after its end how it ended.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def child(order: dict[str, Any]) -> None:
    """Become the daemon; never returns."""
    output = os.open(order["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(ours, theirs)
    from baileykeep.cli import main

    status = 0
    try:
        main(order["words"])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    sys.stdout.flush()
    os._exit(status)


def serve() -> None:
    """One child at a time, until stdin ends."""
    import baileykeep.app.lifecycle
    import baileykeep.channels.telegram
    import baileykeep.cli.root  # noqa: F401  (imported here, so that no child has to)

    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
