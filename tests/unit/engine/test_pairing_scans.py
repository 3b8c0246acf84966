"""What a scan in vain, and a relink without a login, leave known of a company."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from baileykeep.engine.detectors import COMPANY
from baileykeep.engine.pairing import Board
from baileykeep.engine.units import CompanyUnit
from baileykeep.model.facts import CloseKind, FilesSeen, QrShown, StreamClosed
from baileykeep.model.incident import Cause
from baileykeep.model.inventory import Creds, CredsState
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import SymptomKind
from tests.unit.engine.board_world import ACME, People
from tests.unit.rules.cases import inventory

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("paired", [True, False, None])
async def test_a_relink_without_a_login_leaves_the_old_one_dead(paired: bool | None) -> None:
    unit = CompanyUnit(ACME, COMPANY, Limits())
    if paired is not None:
        seen = replace(inventory(), creds=Creds(CredsState.WHOLE, paired=paired))
        unit.observe(FilesSeen(at=1.0, company="acme", inventory=seen), 1.0)
    unit.remember_lost_login(Cause.LOGGED_OUT, 1.0)
    assert (unit.view().cause is Cause.LOGGED_OUT) is not paired


async def test_a_session_that_we_close_is_no_scan_in_vain() -> None:
    of = People()
    unit = CompanyUnit(ACME, COMPANY, Limits())
    board = of.board()
    board = Board(replace(board.sees, units=lambda _: unit))

    def a_qr_is_out_and_it_closes(at: float, between: Callable[[], None]) -> list[SymptomKind]:
        unit.observe(QrShown(at=at, gateway="main", company="acme"), at)
        between()
        closed = StreamClosed(at=at + 1, gateway="main", company="acme", kind=CloseKind.LOST)
        return [symptom.kind for symptom in unit.observe(closed, at + 1)]

    now = of.clock.now()
    assert SymptomKind.QR_SCAN_FAILED not in a_qr_is_out_and_it_closes(now, board.at("acme").closing)
    assert SymptomKind.QR_SCAN_FAILED in a_qr_is_out_and_it_closes(now + 60, lambda: None)


async def test_a_scan_in_vain_is_known_before_any_poll_told_of_the_qr() -> None:
    of = People()
    unit = CompanyUnit(ACME, COMPANY, Limits())
    board = Board(replace(of.board().sees, units=lambda _: unit))
    closed = StreamClosed(at=of.clock.now() + 1, gateway="main", company="acme", kind=CloseKind.LOST, code=403)
    assert unit.observe(closed, closed.at) == []
    assert await board.at("acme").look()
    assert [symptom.kind for symptom in unit.observe(closed, closed.at)] == [SymptomKind.QR_SCAN_FAILED]
