"""The power goes at every moment, and the disk keeps nothing that it was not told to keep."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep import fsys
from tests.faults.disk import forgotten, put_on_disk, recorded, ruins, signature
from tests.faults.place import check_always
from tests.faults.scenes import SCENES, Scene, recovered

DIRECT = [scene for scene in SCENES if not scene.name.startswith("action_")]
"""Actions do the same to files as these, and keep notes of their own that no disk forgets here."""


def cut_everywhere(monkeypatch: pytest.MonkeyPatch, root: Path, scene: Scene, every: int = 1) -> int:
    """Recover from each different state that a cut may leave; returns how many there were."""
    place, login = scene.prepare(root / "a")
    start, steps = recorded(place, scene.act, lambda module: monkeypatch.setattr(fsys, "os", module))
    known: set[int] = set()
    for cut in range(0, len(steps) + 1, every):
        forgotten(steps)
        for names in ruins(start, steps[:cut]):
            if signature(names) not in known:
                known.add(signature(names))
                found = put_on_disk(names, place, f"cut-{cut}-{len(known)}")
                recovered(scene, found, login)
                found.gone()
    return len(known)


def done_is_done(monkeypatch: pytest.MonkeyPatch, root: Path, scene: Scene) -> None:
    """What reported success needs nothing more: a cut right after it changes nothing."""
    place, login = scene.prepare(root / "done")
    start, steps = recorded(place, scene.act, lambda module: monkeypatch.setattr(fsys, "os", module))
    forgotten(steps)
    states = {signature(names) for names in ruins(start, steps)}
    assert len(states) == 1, f"after {steps[-1].call} something is still not on disk"
    forgotten(steps)
    check_always(put_on_disk(next(ruins(start, steps)), place, "found"), login)


@pytest.mark.parametrize("scene", DIRECT, ids=str)
def test_what_is_done_is_on_disk(monkeypatch: pytest.MonkeyPatch, quick: Path, scene: Scene) -> None:
    done_is_done(monkeypatch, quick, scene)


@pytest.mark.slow
@pytest.mark.parametrize("scene", DIRECT, ids=str)
def test_a_power_cut_loses_no_login(monkeypatch: pytest.MonkeyPatch, quick: Path, scene: Scene) -> None:
    assert cut_everywhere(monkeypatch, quick, scene) > 1
