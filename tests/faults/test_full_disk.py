"""A really full small file system.

A private mount of a few megabytes needs no more than user namespaces; where even those are barred, files that may
not grow past a bound stand in for it.
"""

from __future__ import annotations

import resource
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from baileykeep.fsys import Fsys
from baileykeep.model.errors import BaileykeepError
from tests.faults.scenes import SCENES, recovered

REPOSITORY = Path(__file__).parents[2]
DIRECT = [scene.name for scene in SCENES if not scene.name.startswith(("action_", "guard_"))]
SIZE = "8m"
WAYS = (["unshare", "-m"], ["unshare", "-Urm"])


def mounted(disk: Path, command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Run a command with a small file system at `disk` that nobody else sees; None where that is not allowed."""
    mount = f"mount -t tmpfs -o size={SIZE} none {shlex.quote(str(disk))}"
    for way in WAYS:
        try:
            if subprocess.run([*way, "sh", "-c", mount], capture_output=True, check=False).returncode:
                continue
        except FileNotFoundError:
            return None
        return subprocess.run(
            [*way, "sh", "-c", f"{mount} && exec {shlex.join(command)}"],
            cwd=REPOSITORY,
            env={"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    return None


@pytest.mark.slow
@pytest.mark.timeout(320)
def test_a_full_disk_loses_no_login(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    done = mounted(disk, [sys.executable, "-m", "tests.faults.small_disk", str(disk), *DIRECT])
    if done is None:
        pytest.skip("no mount of our own is allowed here; the test with bounded files stands in for it")
    assert done.returncode == 0, done.stdout + done.stderr
    found = dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)
    assert found.keys() >= set(DIRECT)
    assert sum(int(pages) for pages in found.values()) > len(DIRECT)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cleanup", "folder_aside", "folder_back_over_a_fresh_one", "good_creds_put"])
def test_files_that_cannot_grow_lose_no_login(quick: Path, name: str) -> None:
    scene = next(scene for scene in SCENES if scene.name == name)
    template, login = scene.prepare(quick / "template")
    failed = 0
    for limit in (0, 8, 100, 1000, 2000, 4000, 8000, 1 << 20):
        place = template.twin(f"at-{limit}")
        failed += not _bounded(limit, lambda: scene.act(place, Fsys()))  # noqa: B023 - called at once
        recovered(scene, place, login)
    assert 2 < failed < 8


def _bounded(limit: int, act: object) -> bool:
    """Whether it went well although no file of this process could grow past so many bytes."""
    assert callable(act)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        act()
    except BaileykeepError:
        return False
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    return True
