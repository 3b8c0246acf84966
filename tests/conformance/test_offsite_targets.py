"""What every place off this host must hold to. A kind that is not listed here fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from baileykeep.backups.offsite.base import DIFFERS, TAKEN, Place, Target
from baileykeep.backups.offsite.find import KINDS, target
from baileykeep.backups.shelf import folder_name
from baileykeep.model.errors import OffsiteError, UsageError
from tests.fakes.far import SECRET, Bucket, s3_server

FOLDER = folder_name("salon 1/ü%")
NAME = "20270115T080000Z-hot-ab12.tar.zst.age"


Given = Callable[[Path, pytest.FixtureRequest], Target]


def folder(tmp: Path, _request: pytest.FixtureRequest) -> Target:
    (tmp / "far").mkdir()
    (tmp / "backups").mkdir()
    return target(Place(f"file://{tmp}/far", same_disk=True), tmp / "backups")


def bucket(tmp: Path, request: pytest.FixtureRequest) -> Target:
    server: Bucket = request.getfixturevalue("server")
    return target(server.place(f"a/{tmp.name}"), tmp)


MADE: dict[str, Given] = {"file": folder, "s3": bucket}


def test_every_kind_is_held_to_this() -> None:
    assert set(KINDS) == set(MADE)


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with s3_server() as server:
        yield server


@pytest.fixture(params=sorted(MADE))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    made = MADE[request.param](tmp_path, request)
    assert made.kind == request.param
    return made


def test_what_was_put_is_there_under_its_name_alone(place: Target) -> None:
    assert (place.folders(), dict(place.names(FOLDER)), place.get(FOLDER, NAME, 9)) == ([], {}, None)
    place.put_new(FOLDER, NAME, b"sealed")
    place.put_new("other", "x.json", b"")
    assert place.folders() == sorted([FOLDER, "other"])
    assert dict(place.names(FOLDER)) == {NAME: 6}
    assert place.get(FOLDER, NAME, 6) == b"sealed"
    assert place.get(FOLDER, "x.json", 6) is None


def test_nothing_is_ever_written_over(place: Target) -> None:
    place.put_new(FOLDER, NAME, b"first")
    for data in (b"other", b"first"):
        with pytest.raises(OffsiteError, match="something else lies") as error:
            place.put_new(FOLDER, NAME, data)
        assert error.value.code == TAKEN
    assert place.get(FOLDER, NAME, 99) == b"first"
    assert list(place.names(FOLDER)) == [NAME]


def test_of_many_at_once_one_wins(place: Target) -> None:
    def put(number: int) -> bool:
        try:
            place.put_new(FOLDER, NAME, bytes([number]) * 5000)
        except OffsiteError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(put, range(4)))
    assert sum(won) == 1
    assert place.get(FOLDER, NAME, 9999) == bytes([won.index(True)]) * 5000


def test_more_than_expected_is_not_read(place: Target) -> None:
    place.put_new(FOLDER, NAME, bytes(100))
    with pytest.raises(OffsiteError, match="larger") as error:
        place.get(FOLDER, NAME, 99)
    assert error.value.code == DIFFERS


def test_removing_takes_one_and_forgives_none(place: Target) -> None:
    for name in (NAME, "b"):
        place.put_new(FOLDER, name, b"x")
    place.remove(FOLDER, NAME)
    place.remove(FOLDER, NAME)
    assert list(place.names(FOLDER)) == ["b"]


def test_it_says_where_it_is_and_never_its_secret(place: Target) -> None:
    assert place.where
    assert SECRET not in place.where + repr(place) + str(vars(place))


def test_another_kind_is_named() -> None:
    with pytest.raises(UsageError, match="no place of the kind ftp"):
        target(Place("ftp://x/y"), Path("/"))


def test_a_folder_is_private_whatever_the_mask(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    before = os.umask(0)
    try:
        folder(tmp_path, request).put_new(FOLDER, NAME, b"x")
    finally:
        os.umask(before)
    found = tmp_path / "far" / FOLDER
    assert (found.stat().st_mode & 0o777, (found / NAME).stat().st_mode & 0o777) == (0o700, 0o600)
