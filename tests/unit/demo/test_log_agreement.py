"""The real log parser reads the stand-in's two logs: every event once, and with its company."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from baileykeep.demo.folders import Shape, contact
from baileykeep.demo.session import Heals, Session
from baileykeep.demo.standin import StandIn
from baileykeep.logs.attribution import Attribution
from baileykeep.logs.scan import Counts, Report, scan_files

SIX = Shape(generation=6, pre_keys=5, sessions=3)


class Minutes:
    """A clock that moves a little with every line, and a minute when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now

    def pass_by(self) -> None:
        self.now += 60


@pytest.fixture
def clock() -> Minutes:
    return Minutes()


@pytest.fixture
def gateway(tmp_path: Path, clock: Minutes) -> Iterator[StandIn]:
    made = StandIn(tmp_path, clock=clock, connect_s=0)
    made.add("1", SIX)
    made.add("2", Shape(pre_keys=30))
    clock.pass_by()
    yield made
    made.log.close()


def scanned(gateway: StandIn) -> Report:
    return scan_files([gateway.log.stdout, gateway.log.stderr], Attribution(field="companyId"))


def beyond_opening(counts: Counts) -> dict[str, int]:
    return {name: number for name, number in counts.numbers.items() if number and name != "opened"}


@pytest.mark.parametrize("blocks", [1, 40])
def test_a_storm_counts_each_message_once(gateway: StandIn, blocks: int) -> None:
    addresses = [contact(0), contact(1)]
    gateway["2"].bad_mac(addresses, count=5, blocks=blocks)
    seen = scanned(gateway).companies["2"]
    assert beyond_opening(seen) == {"decrypt_failures": 5, "bad_mac": 5}
    assert dict(seen.contacts) == {addresses[0]: 3, addresses[1]: 2}


def test_a_duplicate_is_no_failure(gateway: StandIn) -> None:
    gateway.log.duplicate("2", contact(0), 7)
    assert beyond_opening(scanned(gateway).total) == {"duplicates": 1}


def removed(session: Session) -> None:
    session.device_removed()


def replaced(session: Session) -> None:
    session.replaced()


def dropped(session: Session) -> None:
    session.drop(428, Heals.NEVER)


def unavailable(session: Session) -> None:
    session.drop(503, Heals.NEVER)


def refused(session: Session) -> None:
    session.drop(403, Heals.NEVER)


@pytest.mark.parametrize(
    ("happens", "event", "code"),
    [
        (removed, "device_removed", 401),
        (replaced, "replaced", 440),
        (dropped, "drops", 428),
        (unavailable, "drops", 503),
        (refused, "drops", 403),
    ],
)
def test_a_close_is_one_event_with_its_code(gateway: StandIn, happens: object, event: str, code: int) -> None:
    assert callable(happens)
    happens(gateway["1"])
    seen = scanned(gateway).companies["1"]
    assert (beyond_opening(seen), dict(seen.codes)) == ({event: 1}, {code: 1})


@pytest.mark.parametrize(("company", "uploads"), [("1", 30), ("2", 812)])
def test_a_relink_tells_its_whole_story(gateway: StandIn, clock: Minutes, company: str, uploads: int) -> None:
    session = gateway[company]
    session.wipe()
    session.open()
    clock.pass_by()
    session.scan()
    seen = scanned(gateway).companies[company]
    assert beyond_opening(seen) == {"qr_shown": 1, "paired": 1, "restart_required": 1, "pre_key_uploads": 1}
    assert seen.numbers["opened"] == 2
    assert session.on_server == uploads


def test_stale_sessions_are_seen_and_are_nobodys(gateway: StandIn) -> None:
    for _ in range(3):
        gateway.log.stale()
    report = scanned(gateway)
    assert beyond_opening(report.total) == {"stale_session": 3}
    assert all(not beyond_opening(counts) for counts in report.companies.values())
