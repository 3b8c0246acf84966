"""What people and gateways do in the middle of a relink: it ends no login but the one that it is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from baileykeep.actions.base import Order
from baileykeep.demo.session import State
from baileykeep.gateways.base import SessionStatus
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Outcome, Rung
from tests.unit.actions.pairing_world import OTHER_PHONE, PHONE, TENANT, World

pytestmark = pytest.mark.asyncio

DEAD = Order(proved_dead=True)


def scanned_at_the_stop(w: World) -> list[str | None]:
    """Somebody scans on the gateway's own page in the moment in which we stop it; whose login that is."""
    fresh: list[str | None] = []

    def scan(verb: str) -> None:
        if verb == "stop" and not fresh:
            w.scan()
            fresh.append(w.identity())

    w.gateway.before = scan
    return fresh


async def test_a_login_that_was_linked_a_moment_ago_is_not_the_dead_one(w: World) -> None:
    w.session.device_removed()
    w.session.wipe()
    w.session.open()
    await w.clock.sleep(10)
    assert w.session.qr is not None
    w.order, fresh = DEAD, scanned_at_the_stop(w)
    result = await w.act()
    assert (result.outcome, w.identity(), w.kept()) == (Outcome.REFUSED, fresh[0], [])
    assert result.note == "A phone was linked in this very moment, so that login stays."
    await w.clock.sleep(10)
    assert w.session.state is State.CONNECTED


async def test_nor_is_it_half_a_login_to_be_paired_again(w: World) -> None:
    w.session.device_removed()
    w.session.wipe()
    w.session.request_code(PHONE)
    w.rung, w.order, fresh = Rung.PAIR_AGAIN, DEAD, scanned_at_the_stop(w)
    result = await w.act()
    assert (result.outcome, w.identity(), w.kept()) == (Outcome.REFUSED, fresh[0], [])


async def test_creds_that_are_half_written_when_it_begins_are_read_again(w: World) -> None:
    creds = w.folder / "creds.json"
    whole = creds.read_bytes()
    creds.write_bytes(whole[:100])
    w.clock.plan(0.2, lambda: copy(whole, creds))
    w.order = DEAD
    w.scan_after(5)
    assert (await w.act()).outcome is Outcome.HEALED
    assert w.kept() == [w.old]


def copy(raw: bytes, to: Path) -> None:
    to.write_bytes(raw)


async def test_another_phone_in_the_file_while_it_waits_sends_nobody_away(w: World) -> None:
    w.order = DEAD
    w.scan_after(5)
    opened = lambda: w.session.state is State.CONNECTED and w.identity() not in (None, w.old)  # noqa: E731
    w.when(opened, 15, lambda: setattr(w.people, "phone", OTHER_PHONE))
    result = await w.act()
    assert (result.outcome, w.people.told, w.session.state) == (Outcome.HEALED, [], State.CONNECTED)
    assert len(w.kept()) == 1


async def test_a_code_for_a_phone_that_came_into_the_file_meanwhile_is_not_asked_for(w: World) -> None:
    w.order = DEAD
    w.when(lambda: w.session.state is State.WAITING_QR, 5, lambda: setattr(w.people, "wish", OTHER_PHONE))
    w.clock.plan(60, w.scan)
    result = await w.act()
    assert result.outcome is Outcome.HEALED
    assert w.people.told == ["The phone in this company's file was changed after this began: begin anew for a code."]
    assert "code" not in w.gateway.asked


def of_few_words(w: World) -> None:
    """The gateway says yes or no, and hands out neither QR nor code."""
    w.gateway.capabilities = replace(TENANT, qr=False, force_relink=False, pairing_code=False)

    async def status(_company: str) -> SessionStatus:
        open_ = w.session.state is State.CONNECTED
        return SessionStatus(ConnState.CONNECTED if open_ else ConnState.DISCONNECTED)

    async def look() -> bool:
        return False

    w.gateway.status = status  # type: ignore[method-assign]
    w.people.look = look  # type: ignore[method-assign]


async def test_a_gateway_that_only_says_yes_or_no_is_left_alone_while_people_scan_on_its_page(w: World) -> None:
    of_few_words(w)
    w.scan_after(300)
    result = await w.act()
    assert result.outcome is Outcome.HEALED
    assert w.people.told == ["This gateway hands out no QR code: scan it on the gateway's own page."]
    assert w.gateway.asked == ["stop", "start"]


async def test_there_too_the_old_login_goes_back_when_nobody_scans(w: World) -> None:
    of_few_words(w)
    began = w.clock.monotonic()
    assert (await w.act()).outcome is Outcome.UNDONE
    assert w.identity() == w.old
    assert w.clock.monotonic() - began > w.limits.relink.scan_within_s


async def test_once_a_phone_is_linked_no_qr_is_asked_for_any_more(w: World) -> None:
    w.order = DEAD
    w.scan_after(5)
    look, asked = w.people.look, []

    async def counted() -> bool:
        asked.append(w.identity() not in (None, w.old))
        return await look()

    w.people.look = counted  # type: ignore[method-assign]
    assert (await w.act()).outcome is Outcome.HEALED
    assert asked
    assert not any(asked)


async def test_when_the_daemon_is_stopped_a_login_that_may_live_goes_back_first(w: World) -> None:
    w.when(lambda: w.session.state is State.WAITING_QR, 30, lambda: setattr(w.people, "ends", True))
    began = w.clock.monotonic()
    result = await w.act()
    assert (result.outcome, w.identity(), w.session.state) == (Outcome.UNDONE, w.old, State.CONNECTED)
    assert result.note == "Baileykeep was stopped while a scan was awaited. The old login is back in place."
    assert w.clock.monotonic() - began < 120


async def test_when_it_is_stopped_after_a_scan_the_new_login_stays(w: World) -> None:
    def scanned() -> None:
        w.scan()
        w.people.ends = True

    w.when(lambda: w.session.state is State.WAITING_QR, 5, scanned)
    assert (await w.act()).outcome is Outcome.HEALED
    assert w.identity() != w.old


async def test_for_the_scan_of_a_dead_login_the_next_daemon_waits_on(w: World) -> None:
    w.order = DEAD
    w.when(lambda: w.session.state is State.WAITING_QR, 5, lambda: setattr(w.people, "ends", True))
    w.clock.plan(60, w.scan)
    assert (await w.act()).outcome is Outcome.HEALED
    assert w.identity() != w.old
