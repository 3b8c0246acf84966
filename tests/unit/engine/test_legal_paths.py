"""What is allowed is never barred: by hand, during clock jumps, writes and edits, and after a crash at any step."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from baileykeep.actions import clean
from baileykeep.actions.base import Order, Site
from baileykeep.model.backup import BackupKind
from baileykeep.model.errors import JournalError
from baileykeep.model.incident import Outcome, Rung
from baileykeep.model.limits import LadderLimits, Limits, RelinkLimits
from baileykeep.model.records import EntryKind
from tests.unit.engine.installation import ACME, Daemon, Installation, daemon, with_limits
from tests.unit.engine.test_monitor import CROWDED, FAST

pytestmark = pytest.mark.asyncio


@pytest.fixture
def on(tmp_path: Path) -> Installation:
    """Two healthy companies, whose folders a cleanup would find enough in."""
    made = Installation(tmp_path)
    with_limits(made, ladder=FAST, relink=RelinkLimits(scan_within_s=60))
    return made


async def by_hand(d: Daemon, rung: Rung, seconds: float = 300, **order: Any) -> Outcome | None:
    """Let an operator ask for a rung, and wait for its end."""
    await d.see()
    action = await d.desk.request(ACME, rung, Order(operator="ann", **order))
    await d.on.pass_time(seconds)
    found = d.ledger.attempt(action)
    return found[1].outcome if found is not None else None


async def steps_of(d: Daemon) -> list[str]:
    entries = await d.on.journal.entries(subject=ACME, kinds=(EntryKind.STEP_BEGUN,))
    return [entry.data["step"] for entry in entries]


@pytest.mark.parametrize(("rung", "order", "outcome"), [
    (Rung.RECONNECT, {}, Outcome.HEALED),
    (Rung.BACKUP, {}, Outcome.DONE),
    (Rung.CLEANUP, {"force": True}, Outcome.HEALED),
    (Rung.RELINK, {}, Outcome.UNDONE),
    (Rung.RESET, {}, Outcome.FAILED),
    (Rung.RESTORE, {"mode": "identity"}, Outcome.HEALED),
    (Rung.RESTORE, {"mode": "full"}, Outcome.REFUSED),
])  # fmt: skip
async def test_an_operators_command_on_a_healthy_company(
    on: Installation, rung: Rung, order: dict[str, Any], outcome: Outcome
) -> None:
    if rung is Rung.RESTORE:
        kind = BackupKind.HOT if order["mode"] == "identity" else BackupKind.COLD
        order = {**order, "backup": on.vault.create(on.store("acme"), kind, on.clock.now() - 60).name}
    if rung in (Rung.RELINK, Rung.RESET):
        on.sessions.dead.add("acme")
    async with daemon(on) as d:
        assert await by_hand(d, rung, **order) is outcome
        assert d.monitor.breaches == []
        if rung is Rung.RELINK:
            assert "creds.json" in on.names("acme")


def once_before_the_backup(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Something happens after the stop was proved and before the cold backup, the first time."""
    real: Callable[[Site], Awaitable[str]] = clean.cold_backup
    left = [happens]

    async def cold_backup(site: Site) -> str:
        if left:
            left.pop()()
        return await real(site)

    monkeypatch.setattr(clean, "cold_backup", cold_backup)


async def test_a_write_after_the_proof_makes_it_be_proved_anew(
    on: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write() -> None:
        os.utime(on.folders["acme"] / "creds.json", (on.clock.now(),) * 2)

    once_before_the_backup(monkeypatch, write)
    async with daemon(on) as d:
        assert await by_hand(d, Rung.CLEANUP, force=True) is Outcome.HEALED
        assert d.monitor.breaches == []
        assert (await steps_of(d))[:5] == ["stop", "prove_stopped", "backup", "prove_stopped", "backup"]


async def test_a_folder_that_is_written_again_and_again_is_not_touched(
    on: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = on.names("acme"), clean.cold_backup

    async def cold_backup(site: Site) -> str:
        os.utime(on.folders["acme"] / "creds.json", (on.clock.now(),) * 2)
        return await real(site)

    monkeypatch.setattr(clean, "cold_backup", cold_backup)
    async with daemon(on) as d:
        assert await by_hand(d, Rung.CLEANUP, force=True) is Outcome.REFUSED
        assert d.monitor.breaches == []
        assert on.names("acme") == before
        assert on.sessions.of("acme") == ["stop", "start"]


@pytest.mark.parametrize("jump_s", [2 * 3600, -2 * 3600, 8 * 3600])
async def test_a_clock_that_jumps_in_the_middle_ends_a_cleanup_without_a_breach(
    on: Installation, monkeypatch: pytest.MonkeyPatch, jump_s: float
) -> None:
    before = on.names("acme")
    once_before_the_backup(monkeypatch, lambda: on.clock.jump_wall(jump_s))
    async with daemon(on) as d:
        assert await by_hand(d, Rung.CLEANUP, force=True) is Outcome.REFUSED
        assert d.monitor.breaches == []
        assert on.names("acme") == before
        assert on.sessions.of("acme") == ["stop", "start"]


async def test_limits_that_are_edited_in_the_middle_are_for_the_next_action(
    on: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    stricter = Limits(ladder=LadderLimits(steady_s=900, quiet_folder_s=900))
    once_before_the_backup(monkeypatch, lambda: setattr(on, "limits", stricter))
    async with daemon(on) as d:
        assert await by_hand(d, Rung.CLEANUP, force=True) is Outcome.HEALED
        assert d.monitor.breaches == []


# --- killed at every step -----------------------------------------------------------------------------------------


class Dying:
    """A journal that fails at its n-th write and ever after: the daemon died there, as far as the disk knows."""

    def __init__(self, on: Installation, at: int, bug: pytest.MonkeyPatch):
        self._left, self._real = at, on.journal.write
        bug.setattr(on.journal, "write", self.write)

    async def write(self, *args: Any, **kwargs: Any) -> None:
        self._left -= 1
        if self._left < 0:
            raise JournalError("this daemon is dead")
        await self._real(*args, **kwargs)


@pytest.mark.parametrize("rung", [Rung.CLEANUP, Rung.RELINK, Rung.RESET, Rung.RECONNECT])
@pytest.mark.parametrize("at", range(1, 16))
async def test_what_a_dead_daemon_had_begun_is_taken_up_without_a_breach(
    on: Installation, monkeypatch: pytest.MonkeyPatch, rung: Rung, at: int
) -> None:
    if rung is Rung.RELINK:
        on.sessions.dead.add("acme")
    with monkeypatch.context() as dying:
        async with daemon(on) as d:
            await d.see()
            Dying(on, at, dying)
            with contextlib.suppress(JournalError):
                await d.desk.request(ACME, rung, Order(operator="ann", force=True))
            await on.pass_time(20)
            assert d.monitor.breaches == []
    async with daemon(on) as d:
        await d.watch_for(300)
        assert d.monitor.breaches == []
        assert d.orchestrator.running == {}
        assert "creds.json" in on.names("acme") or rung is Rung.RESET


async def test_an_emergency_cleanup_by_itself_after_each_restart(on: Installation) -> None:
    with_limits(on, thresholds=CROWDED)
    for _ in range(3):
        async with daemon(on) as d:
            await d.watch_for(60)
            assert d.monitor.breaches == []
