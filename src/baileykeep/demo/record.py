"""Records the demo for the documentation: `python -m baileykeep.demo.record docs`, exit 0 only if all healed."""

from __future__ import annotations

import argparse
import io
import re
import sys
import tempfile
from pathlib import Path

import anyio
from rich.console import Console

from baileykeep.demo.scenario import TROUBLES
from baileykeep.demo.show import FAST, play

COMMAND = "baileykeep demo --fast"
FONT_ELSEWHERE = re.compile(r"@font-face \{.*?\n *\}\s*", re.DOTALL)
"""A picture in a README must not fetch anything; the reader's own monospaced font does."""

TEXT, PICTURE = "demo.txt", "demo.svg"


def record(folder: Path) -> int:
    """Run the fast demo once; its transcript and a picture of its last screen are written into `folder`."""
    story = _console()
    with tempfile.TemporaryDirectory(prefix="baileykeep-demo-") as root:
        curtain = anyio.run(play, Path(root), FAST, TROUBLES, story)
    if curtain is None:
        return 1
    last = _console()
    curtain.tell(story)
    code = curtain.tell(last)
    if code == 0:
        lines = (line.rstrip() for line in story.export_text().splitlines())
        (folder / TEXT).write_text("\n".join([f"$ {COMMAND}", *lines]).rstrip() + "\n")
        (folder / PICTURE).write_text(FONT_ELSEWHERE.sub("", last.export_svg(title=COMMAND)))
    return code


def _console() -> Console:
    return Console(
        record=True, width=80, file=io.StringIO(), force_terminal=False, highlight=False, emoji=False, markup=False
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser("record", description="record the demo for the documentation")
    parser.add_argument("folder", type=Path, help="where demo.txt and demo.svg are written")
    sys.exit(record(parser.parse_args().folder))
