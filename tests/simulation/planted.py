"""Known bugs, planted one at a time into the running product: what a tired change could do to each of its rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from baileykeep.actions import clean, guard, pairing, reconnect, resume, session
from baileykeep.actions.base import Order, Result, Site
from baileykeep.app import locks
from baileykeep.backups import cleaning
from baileykeep.backups.vault import Vault
from baileykeep.engine import executor
from baileykeep.engine.courier import Courier
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.monitor import Monitor
from baileykeep.engine.moves import Moves
from baileykeep.engine.orchestrator import Orchestrator
from baileykeep.model.backup import Backup
from baileykeep.model.incident import Cause, Outcome, Rung
from baileykeep.model.inventory import Category
from baileykeep.rules import brake, cause, gates, ladder, naming, skips
from baileykeep.rules import cleanup as cleanup_rules
from baileykeep.stores import files

Swap = tuple[Any, str, Any]


@dataclass(frozen=True, slots=True)
class Bug:
    """`swaps` puts the bug in; `kinds` are the faults under which it shows, `count` of them in `hours`."""

    name: str
    swaps: Callable[[], list[Swap]]
    kinds: tuple[str, ...]
    hours: float = 6.0
    count: int = 8


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """The product with this bug, and without the monitor that would bar some of them: the judges must see it."""
    swaps = [*bug.swaps(), (Monitor, "witness", lambda *_args: None)]
    before = [(place, name, place.__dict__[name]) for place, name, _ in swaps]
    try:
        for place, name, value in swaps:
            setattr(place, name, value)
        yield
    finally:
        for place, name, value in reversed(before):
            setattr(place, name, value)


def _everywhere(name: str, value: Any, *modules: Any) -> list[Swap]:
    return [(module, name, value) for module in modules if name in vars(module)]


def _verify_skipped() -> list[Swap]:
    async def verify(_site: Site, _within_s: float | None = None) -> bool:
        return True

    return _everywhere("verify", verify, session, pairing)


def _stop_not_proved() -> list[Swap]:
    async def prove_stopped(site: Site) -> str:
        return session.store_of(site).listing().token

    return [(session, "prove_stopped", prove_stopped)]


def _no_gate(name: str) -> Callable[[], list[Swap]]:
    def swaps() -> list[Swap]:
        kept = tuple(gate for gate in gates.GATES if gate.__name__ != name)
        assert len(kept) == len(gates.GATES) - 1
        return [(ladder, "GATES", kept)]

    return swaps


def _clock_not_minded() -> list[Swap]:
    return [(Moves, "_was_set", lambda _self, _by_s, _now: None)]


def _pause_ignored() -> list[Swap]:
    def daemon(case: Any, rung: Rung) -> Any:
        return gates.daemon(replace(case, fleet=replace(case.fleet, paused=False)), rung)

    return [(ladder, "GATES", (daemon, *gates.GATES[1:]))]


def _look_again_inverted() -> list[Swap]:
    looks = Orchestrator._still_wrong

    async def still_wrong(self: Orchestrator, running: Any, **how: Any) -> bool:
        return not await looks(self, running, **how)

    return [(Orchestrator, "_still_wrong", still_wrong)]


def _intent_not_journaled() -> list[Swap]:
    async def action_begun(self: Ledger, running: Any, before: Any, after: Any, *_more: Any, **_others: Any) -> None:
        if after is not None:
            await self.commit(before, after)
        self._remember(running.subject, running.attempt)

    return [(Ledger, "action_begun", action_begun)]


def _repeated_blindly() -> list[Swap]:
    async def again(site: Site, order: Order, action: Any, _past: Any) -> Result:
        if action is reconnect.reconnect:
            await site.gateway.reconnect(site.company)
            return Result(Outcome.DONE)
        return await action(site, order)  # type: ignore[no-any-return]

    return [(executor, "resume", again)]


def _unfinished_forgotten() -> list[Swap]:
    load = Ledger.load

    async def forgetful(self: Ledger, now: float) -> list[Any]:
        await load(self, now)
        return []

    return [(Ledger, "load", forgetful)]


def _brake_ignored() -> list[Swap]:
    return [(brake, "_maybe_pull", lambda state, *_args: state)]


def _never_list_hole() -> list[Swap]:
    def category_of(name: str) -> Category:
        return Category.SESSION if name.startswith("lid-mapping-") else naming.category_of(name)

    return _everywhere("category_of", category_of, files, cleanup_rules, cleaning)


def _copy_not_read_back() -> list[Swap]:
    put, verify, made = Vault.put, Vault.verify, dict[str, Backup]()

    def trusting(self: Vault, *args: Any, **more: Any) -> Backup:
        backup = put(self, *args, **more)
        made[backup.name] = backup
        return backup

    def believing(self: Vault, company: str, name: str) -> Backup:
        return made[name] if name in made else verify(self, company, name)

    return [(Vault, "_reads_back", lambda *_args: True), (Vault, "put", trusting), (Vault, "verify", believing)]


def _ticked_off_first() -> list[Swap]:
    hand_over = Courier._hand_over

    async def hasty(self: Courier, address: Any, state: Any, delivery: Any) -> bool:
        if delivery.flood is None:
            await self._delivered(address, state, delivery)
        return await hand_over(self, address, state, delivery)

    return [(Courier, "_hand_over", hasty)]


def _start_forgotten() -> list[Swap]:
    async def between(site: Site, change: Any, start: Any) -> str:
        async with site.steps.step("stop"):
            await session.stop(site)
        note: str = await change(await session.proved_stopped(site))
        await session.start_safely(site, start or (lambda: session.start_again(site)))
        return note

    return [(session, "_between", between)]


def _second_daemon_let_in() -> list[Swap]:
    return [(locks, "_try", lambda *_args: True)]


def _removed_login_reconnected() -> list[Swap]:
    return [(ladder, "LADDER", {**ladder.LADDER, Cause.LOGGED_OUT: (Rung.RECONNECT,)})]


def _ping_pong() -> list[Swap]:
    return [
        (skips, "_reconnected_after_replaced", lambda _case: False),
        (gates, "TIMING", {k: v for k, v in gates.TIMING.items() if k is not Cause.REPLACED}),
    ]


def _floor_lost() -> list[Swap]:
    return [(cleanup_rules.Ages, "of", lambda self, _file: 400.0)]


BUGS = (
    Bug("verify_skipped", _verify_skipped, ("drop_for_long", "hang", "says_ok_does_nothing")),
    Bug("stop_not_proved", _stop_not_proved, ("files_old", "files_old", "bad_mac")),
    Bug("cooldown_lost", _no_gate("cooldown"), ("drop_for_long",), 8.0),
    Bug("daily_budget_lost", _no_gate("budget"), ("drop_for_long", "hang"), 20.0, 24),
    Bug("look_again_inverted", _look_again_inverted, ("drop_for_long", "bad_mac", "files_old")),
    Bug("intent_not_journaled", _intent_not_journaled, ("drop_for_long", "bad_mac")),
    Bug("repeated_blindly", _repeated_blindly, ("drop_for_long", "bad_mac", "kill", "kill")),
    Bug("unfinished_forgotten", _unfinished_forgotten, ("bad_mac", "files_old", "kill", "kill")),
    Bug("brake_ignored", _brake_ignored, ("all_drop", "everybody_drops")),
    Bug("network_hold_ignored", _no_gate("network"), ("files_old", "network_down", "whatsapp_down"), 12.0, 30),
    Bug("pause_ignored", _pause_ignored, ("drop_for_long", "bad_mac", "button"), 8.0, 30),
    Bug("never_list_hole", _never_list_hole, ("files_old",)),
    Bug("floor_lost", _floor_lost, ("files_old", "files_new")),
    Bug("copy_not_read_back", _copy_not_read_back, ("bad_mac", "disk_rots"), 6.0, 16),
    Bug("ticked_off_first", _ticked_off_first, ("drop_for_long", "telegram_out")),
    Bug("start_forgotten", _start_forgotten, ("files_old", "disk_full", "stop_is_ignored", "bad_mac"), 6.0, 16),
    Bug("second_daemon_let_in", _second_daemon_let_in, ("second_daemon",), 1.0, 2),
    Bug("removed_login_reconnected", _removed_login_reconnected, ("device_removed",)),
    Bug("clock_not_minded", _clock_not_minded, ("drop_for_long", "hang", "clock_jump", "clock_jump"), 12.0, 30),
    Bug("ping_pong", _ping_pong, ("replaced",), 8.0),
)
"""Each must be found. The kinds only make it quick: every one of them is drawn in an ordinary day, too."""

__all__ = ["BUGS", "Bug", "cause", "clean", "guard", "planted", "resume"]
