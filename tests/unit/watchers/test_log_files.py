"""What happens to log files while they are followed: rotation, restarts, coming and going."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import anyio
import pytest
import structlog.testing

from baileykeep.logs.attribution import Attribution
from baileykeep.model.facts import (
    CloseKind,
    DecryptFailed,
    DecryptKind,
    LogActive,
    LogGap,
    StreamClosed,
)
from baileykeep.watchers.log_tail import ACTIVE_EVERY_S, LogFile
from tests.unit.watchers.log_world import ANNA, BAD_MAC, COUNTER, HEADER, RECORD, Gateway, append


@pytest.fixture
def gw(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path)


@pytest.mark.asyncio
async def test_rename_and_create_loses_nothing(gw: Gateway) -> None:
    await gw.poll()
    append(gw.err, HEADER)
    await gw.poll()
    append(gw.err, BAD_MAC.format(address=ANNA)[:20])
    gw.err.rename(gw.err.with_name("err.log.1"))
    append(gw.err.with_name("err.log.1"), BAD_MAC.format(address=ANNA)[20:])
    append(gw.err, HEADER + COUNTER.format(address=ANNA))
    facts = [*await gw.poll(), *await gw.poll(), *await gw.settle()]
    kinds = [fact.kind for fact in facts if isinstance(fact, DecryptFailed)]
    assert kinds == [DecryptKind.BAD_MAC, DecryptKind.DUPLICATE]


@pytest.mark.asyncio
async def test_copy_and_truncate_loses_nothing(gw: Gateway) -> None:
    append(gw.out, "old\n")
    await gw.poll()
    append(gw.out, "Connection repl")
    await gw.poll()
    append(gw.out, "aced\n")
    shutil.copy(gw.out, gw.out.with_name("out__2026-11-20_00-00-00.log"))
    os.truncate(gw.out, 0)
    append(gw.out, "Session logged out\n")
    kinds = [fact.kind for fact in await gw.settle() if isinstance(fact, StreamClosed)]
    assert kinds == [CloseKind.REPLACED, CloseKind.LOGGED_OUT]


@pytest.mark.asyncio
async def test_it_goes_on_after_a_restart(gw: Gateway) -> None:
    await gw.poll()
    append(gw.out, "Connection repl")
    await gw.poll()
    append(gw.out, "aced\n")
    await gw.restart(3600)
    (fact,) = await gw.settle()
    assert isinstance(fact, StreamClosed)


@pytest.mark.asyncio
async def test_old_lines_read_after_a_restart_are_not_of_now(gw: Gateway) -> None:
    """Else five failures of a whole night would look like a storm."""
    await gw.poll()
    stopped = gw.clock.now()
    await gw.restart(3600)
    claimed = [stopped + 1000.5, stopped + 2000.0]
    for moment in claimed:
        append(gw.out, RECORD.replace("{", f'{{"time":{int(moment * 1000)},', 1))
    append(gw.out, RECORD)
    append(gw.out, RECORD.replace("{", f'{{"time":{int((stopped + 90_000) * 1000)},', 1))
    facts = await gw.settle()
    assert [fact.at for fact in facts] == [*claimed, claimed[-1], stopped + 3600.25]
    append(gw.out, RECORD)
    (fact,) = await gw.settle()
    assert fact.at > stopped + 3600.25


@pytest.mark.asyncio
async def test_lines_from_before_a_restart_are_no_sign_of_life(gw: Gateway) -> None:
    await gw.poll()
    append(gw.out, "noise\n")
    await gw.restart(3600)
    await gw.poll()
    assert [fact for fact in gw.facts if isinstance(fact, LogActive)] == []
    append(gw.out, "noise\n")
    await gw.poll()
    assert len([fact for fact in gw.facts if isinstance(fact, LogActive)]) == 1


@pytest.mark.asyncio
async def test_a_gap_is_told(gw: Gateway) -> None:
    gw.out.touch()
    append(gw.out, "old\n")
    await gw.poll()
    await gw.restart(60)
    gw.out.write_bytes(b"something else entirely\n")
    assert [type(fact) for fact in await gw.settle()] == [LogGap]


@pytest.mark.asyncio
async def test_signs_of_life_are_rare(gw: Gateway) -> None:
    await gw.poll()
    seen = []
    for _ in range(int(4 * ACTIVE_EVERY_S / 0.25)):
        append(gw.out, "noise\n")
        await gw.poll()
        seen += [fact for fact in gw.facts if isinstance(fact, LogActive)]
    assert len(seen) == 4
    assert {(fact.gateway, fact.company) for fact in seen} == {("gw", None)}


@pytest.mark.asyncio
async def test_a_file_that_cannot_be_read_is_logged_once_and_shown(gw: Gateway) -> None:
    gw.out.mkdir()
    with structlog.testing.capture_logs() as logs:
        await gw.poll()
        await gw.poll()
    assert [entry["event"] for entry in logs] == ["log_unreadable"]
    assert gw.tailer.problems() == {str(gw.out): "is not a regular file"}


@pytest.mark.asyncio
async def test_files_come_and_go_without_a_restart(gw: Gateway) -> None:
    append(gw.out, "old\n")
    await gw.poll()
    append(gw.out, "Connection replaced\n")
    gw.tailer.set_files([LogFile(gw.out, "gw", Attribution(company="17"))])
    (fact,) = await gw.settle()
    assert fact.company == "17"
    assert list(gw.tailer.positions()) == [str(gw.out)]
    gw.tailer.set_files([])
    append(gw.out, "Connection replaced\n")
    assert await gw.settle() == []


@pytest.mark.asyncio
async def test_a_thousand_files_cost_no_thread(tmp_path: Path) -> None:
    gw = Gateway(tmp_path)
    paths = [tmp_path / f"{n}.log" for n in range(300)]
    gw.tailer.set_files([LogFile(path, "gw", Attribution(company=path.stem)) for path in paths])
    await gw.poll()
    threads = threading.active_count()
    for path in paths:
        append(path, "Connection replaced\n")
    facts = await gw.settle()
    assert {fact.company for fact in facts} == {path.stem for path in paths}
    assert threading.active_count() <= threads


@pytest.mark.asyncio
async def test_running_follows_the_clock_and_ends_when_cancelled(gw: Gateway) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(gw.tailer.run)
        append(gw.out, "old\n")
        with anyio.fail_after(5):
            while not gw.tailer.positions():
                await _step(gw)
            append(gw.err, HEADER + BAD_MAC.format(address=ANNA))
            began = gw.clock.monotonic()
            while not any(isinstance(fact, DecryptFailed) for fact in gw.facts):
                await _step(gw)
        group.cancel_scope.cancel()
    assert gw.clock.monotonic() - began <= 2.0


async def _step(gw: Gateway) -> None:
    await anyio.sleep(0.001)
    wake = gw.clock.next_wake()
    if wake is not None:
        gw.clock.step_to(wake)
