"""Copies leave, are read back, and old ones go; whatever the far side says or does in between."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from pyrage import x25519

from baileykeep.backups.archive import sha256, unpack
from baileykeep.backups.offsite.base import Place
from baileykeep.backups.offsite.directory import Directory
from baileykeep.backups.offsite.ledger import FILE, Ledger
from baileykeep.backups.offsite.survey import Survey
from baileykeep.backups.shelf import SUFFIX
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import OffsiteError, Refused
from baileykeep.model.limits import HOUR
from baileykeep.model.offsite import Away
from tests.unit.auth_folders import CrashError
from tests.unit.backups.offsite.hosts import Host, both, host, keys, lying, names
from tests.unit.rules.folders import PHONE


@pytest.fixture
def here(tmp_path: Path) -> Host:
    return host(tmp_path, "a")


def file_of(here: Host, name: str, end: str = ".tar.zst.age") -> Path:
    return here.vault.shelf.path("c").parents[2] / "far" / "c" / f"{name}{end}"


def test_a_copy_leaves_sealed_and_is_known_by_its_hashes(here: Host, tmp_path: Path) -> None:
    made = here.back_up()
    report = here.send()
    assert (report.sent, report.gone, report.troubles) == ([made.name], [], [])
    assert here.far(tmp_path) == both(made.name)
    sealed = file_of(here, made.name).read_bytes()
    archive = here.vault.load("c", made.name)[0]
    assert pyrage.decrypt(sealed, [x25519.Identity.from_str(keys()[0])]) == archive
    entry = json.loads(file_of(here, made.name, ".json").read_text())
    assert (entry["sha256"], entry["sealed_sha256"]) == (sha256(archive), sha256(sealed))
    assert unpack(archive)[0].company == "c"


def test_no_phone_nor_any_secret_is_in_sight(here: Host, tmp_path: Path) -> None:
    here.back_up()
    here.send()
    for path in (tmp_path / "far").rglob("*"):
        assert PHONE not in str(path)
        assert path.is_dir() or PHONE.encode() not in path.read_bytes()
    assert PHONE not in (here.vault.shelf.path("c") / FILE).read_text()


def test_every_kind_goes_and_nothing_twice(here: Host, tmp_path: Path) -> None:
    made = [here.back_up(kind) for kind in (BackupKind.HOT, BackupKind.COLD, BackupKind.MANUAL)]
    assert set(here.send().sent) == set(names(made))
    lying(here).put.clear()
    assert here.send().sent == []
    assert lying(here).put == []
    assert here.far(tmp_path) == both(*names(made))


def test_a_new_process_finds_out_what_is_missing(here: Host, tmp_path: Path) -> None:
    first = here.back_up()
    here.send()
    second = here.back_up()
    again = replace(here, target=Directory(here.place, tmp_path / "a"))
    assert again.send().sent == [second.name]
    assert again.far(tmp_path) == both(first.name, second.name)


def test_the_newest_stay_and_the_last_login_with_them(here: Host, tmp_path: Path) -> None:
    login = here.back_up()
    dead = [here.back_up(paired=False) for _ in range(3)]
    here.send(keep=10)
    report = here.send(keep=2)
    assert report.gone == [dead[0].name]
    assert here.far(tmp_path) == both(login.name, *names(dead[1:]))


def test_keep_removes_nothing(here: Host, tmp_path: Path) -> None:
    made = [here.back_up() for _ in range(4)]
    here.send(keep=None)
    assert here.send(keep=None).gone == []
    assert here.far(tmp_path) == both(*names(made))
    assert lying(here).removed == []


def test_what_reads_back_different_does_not_count(here: Host) -> None:
    made = here.back_up()
    lying(here).bend = lambda name, data: data[:-1] + b"?" if name.endswith(".age") else data
    report = here.send()
    assert report.sent == []
    assert "is not what was sent there" in report.troubles[0]
    assert here.ledger().sent == ()
    assert not file_of(here, made.name, ".json").exists()
    lying(here).bend = lambda _name, data: data
    assert here.send().sent == [made.name]


def test_what_stays_different_stays_a_trouble_and_is_never_written_over(here: Host) -> None:
    made = here.back_up()
    lying(here).bend = lambda name, data: b"" if name.endswith(".age") else data
    here.send()
    lying(here).bend = lambda _name, data: data
    file_of(here, made.name).write_bytes(b"something else")
    other = here.back_up()
    for _ in range(2):
        report = here.send()
        assert report.troubles
    assert file_of(here, made.name).read_bytes() == b"something else"
    assert [sent.copy.name for sent in here.ledger().sent] == [other.name]


def test_a_strangers_file_under_our_name_is_told_and_left(here: Host) -> None:
    made = here.back_up()
    file_of(here, made.name).parent.mkdir()
    file_of(here, made.name).write_bytes(b"theirs")
    assert here.send().troubles == [f"something else lies on the far side as {made.name}.tar.zst.age"]
    assert file_of(here, made.name).read_bytes() == b"theirs"


def test_another_archive_under_our_name_is_not_taken_for_ours(here: Host, tmp_path: Path) -> None:
    made = [here.back_up() for _ in range(2)]
    here.send()
    (here.vault.shelf.path("c") / FILE).unlink()
    entry = json.loads(file_of(here, made[0].name, ".json").read_text())
    file_of(here, made[0].name, ".json").write_text(json.dumps({**entry, "sha256": "0" * 64}))
    report = here.send()
    assert report.troubles == [f"something else lies on the far side as {made[0].name}.tar.zst.age"]
    assert [sent.copy.name for sent in here.ledger().sent] == [made[1].name]


def test_one_that_was_cut_off_there_keeps_none_that_is_here_from_going(here: Host) -> None:
    made = [here.back_up() for _ in range(2)]
    here.send(keep=1)
    newest = file_of(here, made[1].name)
    newest.write_bytes(newest.read_bytes()[:-1])
    assert here.send(keep=1).sent == [made[0].name]


def test_a_copy_that_vanished_is_sent_again(here: Host, tmp_path: Path) -> None:
    made = here.back_up()
    here.send()
    shutil.rmtree(tmp_path / "far" / "c")
    assert here.send().sent == [made.name]
    assert here.far(tmp_path) == both(made.name)


def test_an_entry_that_vanished_is_written_again(here: Host, tmp_path: Path) -> None:
    made = here.back_up()
    here.send()
    file_of(here, made.name, ".json").unlink()
    assert here.send().troubles == []
    assert here.far(tmp_path) == both(made.name)


def test_a_lost_ledger_makes_nothing_ours(here: Host, tmp_path: Path) -> None:
    made = [here.back_up() for _ in range(3)]
    here.send()
    (here.vault.shelf.path("c") / FILE).write_text("{")
    report = here.send(keep=1)
    assert report.troubles == []
    assert [sent.ours for sent in here.ledger().sent] == [False]
    for backup in made[:2]:
        here.vault.shelf.drop("c", backup.name + SUFFIX)
    newer = here.back_up()
    assert here.send(keep=1).gone == []
    assert here.far(tmp_path) == both(*names(made), newer.name)


@pytest.mark.parametrize("which", ["newest", "oldest"])
def test_nothing_goes_while_the_newest_or_itself_is_altered(here: Host, tmp_path: Path, which: str) -> None:
    made = [here.back_up() for _ in range(3)]
    here.send()
    altered = file_of(here, made[2 if which == "newest" else 0].name)
    altered.write_bytes(bytes(altered.stat().st_size))
    report = here.send(keep=1)
    assert altered.name.partition(".")[0] in report.troubles[0]
    left = made if which == "newest" else [made[0], made[2]]
    assert here.far(tmp_path) == both(*names(left))


def test_a_copy_whose_entry_was_changed_does_not_go(here: Host, tmp_path: Path) -> None:
    made = [here.back_up() for _ in range(2)]
    here.send()
    file_of(here, made[0].name, ".json").write_text("{}")
    assert here.send(keep=1).gone == []
    assert here.far(tmp_path) == both(*names(made))


def test_a_shorter_one_is_a_trouble_and_counts_for_nobody(here: Host, tmp_path: Path) -> None:
    made = [here.back_up() for _ in range(3)]
    here.send()
    newest = file_of(here, made[2].name)
    newest.write_bytes(newest.read_bytes()[:-1])
    report = here.send(keep=1)
    assert report.gone == []
    assert report.troubles
    assert here.far(tmp_path) == both(*names(made))


def test_a_listing_that_hides_the_newest_ones_costs_none_of_the_others(here: Host, tmp_path: Path) -> None:
    made = [here.back_up() for _ in range(4)]
    here.send()
    lying(here).hide = lambda name: name.startswith((made[3].name, made[2].name))
    report = here.send(keep=3)
    assert report.gone == []
    assert len(report.troubles) == 2
    assert here.far(tmp_path) == both(*names(made))
    lying(here).hide = lambda _name: False
    assert here.send(keep=None).troubles == []
    assert len(here.ledger().sent) == 4


def test_a_copy_that_was_moved_away_leaves_no_entry_that_bars_the_next(here: Host, tmp_path: Path) -> None:
    made = [here.back_up() for _ in range(2)]
    here.send()
    for backup in made:
        file_of(here, backup.name).unlink()
    file_of(here, made[0].name, ".json").write_text("another's")
    report = here.send()
    assert report.sent == [made[1].name]
    assert [f"{made[0].name}.json" in trouble for trouble in report.troubles] == [True]
    assert file_of(here, made[0].name, ".json").read_text() == "another's"


def test_two_hosts_in_one_place_remove_nothing_of_each_other(tmp_path: Path) -> None:
    a, b = host(tmp_path, "a"), host(tmp_path, "b")
    theirs = [a.back_up() for _ in range(2)]
    a.send()
    b.now += 10 * HOUR
    ours = [b.back_up() for _ in range(3)]
    b.send()
    assert b.send(keep=1).gone == names(ours[:2])
    assert a.far(tmp_path) == both(*names(theirs), ours[2].name)


@pytest.mark.parametrize("step", ["before the copy", "after the copy", "before the entry", "after the entry"])
def test_a_process_that_dies_leaves_nothing_half_counted(here: Host, tmp_path: Path, step: str) -> None:
    made = here.back_up()
    place = lying(here)
    put = place.put_new

    def dying(folder: str, name: str, data: bytes) -> None:
        now = step.endswith("copy") == name.endswith(".age")
        if now and step.startswith("before"):
            raise CrashError
        put(folder, name, data)
        if now:
            raise CrashError

    place.put_new = dying  # type: ignore[method-assign]
    with pytest.raises(CrashError):
        here.send()
    assert here.ledger().sent == ()
    again = replace(here, target=Directory(here.place, tmp_path / "a"))
    assert again.send().sent == [made.name]
    assert [(s.copy.name, s.ours) for s in again.ledger().sent] == [(made.name, True)]
    assert again.far(tmp_path) == both(made.name)


def test_letting_go_that_dies_half_way_is_finished(here: Host, tmp_path: Path) -> None:
    made = [here.back_up() for _ in range(2)]
    here.send()
    place = lying(here)
    remove = place.remove

    def dying(folder: str, name: str) -> None:
        if name.endswith(".age"):
            raise CrashError
        remove(folder, name)

    place.remove = dying  # type: ignore[method-assign]
    with pytest.raises(CrashError):
        here.send(keep=1)
    assert here.far(tmp_path) == sorted([*both(made[1].name), f"{made[0].name}.tar.zst.age"])
    again = replace(here, target=Directory(here.place, tmp_path / "a"))
    assert again.send(keep=1).gone == [made[0].name]
    assert here.far(tmp_path) == both(made[1].name)


def test_a_damaged_backup_here_is_no_copy_there(here: Host, tmp_path: Path) -> None:
    made, good = here.back_up(), here.back_up()
    archive = here.vault.shelf.path("c") / f"{made.name}{SUFFIX}"
    archive.write_bytes(archive.read_bytes()[:-40])
    assert here.send().sent == [good.name]
    assert here.far(tmp_path) == both(good.name)


def test_the_vault_is_free_while_a_copy_is_on_its_way(here: Host) -> None:
    here.back_up()
    place = lying(here)
    put = place.put_new

    def meanwhile(folder: str, name: str, data: bytes) -> None:
        with here.vault.shelf.action_lock("c"), here.vault.shelf.held("c"):
            put(folder, name, data)

    place.put_new = meanwhile  # type: ignore[method-assign]
    assert len(here.send().sent) == 1


def test_one_process_at_a_time_sends(here: Host) -> None:
    here.back_up()
    with here.vault.shelf.sending_lock("c", wait=False), pytest.raises(Refused, match="another process"):
        here.send()


def test_ending_early_goes_on_the_next_time(here: Host) -> None:
    made = [here.back_up() for _ in range(3)]
    lights = iter([False, True])
    assert here.send(ending=lambda: next(lights)).sent == [made[2].name]
    assert here.send().sent == [made[1].name, made[0].name]


def test_another_place_begins_anew_and_the_first_is_remembered(here: Host, tmp_path: Path) -> None:
    made = here.back_up()
    here.send()
    (tmp_path / "else").mkdir()
    place = Place(f"file://{tmp_path}/else", same_disk=True)
    other = replace(here, place=place, target=Directory(place, tmp_path / "a"))
    assert other.ledger() == Ledger()
    assert other.send().sent == [made.name]
    assert here.send().sent == []
    assert len(here.ledger().sent) == 1


def test_a_place_that_is_not_mounted_is_named(here: Host, tmp_path: Path) -> None:
    here.back_up()
    (tmp_path / "far").rmdir()
    with pytest.raises(OffsiteError, match="is it mounted"):
        here.send()
    assert not (tmp_path / "far").exists()


def test_the_disk_of_the_backups_is_no_other_place(here: Host, tmp_path: Path) -> None:
    here.back_up()
    place = replace(here.place, same_disk=False)
    with pytest.raises(OffsiteError, match="same disk") as error:
        here.send(target=Directory(place, tmp_path / "a"))
    assert error.value.code == "same_disk"
    assert here.far(tmp_path) == []


def test_a_link_into_the_backups_is_no_other_place(here: Host, tmp_path: Path) -> None:
    here.back_up()
    (tmp_path / "link").symlink_to(tmp_path / "a" / "backups")
    with pytest.raises(OffsiteError, match="lie in each other"):
        here.send(target=Directory(Place(f"file://{tmp_path}/link", same_disk=True), tmp_path / "a" / "backups"))


def test_the_survey_knows_what_waits_and_what_is_there(here: Host) -> None:
    survey, start = Survey(here.vault), here.now
    assert survey.of("c", here.key, 10, here.now) == Away()
    here.back_up()
    here.back_up(paired=False)
    assert survey.of("c", here.key, 10, here.now) == Away(None, 2, start + HOUR)
    here.send()
    assert survey.of("c", here.key, 10, here.now) == Away(start + HOUR, 0, None)
    here.back_up()
    assert survey.of("c", here.key, 10, here.now) == Away(start + HOUR, 1, start + 3 * HOUR)
