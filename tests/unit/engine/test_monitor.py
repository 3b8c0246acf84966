"""The safety monitor over the real orchestrator: with a rule broken on purpose the effect does not happen."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baileykeep.actions import clean, session
from baileykeep.actions.base import Order, Result, Site
from baileykeep.engine import executor
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Running
from baileykeep.model import codec
from baileykeep.model.backup import BackupKind
from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.errors import Breached, JournalError
from baileykeep.model.evidence import Breach, Looked, StepBegun
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Attempt, Cause, Outcome, Rung
from baileykeep.model.limits import DAY, LadderLimits, Thresholds
from baileykeep.model.records import EntryKind
from baileykeep.model.symptoms import HOST, Severity, SymptomKind, gateway
from baileykeep.rules import cleanup, invariants, ladder
from baileykeep.rules.gates import Gate
from tests.unit.engine.installation import ACME, OTHER, Daemon, Installation, daemon, with_limits

pytestmark = pytest.mark.asyncio

CROWDED = Thresholds(healthy=10, monitor=20, warning=36, critical=38, danger=42, fatal=90)
FAST = LadderLimits(stopped_gap_s=5, quiet_folder_s=10, verify_within_s=60, steady_s=10)


@pytest.fixture
def on(tmp_path: Path) -> Installation:
    """Two companies of one gateway; acme's folder is in danger."""
    made = Installation(tmp_path)
    with_limits(made, thresholds=CROWDED, ladder=FAST)
    for path in made.folders["other"].iterdir():
        if path.name.startswith(("session-", "sender-key-")):
            path.unlink()
    return made


async def cleaned(d: Daemon, seconds: float = 120) -> None:
    """Let the emergency cleanup of acme run, or be barred."""
    await d.watch_for(seconds)


async def test_a_cleanup_that_keeps_its_promises_breaches_none(on: Installation) -> None:
    before = on.names("acme")
    async with daemon(on) as d:
        await cleaned(d)
        assert d.monitor.breaches == []
        assert on.sessions.of("acme") == ["stop", "start"]
        assert len(before - on.names("acme")) == 10


# --- rules broken on purpose ------------------------------------------------------------------------------------------


async def _believed(site: Site) -> str:
    """A stop that is believed instead of proved."""
    return session.store_of(site).listing().token


async def _older_backup(site: Site) -> str:
    """A backup from before the stop, passed off as a cold one."""
    return site.vault.create(session.store_of(site), BackupKind.COLD, site.clock.now()).name


def _always_old(_ages: cleanup.Ages, _file: object) -> float:
    return 99.0


async def _blind_cleanup(site: Site, order: Order) -> Result:
    """The cleanup without a look at the symptom."""
    return await clean.cleanup(replace(site, still_wrong=_yes), order)


async def _yes() -> bool:
    return True


BUGS: dict[str, tuple[Any, str, Any]] = {
    "stopped_before_files_change": (session, "prove_stopped", _believed),
    "backup_before_removal": (clean, "cold_backup", _older_backup),
    "age_floor_kept": (cleanup.Ages, "of", _always_old),
    "looked_again_before_acting": (executor, "ACTIONS", {**executor.ACTIONS, Rung.CLEANUP: _blind_cleanup}),
}


