"""Plants each bug into a copy of the product, runs the story that guards the rule, and tells how it failed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.crash.processes import REPO
from tests.e2e.lab.node import CACHE, pinned
from tests.e2e.lab.planted.bugs import BUGS, SOURCE, Bug
from tests.e2e.lab.planted.witness import FAILURES, Failure, read

AT_ONCE = 2
COPIED = ("src", "tests")
LEFT_OUT = shutil.ignore_patterns(CACHE.name, "__pycache__", "*.egg-info")
OPTIONS = ("-m", "slow", "-q", "--tb=long", "-p", "no:cacheprovider", "-p", "tests.e2e.lab.planted.witness")
LONGEST_REASON = 240


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one bug: how long its story ran, all that failed in it, and pytest's last words."""

    bug: Bug
    seconds: float
    failures: tuple[Failure, ...]
    last: str

    @property
    def caught(self) -> bool:
        """Whether the story itself found something wrong, in the subtest where it must."""
        return any(failure.asserted and failure.subtest == self.bug.subtest for failure in self.failures)

    @property
    def reason(self) -> str:
        """The first failure that counts, else whatever there is to tell."""
        mine = [str(f) for f in self.failures if f.subtest == self.bug.subtest]
        others = [f"[{f.subtest}] {f}" for f in self.failures]
        return " ".join([*mine, *others, self.last][0].split())[:LONGEST_REASON]

    def __str__(self) -> str:
        place = self.bug.story.rpartition("::")[2] + (f"[{self.bug.subtest}]" if self.bug.subtest else "")
        return f"{'✔' if self.caught else '✖'} {self.seconds:4.0f} s  {place}: {self.bug.what}  |  {self.reason}"


def main(texts: Sequence[str]) -> int:
    """Run those that were asked for; 0 when every story failed as it must."""
    chosen = [bug for bug in BUGS if not texts or any(bug.is_named(text) for text in texts)]
    if not chosen:
        print("No bug is named so.", file=sys.stderr)
        return 2
    for generation in ("7", "6"):
        pinned(generation)  # before two copies want to install it
    try:
        caught = sum(map(_told, _run(chosen)))
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 1
    print(f"{caught} of {len(chosen)} broken rules made their story fail.")
    return 0 if caught == len(chosen) else 1


def _told(seen: Seen) -> bool:
    print(seen, flush=True)
    return seen.caught


def _run(bugs: Sequence[Bug]) -> Iterator[Seen]:
    """Two at a time, each in a copy of its own; as they end."""
    with tempfile.TemporaryDirectory(prefix="planted-") as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(min(AT_ONCE, len(bugs))):
            trees.put(copied(Path(folder) / str(number)))
        try:
            for ended in as_completed([pool.submit(_try, bug, trees) for bug in bugs]):
                yield ended.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def copied(tree: Path) -> Path:
    """All that a story needs, with the packages of Node that are installed here."""
    for name in COPIED:
        shutil.copytree(REPO / name, tree / name, ignore=LEFT_OUT)
    shutil.copy(REPO / "pyproject.toml", tree)
    (tree / CACHE.relative_to(REPO)).symlink_to(CACHE)
    return tree


def _try(bug: Bug, trees: SimpleQueue[Path]) -> Seen:
    tree = trees.get()
    try:
        with planted(bug, tree):
            return story(bug, tree)
    finally:
        trees.put(tree)


@contextmanager
def planted(bug: Bug, tree: Path) -> Iterator[None]:
    """The copy with this bug. ValueError unless what is to be replaced stands there once."""
    path = tree / SOURCE / bug.file
    whole = path.read_text()
    if whole.count(bug.old) != 1:
        raise ValueError(f"{bug.file} holds {whole.count(bug.old)} times what is to be replaced: {bug.old}")
    path.write_text(whole.replace(bug.old, bug.new))
    try:
        yield
    finally:
        path.write_text(whole)


def story(bug: Bug, tree: Path) -> Seen:
    """Run the story with what lies in the copy: the product, and all that starts processes of it."""
    failures = tree / "failures.jsonl"
    failures.unlink(missing_ok=True)
    paths = os.pathsep.join((str(tree / "src"), str(tree)))
    environment = {**os.environ, "PYTHONPATH": paths, FAILURES: str(failures), "NO_COLOR": "1"}
    began = time.monotonic()
    words = [sys.executable, "-m", "pytest", bug.story, *OPTIONS]
    done = subprocess.run(words, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return Seen(bug, time.monotonic() - began, tuple(read(failures)), lines[-1] if lines else "")
