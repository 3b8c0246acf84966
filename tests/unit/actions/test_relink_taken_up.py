"""A new login that was asked for when the daemon died: nothing is repeated that somebody may not want any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.actions.base import Order
from baileykeep.demo.session import State
from baileykeep.gateways.base import Capabilities
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import UsageError
from baileykeep.model.incident import Outcome, Rung
from tests.unit.actions.lives import KilledError
from tests.unit.actions.pairing_world import World

pytestmark = pytest.mark.asyncio

HOUR = 3600.0


@pytest.fixture(autouse=True)
def by_hand(w: World) -> None:
    """Ann asked for it."""
    w.manual, w.order = True, Order(operator="Ann")


def reset(w: World, *, by_gateway: bool) -> None:
    """Ann wants the login reset, as the control service hands it on."""
    w.rung, w.order = Rung.RESET, Order(operator="Ann", proved_dead=True)
    if by_gateway:
        w.gateway.capabilities = Capabilities(reset=True)


async def reconnects(w: World) -> None:
    """The session was closed for a moment, and comes back by itself."""
    w.session.close()
    w.session.open()
    assert w.session.state is State.CONNECTING


@pytest.mark.parametrize("rung", [Rung.RELINK, Rung.RESET])
async def test_a_wish_from_before_the_restart_is_not_carried_out_a_day_later(w: World, rung: Rung) -> None:
    w.rung = rung
    await w.killed_when(lambda: "stop" in w.gateway.asked)
    w.session.open()
    await w.clock.sleep(24 * HOUR)
    await reconnects(w)
    result = await w.take_up()
    assert (result.outcome, w.identity(), w.kept()) == (Outcome.UNDONE, w.old, [])
    assert result.note == "The daemon was restarted before the login was touched: ask again if it is still wanted."
    await w.clock.sleep(10)
    assert w.session.state is State.CONNECTED


@pytest.mark.parametrize("rung", [Rung.RELINK, Rung.RESET])
async def test_a_session_that_was_stopped_for_it_is_started(w: World, rung: Rung) -> None:
    w.rung = rung
    await w.killed_when(lambda: "stop" in w.gateway.asked)
    assert w.gateway.asked == ["stop"]
    assert (await w.take_up()).outcome is Outcome.UNDONE
    assert w.session.state is State.CONNECTED


async def test_a_reset_that_waited_for_its_scan_goes_on(w: World) -> None:
    reset(w, by_gateway=False)
    await w.killed_when(lambda: w.people.waits > 0)
    w.scan_after(20)
    result = await w.take_up()
    assert (result.outcome, w.kept()) == (Outcome.HEALED, [w.old])
    assert w.identity() != w.old


async def test_a_reset_by_the_gateway_is_not_asked_for_again(w: World) -> None:
    reset(w, by_gateway=True)
    await w.killed_when(lambda: w.session.state is State.WAITING_QR)
    w.scan()
    fresh = w.identity()
    await w.clock.sleep(5 * HOUR)
    await reconnects(w)
    result = await w.take_up()
    assert (result.outcome, w.identity()) == (Outcome.HEALED, fresh)
    assert w.gateway.asked == ["reset"]


async def test_a_reset_that_the_gateway_never_heard_of_is_not_called_done(w: World) -> None:
    reset(w, by_gateway=True)
    w.gateway.before = dies
    await w.killed_when(lambda: False)
    w.gateway.before = lambda _verb: None
    result = await w.take_up()
    assert (result.outcome, result.note, w.identity()) == (Outcome.UNDONE, "A login is in place.", w.old)


def dies(_verb: str) -> None:
    raise KilledError


async def test_of_a_reset_that_nobody_scanned_a_human_is_told(w: World) -> None:
    reset(w, by_gateway=True)
    await w.killed_when(lambda: w.session.state is State.WAITING_QR)
    result = await w.take_up()
    assert (result.outcome, w.gateway.asked) == (Outcome.FAILED, ["reset"])
    assert result.note.endswith("nobody can tell: look at it.")


@pytest.mark.parametrize("lost", ["store", "copy"])
async def test_where_nobody_can_compare_the_logins_it_is_not_called_done_either(w: World, lost: str) -> None:
    reset(w, by_gateway=True)
    w.has_store = lost != "store"
    await w.killed_when(lambda: w.session.state is State.WAITING_QR)
    if lost == "copy":
        for path in (w.root / "backups").rglob("*.zst"):
            path.unlink()
    w.scan()
    await w.clock.sleep(10)
    result = await w.take_up()
    assert result.outcome is Outcome.UNDONE
    assert "nobody can tell" in result.note


async def test_a_company_that_is_not_configured_any_more_is_told_where_its_login_is(
    w: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await w.killed_when(lambda: w.people.waits > 0)
    monkeypatch.setattr(w, "site", unknown)
    result = await w.take_up()
    [aside] = [backup.name for backup in w.vault.list("1") if backup.kind is BackupKind.ASIDE]
    assert result.note == f"The old login is still set aside as {aside}: No company 1 is known."


def unknown(*_: object, **__: object) -> None:
    raise UsageError("no company 1 is known")


async def test_a_reset_over_a_login_that_cannot_be_told_is_not_begun_again(w: World) -> None:
    reset(w, by_gateway=False)
    await w.killed_when(lambda: w.people.waits > 0 and w.session.qr is not None)
    w.scan()
    fresh = w.identity()
    [aside] = (w.root / "backups").rglob("*-aside-*")
    aside.write_bytes(aside.read_bytes()[:100])
    await w.clock.sleep(10)
    await reconnects(w)
    result = await w.take_up()
    assert (result.outcome, w.identity()) == (Outcome.FAILED, fresh)
    assert result.note.startswith(
        "Whose login lies in the folder cannot be told; the login from before is set aside as "
    )
    await w.clock.sleep(10)
    assert w.session.state is State.CONNECTED


@pytest.mark.parametrize("dead", [True, False])
async def test_a_wish_that_had_copied_the_login_and_moved_nothing_is_not_carried_out(w: World, dead: bool) -> None:
    w.rung, w.order = Rung.RESET, Order(operator="Ann", proved_dead=dead)
    await w.killed_when(lambda: any((w.root / "backups").rglob("*-aside-*.zst")))
    result = await w.take_up()
    assert (result.outcome, result.note, w.identity()) == (Outcome.UNDONE, "A login is in place.", w.old)
    assert w.session.state is State.CONNECTED


async def test_a_new_login_that_is_just_half_written_is_not_forgotten(w: World) -> None:
    reset(w, by_gateway=False)
    await w.killed_when(lambda: w.people.waits > 0 and w.session.qr is not None)
    w.scan()
    fresh, creds = w.identity(), w.folder / "creds.json"
    whole = creds.read_bytes()
    creds.write_bytes(whole[:100])
    w.clock.plan(0.2, lambda: copy(whole, creds))
    result = await w.take_up()
    assert (result.outcome, w.identity()) == (Outcome.HEALED, fresh)


def copy(raw: bytes, to: Path) -> None:
    to.write_bytes(raw)
