"""What every process manager must hold to. A kind that is not listed in `tests.fakes.managed` fails."""

from __future__ import annotations

import random
import re
from copy import deepcopy
from pathlib import Path

import pytest
import structlog

from baileykeep.clock import VirtualClock
from baileykeep.model.errors import ProcessError
from baileykeep.model.facts import Fact, ProcessSeen, ProcessState
from baileykeep.processes.find import kinds
from baileykeep.processes.none import NoManager
from baileykeep.watchers.process import ProcessWatcher
from tests.fakes.managed import ACTING, CANARY, Setting, as_nobody

each = pytest.mark.parametrize("kind", sorted(ACTING))


def test_every_kind_is_held_to_this() -> None:
    assert set(kinds()) == {*ACTING, "none"}


def acts(setting: Setting) -> dict[str, object]:
    manager = setting.manager
    return {"status": manager.status, "start": manager.start, "stop": manager.stop, "restart": manager.restart}


@pytest.mark.asyncio
@each
async def test_it_runs_stops_starts_and_restarts(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        assert (at.manager.kind, at.manager.can_act) == (kind, True)
        assert (await at.manager.status()).state is ProcessState.RUNNING
        await at.manager.stop()
        assert (await at.manager.status()).state is ProcessState.STOPPED
        await at.manager.start()
        assert (await at.manager.status()).state is ProcessState.RUNNING
        await at.manager.restart()
        assert (await at.manager.status()).state is ProcessState.RUNNING


@pytest.mark.asyncio
@each
async def test_each_of_its_words_has_one_meaning(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        assert set(at.words.values()) == set(ProcessState)
        for word, state in at.words.items():
            at.say(word)
            assert ((await at.manager.status()).state, word) == (state, word)


@pytest.mark.asyncio
@each
async def test_a_second_stop_or_start_changes_nothing(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        await at.manager.start()
        await at.manager.stop()
        await at.manager.stop()
        assert (await at.manager.status()).state is ProcessState.STOPPED


@pytest.mark.asyncio
@each
async def test_a_restart_starts_what_was_stopped(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        await at.manager.stop()
        await at.manager.restart()
        assert (await at.manager.status()).state is ProcessState.RUNNING


@pytest.mark.asyncio
@each
async def test_only_the_own_process_is_touched(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        before = deepcopy(at.other())
        await at.manager.restart()
        await at.manager.stop()
        assert at.other() == before


@pytest.mark.asyncio
@each
async def test_a_look_changes_nothing(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        await at.manager.status()
        assert at.asked()
        assert all(call.startswith(at.looks) for call in at.asked())


@pytest.mark.asyncio
@each
async def test_a_process_that_is_not_there_is_named_and_nothing_is_done(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        before = deepcopy(at.other())
        for act in (at.stranger.status, at.stranger.start, at.stranger.stop, at.stranger.restart):
            with pytest.raises(ProcessError, match=r"strange") as caught:
                await act()
            assert caught.value.next_step
        assert at.other() == before


@pytest.mark.asyncio
@each
async def test_a_process_that_does_not_stop_is_an_error(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        at.stick()
        with pytest.raises(ProcessError, match="after it was stopped"):
            await at.manager.stop()


@pytest.mark.asyncio
@each
async def test_a_manager_that_fails_is_an_error(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        at.trouble(fail="it does not work")
        for name in acts(at):
            with pytest.raises(ProcessError, match=rf"gw|jlist|{kind}"):
                await getattr(at.manager, name)()


@pytest.mark.asyncio
@each
async def test_a_manager_that_hangs_is_left_in_time(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"baileykeep.processes.{kind}.STATUS_TIMEOUT_S", 0.2)
    async with ACTING[kind](tmp_path) as at:
        at.trouble(hang=True)
        with pytest.raises(ProcessError, match=r"(longer than|within) 0\.2 s"):
            await at.manager.status()


@pytest.mark.asyncio
@each
async def test_one_that_floods_is_an_error(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        at.trouble(flood=300)
        with pytest.raises(ProcessError, match=r"more than \d+ MiB"):
            await at.manager.status()


@pytest.mark.asyncio
@each
@pytest.mark.parametrize("rubbish", ["", "\ufffd\x00\x01", "[" * 50_000, "{}", "<!DOCTYPE x><x/>", "null", '{"Id": 5}'])
async def test_garbage_is_an_error_and_no_state(tmp_path: Path, kind: str, rubbish: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        at.trouble(garbage=rubbish if kind in ("pm2", "systemd") else rubbish.encode())
        with pytest.raises(ProcessError):
            await at.manager.status()


@pytest.mark.asyncio
@each
async def test_one_that_is_not_there_is_named(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        at.vanish()
        with pytest.raises(ProcessError, match=r"cannot be run|there is no") as caught:
            await at.manager.status()
        assert caught.value.next_step


@pytest.mark.asyncio
@each
async def test_who_may_not_use_it_is_told_so(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        at.forbid()
        with as_nobody(), pytest.raises(ProcessError, match=r"cannot be run|may not use|another user") as caught:
            await at.manager.status()
        assert caught.value.next_step


@pytest.mark.asyncio
@each
async def test_the_environment_of_a_process_shows_nowhere(tmp_path: Path, kind: str) -> None:
    """Not in what it says, nor its repr, nor its errors, nor in what the watcher emits and logs."""
    async with ACTING[kind](tmp_path) as at:
        shown = [repr(at.manager), repr(vars(at.manager)), repr(await at.manager.status())]
        with pytest.raises(ProcessError) as caught:
            await at.stranger.status()
        shown += [str(caught.value), repr(caught.value.__dict__), repr(caught.getrepr(showlocals=False))]
        facts: list[Fact] = []
        with structlog.testing.capture_logs() as logs:
            for manager in (at.manager, at.stranger):
                watcher = ProcessWatcher("main", manager, facts.append, clock=VirtualClock(), rng=random.Random(1))
                facts.append(ProcessSeen(at=0, gateway="main", state=(await watcher._look()).state))
        shown += [repr(facts), repr(logs)]
    assert CANARY not in " ".join(shown)
    assert [log["event"] for log in logs] == ["process_manager_fails"]


@pytest.mark.asyncio
@each
async def test_it_tells_which_process_it_is(tmp_path: Path, kind: str) -> None:
    async with ACTING[kind](tmp_path) as at:
        assert at.manager.identity.may_be(at.manager.identity)
        assert not at.manager.identity.may_be(at.stranger.identity)
        assert not at.manager.identity.may_be(NoManager().identity)
        assert re.search(rf"kind='{kind}'", repr(at.manager.identity))


@pytest.mark.asyncio
async def test_no_manager_knows_nothing_and_says_how_to_get_one() -> None:
    manager = NoManager()
    assert not manager.can_act
    assert (await manager.status()).state is ProcessState.UNKNOWN
    for act in (manager.start, manager.stop, manager.restart):
        with pytest.raises(ProcessError, match=r"process\.manager"):
            await act()
