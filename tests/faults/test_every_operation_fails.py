"""Every operation on files fails once, at each place of each thing that is done to them, and for good."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from baileykeep.model.errors import BaileykeepError
from tests.faults.doors import Blind, Broken, Counting
from tests.faults.scenes import SCENES, Scene, recovered


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_undisturbed_it_ends_well(quick: Path, scene: Scene) -> None:
    place, login = scene.prepare(quick / "a")
    counted = Counting()
    scene.act(place, counted)
    assert counted.changes
    recovered(scene, place, login)


FAILURES = [(errno.ENOSPC, False), (errno.EIO, False), (errno.EACCES, False), (errno.ENOSPC, True)]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "lasting"), FAILURES, ids=["ENOSPC", "EIO", "EACCES", "ENOSPC_from_then_on"])
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_every_change_fails(quick: Path, scene: Scene, number: int, lasting: bool) -> None:
    fail_everywhere(quick, scene, lambda at: Broken(at, number, lasting=lasting))


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES], ids=["EIO", "EACCES"])
@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_every_look_fails(quick: Path, scene: Scene, number: int) -> None:
    fail_everywhere(quick, scene, lambda at: Blind(at, number))


def fail_everywhere(root: Path, scene: Scene, door_of: Callable[[int], Broken | Blind]) -> None:
    """Break at 1, 2, … until nothing is left to be broken."""
    template, login = scene.prepare(root / "template")
    at, happened = 0, True
    while happened:
        at += 1
        place, door = template.twin(f"at-{at}"), door_of(at)
        try:
            scene.act(place, door)
        except BaileykeepError:
            assert door.happened
        happened = door.happened
        if happened:
            recovered(scene, place, login)
        place.gone()
    assert at > 1
