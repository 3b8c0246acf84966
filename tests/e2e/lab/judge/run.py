"""`make lab BAILEYS=…`: resolve, install, walk with both, run the stories, and write the report."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.crash.processes import REPO
from tests.e2e.lab.judge import stories
from tests.e2e.lab.judge.compare import compare
from tests.e2e.lab.judge.observe import Observation, observe
from tests.e2e.lab.judge.report import report
from tests.e2e.lab.judge.versions import pinned_version, resolved
from tests.e2e.lab.node import LabError, pinned, released


def run(word: str) -> int:
    """Judge a release; 0 when every story holds, 1 when one does not or it could not be judged."""
    console = Console(highlight=False, emoji=False, markup=False, soft_wrap=True)
    try:
        return _judged(word, console)
    except LabError as error:
        print(f"This Baileys cannot be judged: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    return 1


def _judged(word: str, console: Console) -> int:
    with console.status("Asking npm …"):
        package = resolved(word)
    console.print(f"Judging {package}; the pinned release is {pinned_version()}.")
    with console.status(f"Installing {package} …"):
        theirs, ours = released(package), pinned("7")
    with tempfile.TemporaryDirectory(prefix="baileykeep-judge-") as folder:
        with console.status("Walking with both: pair, talk, group, reconnect, Bad MAC, removed …"):
            before, after = asyncio.run(_observed([ours, theirs], Path(folder)))
        found = stories.run(package, Path(folder), _numbered(console))
    text = report(package, before, after, compare(before, after), found)
    path = REPO / f"lab-report-{package.replace('/', '-')}.md"
    path.write_text(text)
    console.print(f"\n{text}\nThis report is in {path.name}.")
    return int(any(story.failure for story in found))


def _numbered(console: Console) -> Callable[[str], None]:
    console.print("Running the stories, some minutes:")
    return console.print


async def _observed(modules: list[Path], folder: Path) -> list[Observation]:
    found = []
    for number, one in enumerate(modules):
        root = folder / str(number)
        root.mkdir()
        found.append(await observe(one, root))
    return found
