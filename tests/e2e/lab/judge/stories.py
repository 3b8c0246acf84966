"""The whole stories, run by pytest against a release, told as they end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tests.crash.processes import REPO
from tests.e2e.lab.judge.report import Story
from tests.e2e.lab.node import OTHER_RELEASE, LabError

WHERE = "tests/e2e/lab"
WITHOUT = ("tests/e2e/lab/test_page.py",)
OPTIONS = ("-v", "--tb=short", "-p", "no:cacheprovider")
SUMMARY = re.compile(r"contains \d+ failed subtests?")
ENDED = re.compile(r"\[gw\d+\] \[ *(\d+)%\] (PASSED|FAILED|ERROR) \S+::(.+?) *$")


def run(package: str, folder: Path, told: Callable[[str], None]) -> list[Story]:
    """Run them all, and what failed once more by itself: a busy machine is no verdict on a release.

    `told` gets a line for each. LabError when pytest itself could not.
    """
    first = _run(package, folder / "first", told, [WHERE, "-n", "2", *(f"--ignore={name}" for name in WITHOUT)])
    failed = [story.place for story in first if story.failure]
    if not failed:
        return first
    told(f"Once more, one after the other: the {len(failed)} that did not hold:")
    return merged(first, _run(package, folder / "again", told, [*failed, "-n", "1"]))


def _run(package: str, folder: Path, told: Callable[[str], None], what: list[str]) -> list[Story]:
    folder.mkdir()
    results, text = folder / "results.xml", folder / "output.log"
    words = [sys.executable, "-m", "pytest", *what, "-m", "slow", *OPTIONS, f"--junitxml={results}"]
    environment = {**os.environ, OTHER_RELEASE: package, "PYTHONPATH": "src"}
    with text.open("w") as log, _started(words, environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            if found := ENDED.search(line):
                percent, how, name = found.groups()
                told(f"  {percent:>3} % {'✔' if how == 'PASSED' else '✖'} {name}")
    if not results.exists():
        raise LabError(f"pytest could not run the stories:\n{text.read_text()[-2000:]}")
    return list(read(results.read_text()))


def merged(first: list[Story], again: list[Story]) -> list[Story]:
    """The first results; what held at the second try holds, with a word about the first."""
    second = {story.place: story for story in again}
    return [
        replace(story, failure="", wavered=story.failure)
        if story.failure and story.place in second and not second[story.place].failure
        else story
        for story in first
    ]


def _started(words: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words, cwd=REPO, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def read(xml: str) -> Iterator[Story]:
    """The stories in a file of results."""
    for case in ET.fromstring(xml).iter("testcase"):  # noqa: S314 - pytest wrote it
        if case.find("skipped") is None:
            name, module = case.get("name", ""), case.get("classname", "")
            yield Story(name, _trouble(case), f"{module.replace('.', '/')}.py::{name}")


def _trouble(case: ET.Element) -> str:
    """The first line of what failed; several stories in one test may each have failed."""
    texts = [(found.get("message") or "it failed").strip() for found in (*case.iter("failure"), *case.iter("error"))]
    return "; ".join(text.splitlines()[0] for text in texts if not SUMMARY.fullmatch(text))
