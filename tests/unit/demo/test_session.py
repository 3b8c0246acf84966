"""A session of the stand-in does to its folder what Baileys does, and suffers what the world does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from baileykeep.demo import shapes
from baileykeep.demo.folders import Shape, contact, counted_files, pre_key_ids, session_file
from baileykeep.demo.session import Busy, Heals, Session, State
from baileykeep.demo.standin import StandIn

SIX = Shape.counting(60, generation=6)
NOW = 1_800_000_000.0


class Hands:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def gateway(tmp_path: Path, clock: Hands) -> Iterator[StandIn]:
    """A gateway without delays; nothing listens."""
    made = StandIn(tmp_path, clock=clock, connect_s=0)
    yield made
    made.log.close()


def where(session: Session) -> State:
    return session.state


def said(gateway: StandIn) -> str:
    return gateway.log.stdout.read_text()


def creds_on_disk(session: Session) -> dict[str, object]:
    creds: dict[str, object] = json.loads((session.folder / "creds.json").read_text())
    return creds


def test_a_paired_folder_opens(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    assert (session.state, session.paired, session.qr) == (State.CONNECTED, True, None)
    assert "25 pre-keys found on server" in said(gateway)
    assert "opened connection to WA" in said(gateway)


def test_opening_writes_nothing(gateway: StandIn, clock: Hands) -> None:
    session = gateway.add("1", SIX)
    session.close()
    clock.now += 100
    session.open()
    assert max(p.stat().st_mtime for p in session.folder.iterdir()) < NOW


@pytest.mark.parametrize("content", [b"", b"\0" * 1800, b'{"noiseKey":{"private"'])
def test_damaged_creds_make_a_new_identity_and_a_qr(gateway: StandIn, content: bytes) -> None:
    session = gateway.add("1", SIX)
    session.close()
    (session.folder / "creds.json").write_bytes(content)
    session.open()
    assert (session.state, session.paired) == (State.WAITING_QR, False)
    assert (session.folder / "creds.json").read_bytes() == content


def test_while_it_runs_it_writes_good_creds_over_damaged_ones(gateway: StandIn, clock: Hands) -> None:
    session = gateway.add("1", SIX)
    (session.folder / "creds.json").write_bytes(b"")
    clock.now += 5
    session.write_activity()
    assert shapes.is_paired(creds_on_disk(session))
    assert (session.folder / "creds.json").stat().st_mtime == clock.now


def test_stopped_it_writes_nothing(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    session.close()
    before = {p.name: p.stat().st_mtime_ns for p in session.folder.iterdir()}
    session.write_activity()
    session.message(contact(0, 6))
    assert {p.name: p.stat().st_mtime_ns for p in session.folder.iterdir()} == before


def test_a_half_paired_folder_is_refused_with_401(gateway: StandIn) -> None:
    session = gateway.add("1", SIX, paired=False)
    session.close()
    session.request_code("4915100000009")
    assert "account" not in creds_on_disk(session)
    session.close()
    session.open()
    assert where(session) is State.NOT_STARTED
    assert '"statusCode":401' in said(gateway)


@pytest.mark.parametrize(
    ("heals", "opens"), [(Heals.ITSELF, True), (Heals.ASKED, False), (Heals.NEVER, False), (Heals.RELINKED, False)]
)
def test_only_what_heals_itself_comes_back_alone(gateway: StandIn, heals: Heals, opens: bool) -> None:
    session = gateway.add("1", SIX)
    session.drop(428, heals)
    assert (session.state is State.CONNECTED) is opens


def test_asked_for_it_opens_again(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    session.drop(503, Heals.ASKED)
    session.open()
    assert where(session) is State.CONNECTED


def test_it_may_open_only_after_a_cleanup(gateway: StandIn) -> None:
    session = gateway.add("1", Shape.counting(160, 20, generation=6))
    session.drop(428, Heals.CLEANED, below=150)
    session.open()
    assert where(session) is State.NOT_STARTED
    for path in sorted(session.folder.glob("session-*"))[:20]:
        path.unlink()
    assert counted_files(session.folder) == 140
    session.open()
    assert where(session) is State.CONNECTED


def test_what_never_heals_is_cured_from_outside(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    session.replaced()
    session.open()
    assert where(session) is State.NOT_STARTED
    session.cure()
    session.open()
    assert where(session) is State.CONNECTED


def test_a_removed_device_stays_dead_even_with_its_files_put_back(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    copy = (session.folder / "creds.json").read_bytes()
    session.device_removed()
    (session.folder / "creds.json").write_bytes(copy)
    session.cure()
    session.open()
    assert where(session) is State.NOT_STARTED
    assert said(gateway).count('"type":"device_removed"') >= 1
    assert "Error: Connection Failure" in said(gateway)


def test_a_new_identity_brings_a_removed_device_back(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    before = shapes.identity_of(creds_on_disk(session))
    session.device_removed()
    session.wipe()
    session.open()
    assert where(session) is State.WAITING_QR
    session.scan()
    assert where(session) is State.CONNECTED
    assert shapes.identity_of(creds_on_disk(session)) != before
    assert "0 pre-keys found on server" in said(gateway).splitlines()[-5]
    assert '"me":{"id":"4915100000001:2@s.whatsapp.net"' in (session.folder / "creds.json").read_text()


@pytest.mark.parametrize(("generation", "uploads"), [(6, 30), (7, 812)])
def test_a_scan_pairs_restarts_and_uploads(gateway: StandIn, generation: int, uploads: int) -> None:
    session = gateway.add("1", Shape(generation=generation), paired=False)
    session.scan()
    text = said(gateway)
    order = [
        *("not logged in, attempting registration", "pairing configured successfully", '"code":"515"'),
        *("logging in...", "0 pre-keys found on server", f'"count":{uploads}', "opened connection to WA"),
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert pre_key_ids(session.folder) == list(range(1, uploads + 1))
    assert creds_on_disk(session)["nextPreKeyId"] == uploads + 1


def test_low_pools_are_topped_up_with_new_ids(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    session.close()
    session.on_server = 3
    session.open()
    assert pre_key_ids(session.folder)[-1] == 60
    assert creds_on_disk(session)["nextPreKeyId"] == 61


def test_without_a_qr_there_is_nothing_to_scan(gateway: StandIn) -> None:
    with pytest.raises(Busy, match="nothing to scan"):
        gateway.add("1", SIX).scan()


@pytest.mark.parametrize(("generation", "start"), [(6, "2@"), (7, "https://wa.me/settings/linked_devices#2@")])
def test_the_qr_has_its_generations_shape(gateway: StandIn, generation: int, start: str) -> None:
    qr = gateway.add("1", Shape(generation=generation), paired=False).qr
    assert qr is not None
    assert qr.startswith(start)


def test_the_first_qr_lives_a_minute_and_the_next_ones_20_seconds(gateway: StandIn, clock: Hands) -> None:
    session = gateway.add("1", SIX, paired=False)
    seen = []
    for age_s in (0, 59, 61, 79, 81):
        clock.now = NOW + age_s
        seen.append(session.qr)
    assert seen[0] == seen[1] != seen[2] == seen[3] != seen[4]


def test_a_failed_scan_closes_without_pairing(gateway: StandIn) -> None:
    session = gateway.add("1", SIX, paired=False)
    session.fail_scan()
    assert (session.state, session.qr) == (State.NOT_STARTED, None)
    assert "Error: QR refs attempts ended" in said(gateway)


def test_a_code_is_refused_while_the_session_runs_or_is_paired(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    with pytest.raises(Busy, match="disconnect"):
        session.request_code("4915100000001")
    session.close()
    with pytest.raises(Busy, match="paired"):
        session.request_code("4915100000001")


def test_a_typed_code_pairs_that_phone(gateway: StandIn) -> None:
    session = gateway.add("1", SIX, paired=False)
    session.close()
    assert len(session.request_code("4915177777777")) == 8
    session.scan()
    assert where(session) is State.CONNECTED
    assert '"id":"4915177777777:2@s.whatsapp.net"' in (session.folder / "creds.json").read_text()


def test_bad_macs_last_while_the_session_file_is_there(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    sick, healthy = contact(0, 6), contact(1, 6)
    assert session.bad_mac([sick], count=5) == 5
    assert gateway.log.stderr.read_text().count("Failed to decrypt message") == 5
    assert session.message(healthy) is False
    session.close()
    session.open()
    assert session.message(sick) is True


def test_bad_macs_end_once_the_file_was_set_aside_while_stopped(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    one, two = contact(0, 6), contact(1, 6)
    session.bad_mac([one, two], count=4)
    session.close()
    (session.folder / session_file(one)).unlink()
    session.open()
    assert (session.message(one), session.message(two)) == (False, True)


def test_a_file_taken_from_a_running_session_comes_back_as_sick_as_it_was(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    sick = contact(0, 6)
    session.bad_mac([sick], count=1)
    (session.folder / session_file(sick)).unlink()
    assert session.message(sick) is True
    assert (session.folder / session_file(sick)).exists()


def test_a_lie_changes_what_is_shown_only(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    session.says = State.NOT_STARTED
    assert (session.shown, session.state) == (State.NOT_STARTED, State.CONNECTED)


def test_growing_is_visible_in_the_count(gateway: StandIn) -> None:
    session = gateway.add("1", SIX)
    session.grow(15)
    assert counted_files(session.folder) == 75
