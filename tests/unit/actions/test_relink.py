"""Relinking under attack: whatever comes in between, no login is lost, none is replaced, and it is said why."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from baileykeep.actions.base import Order, Result
from baileykeep.demo.session import State
from baileykeep.gateways.base import SessionStatus
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, Problem
from baileykeep.model.incident import Outcome, Rung
from baileykeep.model.limits import BackupLimits
from tests.unit.actions.pairing_world import OTHER_PHONE, PHONE, TENANT, Process, World

pytestmark = pytest.mark.asyncio

DEAD = Order(proved_dead=True)


async def test_a_scan_in_the_last_moment_is_taken(w: World) -> None:
    w.scan_after(596.5)
    result = await w.act()
    assert (result.outcome, result.note) == (Outcome.HEALED, "Paired anew.")
    assert w.identity() != w.old
    assert w.session.state is State.CONNECTED


async def test_a_scan_while_the_old_login_is_to_go_back_stays(w: World) -> None:
    def scan_late(verb: str) -> None:
        if verb == "stop" and w.gateway.asked.count("stop") == 2:
            w.scan()

    w.gateway.before = scan_late
    result = await w.act()
    assert w.identity() != w.old
    assert w.session.state is State.CONNECTED
    assert result.outcome is Outcome.HEALED, result


async def test_a_code_that_is_typed_in_the_last_moment_is_no_half_login_to_be_cleared(w: World) -> None:
    w.order = DEAD
    w.people.wish = PHONE
    w.when(lambda: w.people.code is not None, 179.5, w.scan)
    result = await w.act()
    assert result.outcome is Outcome.HEALED, (result, w.people.told)
    assert w.kept() == [w.old]


async def test_a_code_wished_for_just_after_a_scan_ends_no_fresh_login(w: World) -> None:
    w.order = DEAD

    def both() -> None:
        w.scan()
        w.people.wish = PHONE

    w.when(lambda: w.session.state is State.WAITING_QR, 5, both)
    result = await w.act()
    assert result.outcome is Outcome.HEALED, (result, w.people.told)
    assert w.gateway.asked.count("force") == 1


async def test_a_hiccup_of_the_gateway_at_a_wish_for_a_code_ends_nothing(w: World) -> None:
    w.order = DEAD

    def hiccup(verb: str) -> None:
        if verb == "stop" and w.gateway.asked.count("stop") == 2:
            raise GatewayError("gateway main: POST /stop: no answer in time", code=Problem.TIMEOUT.value)

    def wish() -> None:
        w.people.wish = PHONE

    w.gateway.before = hiccup
    w.when(lambda: w.session.state is State.WAITING_QR, 5, wish)
    w.clock.plan(100, w.scan)
    result = await w.act()
    assert result.outcome is Outcome.HEALED, (result, w.people.told)
    assert w.people.told == ["No pairing code came (no answer in time); a QR code is offered instead."]


async def test_what_the_gateway_alone_calls_paired_is_not(w: World) -> None:
    w.when(
        lambda: w.session.state is State.WAITING_QR, 5,
        lambda: setattr(w.gateway, "lies", SessionStatus(ConnState.CONNECTED, paired=True)),
    )  # fmt: skip
    w.clock.plan(900, lambda: setattr(w.gateway, "lies", None))
    result = await w.act()
    assert result.outcome is Outcome.UNDONE, result
    assert w.identity() == w.old


async def test_the_old_login_opened_by_itself_is_not_called_paired_anew(w: World) -> None:
    w.gateway.capabilities = replace(TENANT, force_relink=False)
    creds = (w.folder / "creds.json").read_bytes()

    def from_memory() -> None:
        w.session.close()
        (w.folder / "creds.json").write_bytes(creds)
        w.session.open()

    w.when(lambda: w.session.state is State.WAITING_QR, 5, from_memory)
    before = len(list(w.folder.iterdir()))
    result = await w.act()
    assert result.outcome is Outcome.UNDONE, result
    assert w.identity() == w.old
    assert len(list(w.folder.iterdir())) >= before


async def test_a_folder_that_the_gateway_removed_meanwhile_is_made_anew_for_the_login_that_goes_back(w: World) -> None:

    def removed() -> None:
        for path in w.folder.iterdir():
            path.unlink()
        w.folder.rmdir()

    w.when(lambda: w.session.state is State.WAITING_QR, 5, removed)
    result = await w.act()
    assert result.outcome is Outcome.UNDONE, result
    assert w.identity() == w.old


async def test_two_codes_that_nobody_types_promise_no_qr_at_the_end(w: World) -> None:
    w.order = DEAD
    w.people.wish = PHONE

    def wish() -> None:
        w.people.wish = PHONE

    w.when(lambda: len(w.people.told) == 1 and w.session.state is State.WAITING_QR, 5, wish)
    result = await w.act()
    assert result.outcome is Outcome.FAILED
    assert "is offered instead" not in result.note
    assert "Nobody" in result.note


async def test_a_wrong_phone_at_the_last_moment_leaves_time_for_the_right_one(w: World) -> None:
    w.order = DEAD
    w.scan_after(590, OTHER_PHONE)
    w.when(lambda: len(w.people.told) == 1 and w.session.state is State.WAITING_QR, 60, w.scan)
    result = await w.act()
    assert result.outcome is Outcome.HEALED, (result, w.people.told)
    assert w.session.phone == PHONE


async def test_wrong_phones_push_no_old_login_out_however_few_are_kept(w: World) -> None:
    w.limits = replace(w.limits, backups=BackupLimits(keep_set_aside=1))
    w.vault.limits = w.limits.backups
    w.scan_after(5, OTHER_PHONE)
    result = await w.act()
    assert result.outcome is Outcome.UNDONE, result
    assert w.identity() == w.old


async def test_wrong_phones_push_no_old_login_out_when_the_clock_is_set_back(w: World) -> None:
    w.limits = replace(w.limits, backups=BackupLimits(keep_set_aside=1))
    w.vault.limits = w.limits.backups

    def wrong() -> None:
        w.clock.jump_wall(-90_000)
        w.scan(OTHER_PHONE)

    w.when(lambda: w.session.state is State.WAITING_QR, 5, wrong)
    result = await w.act()
    assert result.outcome is Outcome.UNDONE, result
    assert w.identity() == w.old


async def test_resets_that_nobody_scans_push_the_one_good_login_not_out(w: World) -> None:
    w.rung, w.order = Rung.RESET, Order(operator="Ann")
    for _ in range(6):
        await w.act()
        assert w.old in w.kept()


async def test_wrong_phones_push_the_one_good_login_not_out(w: World) -> None:
    w.rung, w.order = Rung.RESET, Order(operator="Ann")
    for _ in range(4):
        w.scan_after(5, OTHER_PHONE)
        await w.act()
        assert w.old in w.kept()


async def test_a_wrong_phone_without_room_for_a_backup_is_not_thrown_away(w: World) -> None:
    w.order = DEAD
    w.scan_after(5, OTHER_PHONE)
    w.when(lambda: w.session.phone == OTHER_PHONE, 0, lambda: setattr(w.fsys, "full", True))
    result = await w.act()
    assert result.outcome is Outcome.FAILED
    assert w.session.phone == OTHER_PHONE
    assert w.identity() is not None


async def test_a_gateway_that_is_stopped_by_its_process_is_started_by_it(w: World) -> None:
    w.gateway.capabilities = replace(TENANT, stop=False)
    w.process = Process(w)
    w.order = DEAD

    def refuses(_verb: str) -> None:
        assert w.process is not None
        if not w.process.runs:
            raise GatewayError("gateway main: refused", code=Problem.REFUSED.value)

    w.gateway.before = refuses
    w.scan_after(5)
    result = await w.act()
    assert w.process.runs
    assert result.outcome is Outcome.HEALED, result


async def test_a_full_disk_while_the_old_login_goes_back_is_said_at_once(w: World) -> None:
    w.clock.plan(300, lambda: setattr(w.fsys, "full", True))
    w.clock.plan(1500, lambda: setattr(w.fsys, "full", False))
    result = await w.act()
    assert result.outcome is Outcome.UNDONE, result
    assert w.identity() == w.old
    assert any("No space left" in text for text in w.people.told)


EACH = int(os.environ.get("BAILEYKEEP_KILL_EACH", "47"))
"""Every so-manieth operation kills; 1 for all of them takes minutes."""


def serving(w: World) -> bool:
    """Whether the company's own phone is linked, and the session open."""
    me = str((w.session.creds or {}).get("me", {}).get("id", ""))
    return w.session.state is State.CONNECTED and me.startswith(f"{PHONE}:")


async def taken_up(w: World) -> Result:
    """What the next daemon makes of it; somebody scans what it shows."""
    w.clock.forget()
    w.scan_after(20)
    result = await w.take_up()
    await w.clock.sleep(10)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("order", [Order(), DEAD], ids=["may live", "dead"])
@pytest.mark.parametrize("phone", [None, PHONE, OTHER_PHONE], ids=["nobody", "scanned", "wrong phone"])
async def test_killed_anywhere_the_next_daemon_brings_it_to_an_end(
    tmp_path: Path, order: Order, phone: str | None
) -> None:
    at, going = 0, True
    while going:
        at += EACH
        w = World(tmp_path / str(at))
        w.order = order
        if phone is not None:
            w.scan_after(5, phone)
        going = await w.killed_at(at)
        if going:
            result = await taken_up(w)
            seen = (at, result, w.people.told, w.gateway.asked)
            assert serving(w), seen
            new = w.identity() != w.old
            assert new or order is not DEAD or "Nothing" in result.note or at < 30, seen
            assert w.old in (w.identity(), *w.kept()), seen
            assert result.outcome is not Outcome.FAILED, seen
        w.close()
        shutil.rmtree(tmp_path / str(at))
    assert at > 40
