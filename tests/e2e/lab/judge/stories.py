"""The whole stories, run by pytest against a release, told as they end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.crash.processes import REPO
from tests.e2e.lab.judge.report import Story
from tests.e2e.lab.node import OTHER_RELEASE, LabError

WHERE = "tests/e2e/lab"
WITHOUT = ("tests/e2e/lab/test_page.py",)
ENDED = re.compile(r"\[gw\d+\] \[ *(\d+)%\] (PASSED|FAILED|ERROR) \S+::(.+?) *$")


def run(package: str, folder: Path, told: Callable[[str], None]) -> list[Story]:
    """Run them all; `told` gets a line for each. LabError when pytest itself could not."""
    results = folder / "stories.xml"
    words = [
        sys.executable, "-m", "pytest", WHERE, "-m", "slow", "-n", "2", "-v", "--tb=short", f"--junitxml={results}",
        "-p", "no:cacheprovider", *(f"--ignore={name}" for name in WITHOUT),
    ]  # fmt: skip
    environment = {**os.environ, OTHER_RELEASE: package, "PYTHONPATH": "src"}
    with (folder / "stories.log").open("w") as log, _started(words, environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            if found := ENDED.search(line):
                percent, how, name = found.groups()
                told(f"  {percent:>3} % {'✔' if how == 'PASSED' else '✖'} {name}")
    if not results.exists():
        raise LabError(f"pytest could not run the stories:\n{(folder / 'stories.log').read_text()[-2000:]}")
    return list(read(results.read_text()))


def _started(words: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words, cwd=REPO, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def read(xml: str) -> Iterator[Story]:
    """The stories in a file of results."""
    for case in ET.fromstring(xml).iter("testcase"):  # noqa: S314 - pytest wrote it
        trouble = case.find("failure") if case.find("failure") is not None else case.find("error")
        if case.find("skipped") is None:
            text = (trouble.get("message") or "it failed").strip() if trouble is not None else ""
            yield Story(case.get("name", ""), text.splitlines()[0] if text else "")