@pytest.mark.parametrize("promise", sorted(BUGS))
async def test_a_broken_rule_is_barred_and_the_company_held_until_resumed(
    on: Installation, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = on.names("acme")
    young = next(name for name in sorted(before) if name.startswith("session-"))
    os.utime(on.folders["acme"] / young, (on.clock.now() - 3 * DAY,) * 2)
    with monkeypatch.context() as bug:
        bug.setattr(*BUGS[promise])
        async with daemon(on) as d:
            await cleaned(d)
            assert promise in {b.invariant for b in d.monitor.breaches}
            await _held(d, before)
            await _others_are_cared_for(d)
        async with daemon(on) as d:
            await cleaned(d)
            await _held(d, before)
            assert on.sessions.of("acme").count("stop") <= 1
    async with daemon(on) as d:
        assert await d.desk.release(ACME, "ann")
        assert "breach" not in d.causes()
        assert not await d.desk.release(ACME, "ann")
        await d.see()
        assert SymptomKind.BREACH not in d.engine.unit(ACME).symptoms  # type: ignore[union-attr]


async def _held(d: Daemon, before: set[str]) -> None:
    """Nothing is gone, the session runs, people are told, and nothing more happens."""
    assert d.on.names("acme") == before
    assert d.on.sessions.states["acme"] is ConnState.CONNECTED
    assert ACME in d.holds.breached
    assert "breach" in d.causes()
    (incident,) = [i for i in d.ledger.all_open() if i.cause is Cause.BREACH]
    assert incident.severity is Severity.CRITICAL
    assert incident.needs_human
    told = [n for n in await d.on.journal.pending_notices(d.on.clock.now() + 1, 500) if n.incident == incident.id]
    assert "safety check failed" in told[0].data["headline"]
    assert "baileykeep explain acme" in told[0].data["what_to_do"]
    assert "baileykeep resume acme" in told[0].data["what_to_do"]
    (entry, *_) = await d.on.journal.entries(subject=ACME, kinds=(EntryKind.BREACH,))
    assert entry.data["invariant"] == d.holds.breached[ACME].invariant


async def _others_are_cared_for(d: Daemon) -> None:
    d.on.sessions.states["other"] = ConnState.DISCONNECTED
    await d.watch_for(1000, "other")
    assert d.on.sessions.of("other") == ["reconnect"]
    assert OTHER not in d.holds.breached
    assert d.causes(OTHER) == set()


async def test_a_hold_without_its_symptom_is_told_again(on: Installation) -> None:
    async with daemon(on) as d:
        d.holds.breached[ACME] = Breach(ACME, "cooldowns_kept", "reconnect was tried 5 s ago", on.clock.now())
        await d.see()
        assert "breach" not in d.causes()
        await d.monitor.report()
        await d.see()
        assert "breach" in d.causes()


# --- begins that must not be ------------------------------------------------------------------------------------------


def _without(gate: str) -> tuple[Gate, ...]:
    return tuple(g for g in ladder.GATES if g.__name__ != gate)


async def test_a_lost_cooldown_is_barred_before_anything_is_journaled(
    on: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_limits(on, thresholds=Thresholds())
    on.sessions.states["acme"] = ConnState.DISCONNECTED
    on.sessions.dead.add("acme")
    monkeypatch.setattr(ladder, "GATES", _without("cooldown"))
    async with daemon(on) as d:
        await d.watch_for(1100)
        assert {b.invariant for b in d.monitor.breaches} == {"cooldowns_kept"}
        assert on.sessions.of("acme") == ["reconnect"]
        assert len(await on.journal.entries(subject=ACME, kinds=(EntryKind.ACTION_BEGUN,))) == 1
        assert {"breach", "disconnected"} == d.causes()
        hold = next(i.hold for i in d.ledger.all_open() if i.cause is Cause.DISCONNECTED)
        assert hold is not None
        assert hold.startswith("breach")


async def test_a_pause_that_the_ladder_forgets_is_obeyed_all_the_same(
    on: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "GATES", _without("daemon"))
    async with daemon(on) as d:
        d.holds.pause(gateway("main"), on.clock.now() + 3600)
        await cleaned(d)
        assert [b.invariant for b in d.monitor.breaches[:1]] == ["nothing_new_while_held"]
        assert on.sessions.of("acme") == []


async def test_an_operator_is_refused_what_would_break_a_promise_and_told_why(
    on: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with daemon(on) as d:
        d.holds.jumped_at = on.clock.now()
        monkeypatch.setattr(ladder, "may_request", lambda *_a, **_k: Decision(Verb.ACT, Reason.OPERATOR))
        with pytest.raises(Breached, match="the wall clock jumped") as refused:
            await d.desk.request(ACME, Rung.CLEANUP, Order(operator="ann"))
        assert refused.value.exit_code == 3
        assert ACME in d.holds.breached
        assert on.sessions.asked == []


async def test_by_hand_all_goes_on_while_held(on: Installation) -> None:
    async with daemon(on) as d:
        d.holds.breached[ACME] = Breach(ACME, "monitor", "x", on.clock.now())
        await d.desk.request(ACME, Rung.RECONNECT, Order(operator="ann"))
        await on.pass_time(60)
        assert on.sessions.of("acme") == ["reconnect"]
        assert d.monitor.breaches == []


async def test_an_action_whose_intent_cannot_be_journaled_is_no_action(
    on: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with daemon(on) as d:
        await d.see()
        with monkeypatch.context() as full:

            async def fail(*_args: Any, **_kwargs: Any) -> None:
                raise JournalError("the disk is full")

            full.setattr(on.journal, "write", fail)
            with pytest.raises(JournalError):
                await d.desk.request(OTHER, Rung.RECONNECT, Order(operator="ann"))
        await d.desk.request(OTHER, Rung.RECONNECT, Order(operator="ann"))
        await on.pass_time(60)
        assert d.monitor.breaches == []
        assert on.sessions.of("other") == ["reconnect"]


# --- told afterwards --------------------------------------------------------------------------------------------------


async def test_a_repair_that_is_called_healed_unseen_is_told_of(
    on: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def believed(_site: Site, _within_s: float | None = None) -> bool:
        return True

    monkeypatch.setattr(session, "verify", believed)
    async with daemon(on) as d:
        await cleaned(d)
        assert {b.invariant for b in d.monitor.breaches} == {"healed_means_verified"}
        assert d.monitor.breaches[0].barred == ""
        assert "breach" in d.causes()


async def test_a_session_that_is_left_stopped_is_told_of(on: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgetful(site: Site, change: session.Change, **_more: Any) -> str:
        async with site.steps.step("stop"):
            await session.stop(site)
        return await change(await session.proved_stopped(site))

    monkeypatch.setattr(clean, "while_stopped", forgetful)
    async with daemon(on) as d:
        await cleaned(d, 400)
        assert "session_started_again" in {b.invariant for b in d.monitor.breaches}


# --- a monitor that fails itself --------------------------------------------------------------------------------------


async def test_a_crash_of_the_check_counts_as_a_breach_and_spreads_no_further(
    on: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = invariants.step

    def crashing(watch: Any, evidence: Any, limits: Any) -> Any:
        if evidence.subject == ACME and isinstance(evidence.sight, StepBegun) and evidence.sight.name == "remove":
            raise ZeroDivisionError
        return real(watch, evidence, limits)

    monkeypatch.setattr(invariants, "step", crashing)
    before = on.names("acme")
    async with daemon(on) as d:
        await cleaned(d)
        assert [b.invariant for b in d.monitor.breaches] == ["monitor"]
        await _held(d, before)
        await _others_are_cared_for(d)


async def test_what_it_cannot_journal_it_tells_later(on: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    async with daemon(on) as d:
        with pytest.raises(Breached):
            d.monitor.witness(ACME, "a1", StepBegun("stop"))
        with monkeypatch.context() as full:

            async def fail(*_args: Any, **_kwargs: Any) -> None:
                raise JournalError("the disk is full")

            full.setattr(on.journal, "write", fail)
            await d.monitor.report()
            assert SymptomKind.BREACH in d.engine.unit(ACME).symptoms  # type: ignore[union-attr]
        assert await on.journal.entries(kinds=(EntryKind.BREACH,)) == []
        await d.monitor.report()
        await d.monitor.report()
        assert len(await on.journal.entries(kinds=(EntryKind.BREACH,))) == 1


async def test_its_memory_of_attempts_outlives_the_daemon_and_the_journals_history(on: Installation) -> None:
    with_limits(on, thresholds=Thresholds())
    on.sessions.states["acme"] = ConnState.DISCONNECTED
    on.sessions.dead.add("acme")
    async with daemon(on) as d:
        await d.watch_for(1000)
        assert on.sessions.of("acme") == ["reconnect"]
    async with daemon(on) as d:
        d.ledger._history.clear()
        (incident,) = [i for i in d.ledger.all_open() if i.subject == ACME]
        member = on.member(ACME)
        assert member is not None
        attempt = Attempt(Rung.RECONNECT, incident.cause, on.clock.now(), "a9")
        with pytest.raises(Breached, match="was tried"):
            d.monitor.begun(Running(ACME, attempt, {}), member, incident, ())


async def test_a_memory_of_another_version_is_left_alone(on: Installation) -> None:
    await on.journal.remember({(str(ACME), "watch"): {"tries": [{"rung": "dance"}]}, ("x:y", "watch"): {"tries": []}})
    async with daemon(on) as d:
        await cleaned(d)
        assert d.monitor.breaches == []


async def test_a_breach_of_another_version_still_holds() -> None:
    breach = Breach(ACME, "cooldowns_kept", "x", 1.0)
    holds = Holds(act=True, started_at=0.0)
    holds.load({"breached": [codec.encode(breach), {"subject": codec.encode(OTHER), "odd": 1}]})
    assert holds.breached[ACME] == breach
    assert holds.breached[OTHER].invariant == "monitor"
    again = Holds(act=True, started_at=0.0)
    again.load(holds.save(5.0))
    assert again.breached == holds.breached


async def test_a_gateways_action_is_held_and_released_as_the_gateways(on: Installation) -> None:
    async with daemon(on) as d:
        with pytest.raises(Breached):
            d.monitor.witness(gateway("main"), "a1", StepBegun("restart_process"))
        await d.monitor.report()
        await d.see()
        assert d.causes(gateway("main")) == {"breach"}
        assert await d.desk.release(gateway("main"), "ann")
        assert d.causes(gateway("main")) == set()


async def test_a_subject_that_is_gone_is_held_without_words(on: Installation) -> None:
    async with daemon(on) as d:
        gone = gateway("gone")
        with pytest.raises(Breached):
            d.monitor.witness(gone, "a1", StepBegun("stop"))
        await d.monitor.report()
        assert gone in d.holds.breached
        assert d.monitor.release(gone)
        d.monitor.witness(HOST, "a1", Looked(stopped=False))


async def test_actions_that_would_cross_are_seen_by_the_monitor_itself(on: Installation) -> None:
    async with daemon(on) as d:
        main, acme = on.member(gateway("main")), on.member(ACME)
        assert main is not None
        assert acme is not None
        attempt = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, on.clock.now(), "a1", operator="ann")
        d.monitor.begun(Running(ACME, attempt, {}, manual=True), acme, None, ())
        restart = Attempt(Rung.RESTART_PROCESS, Cause.GATEWAY_DOWN, on.clock.now(), "a2", operator="ann")
        with pytest.raises(Breached, match="cross"):
            d.monitor.begun(Running(gateway("main"), restart, {}, manual=True), main, None, ())
        other = on.member(OTHER)
        assert other is not None
        second = replace(attempt, action_id="a3")
        d.monitor.begun(Running(OTHER, second, {}, manual=True), other, None, ())
        shared = replace(other, can=replace(other.can, by_process=True))
        d.monitor.ended(Running(OTHER, replace(second, outcome=Outcome.FAILED), {}, manual=True))
        with pytest.raises(Breached, match="company:acme"):
            d.monitor.begun(Running(OTHER, replace(second, action_id="a4"), {}, manual=True), shared, None, ())
