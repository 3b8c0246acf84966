"""What is told of a maintenance window that something waits for: when it opens, and what it will do."""

from dataclasses import replace
from datetime import time
from types import SimpleNamespace
from typing import Any

import pytest

from baileykeep.app.snapshot import _opens, _planned
from baileykeep.clock import VirtualClock
from baileykeep.config.window import Window
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.facts import ConnState
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import company
from baileykeep.rules.view import Timer
from tests.unit.rules.cases import inventory, view

MONDAYS = Window((0,), time(3), time(5), "Europe/Berlin")
FRIDAYS = Window((4,), time(9), time(11), "Europe/Berlin")
SOURCES: Any = SimpleNamespace(
    sites=SimpleNamespace(settings=SimpleNamespace(installation=SimpleNamespace(timezone="Europe/Berlin"))),
    clock=VirtualClock(1_800_000_000.0),  # Fri 15 Jan 2027, 09:00 there
    ledger=Ledger(MemoryJournal(), lambda _before, _after: (), lambda: None),
    holds=SimpleNamespace(act=True),
)
ACME = Member(company("acme"), "acme", "main", Limits())


def within(window: Window | None) -> Member:
    return replace(ACME, window=window)


@pytest.mark.parametrize(("window", "text"), [
    (MONDAYS, " It opens Mon 18 Jan 03:00 (Europe/Berlin)."),
    (Window((0,), time(3), time(5), "America/New_York"), " It opens Mon 18 Jan 09:00 (Europe/Berlin)."),
    (None, ""),
])  # fmt: skip
def test_it_is_told_in_the_installations_zone(window: Window | None, text: str) -> None:
    assert _opens(SOURCES, within(window)) == text


PLANNED = "Nothing. A cleanup is planned for its maintenance window (110 files)."


@pytest.mark.parametrize(("member", "counted", "text"), [
    (within(MONDAYS), 110, f"{PLANNED} It opens Mon 18 Jan 03:00 (Europe/Berlin)."),
    (within(FRIDAYS), 110, f"{PLANNED} It is open."),
    (within(None), 110, ""),
    (within(MONDAYS), 90, ""),
    (None, 110, ""),
])  # fmt: skip
def test_a_cleanup_that_the_next_window_brings_is_told(member: Member | None, counted: int, text: str) -> None:
    seen = view(conn=ConnState.CONNECTED, timer=Timer(), inventory=inventory(counted, 60))
    assert _planned(SOURCES, member, seen) == text


def test_whoever_only_observes_hears_what_would_be_planned() -> None:
    seen = view(conn=ConnState.CONNECTED, timer=Timer(), inventory=inventory(110, 60))
    watching: Any = SimpleNamespace(**{**vars(SOURCES), "holds": SimpleNamespace(act=False)})
    assert _planned(watching, within(FRIDAYS), seen).startswith("Nothing. In act mode a cleanup would be planned for")
