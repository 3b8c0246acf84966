from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import anyio
import pytest
import structlog.testing

from baileykeep.clock import VirtualClock
from baileykeep.logs.attribution import Attribution
from baileykeep.logs.failures import HOLD_S, LATE_S
from baileykeep.model.facts import (
    CloseKind,
    DecryptFailed,
    DecryptKind,
    Fact,
    LogActive,
    LogFact,
    LogGap,
    PairingDone,
    PreKeysOnServer,
    PreKeysUploaded,
    QrShown,
    StaleSessionClosed,
    StreamClosed,
    StreamOpened,
    WaitingForMessage,
)
from baileykeep.watchers.log_tail import ACTIVE_EVERY_S, LogFile, LogTailer
from tests.unit.logs.samples import FIXTURES

HEADER = "Failed to decrypt message with any known session...\n"
BAD_MAC = "Session error:Error: Bad MAC Error: Bad MAC\n    at async {address} [as awaitable] (x.js:1:1)\n"
COUNTER = "Session error:MessageCounterError: Key used already\n    at {address} [as awaitable] (x.js:1:1)\n"
ANNA = "4915122222222.0"
RECORD = (
    '{"companyId":"17","key":{"remoteJid":"4915122222222@s.whatsapp.net"},'
    '"err":{"message":"No matching sessions found for message"},"msg":"failed to decrypt message"}\n'
)
UPDATE = 'APP connection.update {"connection":"close","lastDisconnect":{"statusCode":%s}}\n'


class Gateway:
    """A gateway's two streams, a tailer on them and everything that it told."""

    def __init__(self, folder: Path, attribution: Attribution | None = None) -> None:
        self.out, self.err = folder / "out.log", folder / "err.log"
        self.attribution = attribution or Attribution(field="companyId")
        self.clock = VirtualClock()
        self.facts: list[Fact] = []
        self.owners: dict[str, tuple[str, ...]] = {}
        self.tailer = self.start(None)

    def start(self, positions: dict[str, object] | None) -> LogTailer:
        tailer = LogTailer(
            self.clock,
            self.facts.append,
            owners=lambda gateway, address: self.owners.get(address, ()) if gateway == "gw" else (),
            positions=positions,
        )
        tailer.set_files([LogFile(path, "gw", self.attribution) for path in (self.out, self.err)])
        return tailer

    async def restart(self, after_s: float) -> None:
        positions = json.loads(json.dumps(self.tailer.positions()))
        self.clock.step_to(self.clock.monotonic() + after_s)
        self.tailer = self.start(positions)

    async def poll(self, after_s: float = 0.25) -> list[LogFact]:
        """One look after so long; what it told, without the signs of life."""
        self.facts.clear()
        self.clock.step_to(self.clock.monotonic() + after_s)
        await self.tailer.poll()
        return [fact for fact in self.facts if isinstance(fact, LogFact) and not isinstance(fact, LogActive)]

    async def settle(self) -> list[LogFact]:
        """Read, wait until nothing is held back any more, and tell everything."""
        return [*await self.poll(), *await self.poll(HOLD_S + 0.01)]


@pytest.fixture
def gw(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path)


def append(path: Path, text: str | bytes) -> None:
    with path.open("ab") as stream:
        stream.write(text.encode() if isinstance(text, str) else text)


@pytest.mark.asyncio
async def test_history_is_not_replayed(gw: Gateway) -> None:
    append(gw.out, RECORD)
    assert await gw.settle() == []
    append(gw.out, RECORD)
    assert len(await gw.settle()) == 1


@pytest.mark.asyncio
async def test_both_streams_tell_one_failure_with_its_company(gw: Gateway) -> None:
    await gw.poll()
    append(gw.err, HEADER + BAD_MAC.format(address=ANNA) * 3)
    append(gw.out, RECORD)
    (fact,) = await gw.settle()
    assert isinstance(fact, DecryptFailed)
    assert (fact.gateway, fact.company, fact.kind, fact.address) == ("gw", "17", DecryptKind.BAD_MAC, ANNA)


@pytest.mark.asyncio
async def test_a_half_is_told_as_it_is_after_the_hold_and_not_before(gw: Gateway) -> None:
    await gw.poll()
    append(gw.err, HEADER + BAD_MAC.format(address=ANNA))
    assert await gw.poll() == []
    assert await gw.poll(HOLD_S - 0.01) == []
    (fact,) = await gw.poll(0.02)
    assert isinstance(fact, DecryptFailed)
    assert (fact.company, fact.kind) == (None, DecryptKind.BAD_MAC)


@pytest.mark.asyncio
async def test_blocks_may_arrive_over_several_reads(gw: Gateway) -> None:
    await gw.poll()
    text = HEADER + BAD_MAC.format(address=ANNA) + COUNTER.format(address=ANNA)
    for piece in (text[:30], text[30:90], text[90:]):
        append(gw.err, piece)
        assert await gw.poll(0.1) == []
    (fact,) = await gw.settle()
    assert isinstance(fact, DecryptFailed)
    assert fact.kind is DecryptKind.DUPLICATE


@pytest.mark.asyncio
async def test_a_late_half_is_not_told_again(gw: Gateway) -> None:
    await gw.poll()
    append(gw.err, HEADER + BAD_MAC.format(address=ANNA))
    assert len(await gw.settle()) == 1
    append(gw.out, RECORD)
    assert await gw.settle() == []
    append(gw.out, RECORD)
    assert len(await gw.settle()) == 1


@pytest.mark.asyncio
async def test_a_failure_whose_record_never_comes_does_not_rob_the_next_one_of_its_company(gw: Gateway) -> None:
    await gw.poll()
    append(gw.err, HEADER + BAD_MAC.format(address=ANNA))
    assert [fact.company for fact in await gw.settle()] == [None]
    append(gw.err, HEADER + BAD_MAC.format(address=ANNA))
    append(gw.out, RECORD)
    assert [fact.company for fact in await gw.settle()] == ["17"]


@pytest.mark.asyncio
async def test_a_half_much_later_is_another_failure(gw: Gateway) -> None:
    await gw.poll()
    append(gw.err, HEADER + BAD_MAC.format(address=ANNA))
    assert len(await gw.settle()) == 1
    await gw.poll(LATE_S)
    append(gw.out, RECORD)
    assert len(await gw.settle()) == 1


@pytest.mark.asyncio
async def test_a_contact_frame_names_the_company_that_alone_has_that_session(gw: Gateway) -> None:
    await gw.poll()
    for owners, company in ((("17",), "17"), (("17", "18"), None), ((), None)):
        gw.owners = {ANNA: owners}
        append(gw.err, HEADER + BAD_MAC.format(address=ANNA))
        (fact,) = await gw.settle()
        assert fact.company == company


@pytest.mark.asyncio
async def test_gateways_do_not_share_failures(tmp_path: Path) -> None:
    gw = Gateway(tmp_path)
    gw.tailer.set_files([LogFile(gw.out, "one", gw.attribution), LogFile(gw.err, "two")])
    await gw.poll()
    append(gw.out, RECORD)
    append(gw.err, HEADER + BAD_MAC.format(address=ANNA))
    assert {fact.gateway for fact in await gw.settle()} == {"one", "two"}


@pytest.mark.asyncio
async def test_every_kind_of_fact(gw: Gateway) -> None:
    await gw.poll()
    append(gw.out, (FIXTURES / "logs-v7/01-pair-open-messages.stdout.log").read_bytes())
    append(gw.out, "Closing stale open session for new outgoing prekey bundle\nwaiting for message\n")
    facts = await gw.settle()
    assert {type(fact) for fact in facts} == {
        QrShown,
        PairingDone,
        StreamClosed,
        StreamOpened,
        PreKeysOnServer,
        PreKeysUploaded,
        StaleSessionClosed,
        WaitingForMessage,
    }
    pool = [fact for fact in facts if isinstance(fact, PreKeysOnServer | PreKeysUploaded)]
    assert [fact.count for fact in pool] == [0, 812]
    (closed,) = (fact for fact in facts if isinstance(fact, StreamClosed))
    assert (closed.kind, closed.code) == (CloseKind.RESTART_REQUIRED, 515)


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("07-close-503", CloseKind.OTHER, 503),
        ("07-close-516", CloseKind.OTHER, 516),
        ("07-close-ack", CloseKind.OTHER, 500),
        ("07-close-replaced", CloseKind.REPLACED, 440),
        ("08-drop", CloseKind.OTHER, 428),
        ("10-device-removed", CloseKind.DEVICE_REMOVED, 401),
        ("11-login-after-removal", CloseKind.LOGGED_OUT, 401),
        ("12-server-down", CloseKind.CONNECT_ERROR, 408),
        ("39-qr-expiry", CloseKind.QR_ENDED, 408),
        ("32-prekeylow", CloseKind.LOST, 408),
    ],
)
@pytest.mark.parametrize("generation", ["v6", "v7"])
@pytest.mark.asyncio
async def test_one_close_is_one_fact_with_its_code(
    gw: Gateway, generation: str, name: str, kind: CloseKind, code: int
) -> None:
    await gw.poll()
    append(gw.out, (FIXTURES / f"logs-{generation}/{name}.stdout.log").read_bytes())
    closes = [fact for fact in await gw.settle() if isinstance(fact, StreamClosed)]
    assert [(fact.kind, fact.code) for fact in closes][-1:] == [(kind, code)]
    assert len(closes) == (2 if name == "32-prekeylow" else 1)


@pytest.mark.asyncio
async def test_an_opening_after_a_close_is_told_after_it(gw: Gateway) -> None:
    await gw.poll()
    append(gw.out, UPDATE % 428 + '{"msg":"opened connection to WA"}\n' + UPDATE % 428)
    assert [type(fact) for fact in await gw.settle()] == [StreamClosed, StreamOpened, StreamClosed]


@pytest.mark.asyncio
async def test_the_same_close_a_minute_later_is_another_one(gw: Gateway) -> None:
    await gw.poll()
    for _ in range(2):
        append(gw.out, "Connection closed, reconnecting\n")
        assert len(await gw.settle()) == 1
        await gw.poll(61)


@pytest.mark.asyncio
async def test_a_line_without_a_company_joins_the_recent_event_of_one_but_not_an_old_one(gw: Gateway) -> None:
    await gw.poll()
    append(gw.out, '{"companyId":"17","node":{"attrs":{"code":"440"}},"msg":"stream errored out"}\n')
    assert [fact.company for fact in await gw.settle()] == ["17"]
    append(gw.out, UPDATE % 440)
    assert await gw.settle() == []
    append(gw.out, '{"companyId":"18","node":{"attrs":{"code":"503"}},"msg":"stream errored out"}\n')
    await gw.settle()
    await gw.poll(61)
    append(gw.out, UPDATE % 503)
    assert [fact.company for fact in await gw.settle()] == [None]


@pytest.mark.asyncio
async def test_a_company_that_is_known_late_is_still_told(gw: Gateway) -> None:
    await gw.poll()
    append(gw.out, UPDATE % 440)
    (first,) = await gw.settle()
    append(gw.out, '{"companyId":"17","node":{"attrs":{"code":"440"}},"msg":"stream errored out"}\n')
    (second,) = await gw.settle()
    assert (first.company, second.company) == (None, "17")


@pytest.mark.asyncio
async def test_split_utf8_and_half_lines(gw: Gateway) -> None:
    await gw.poll()
    data = "[Büro 📱] Connection replaced\n".encode()
    for n in range(len(data)):
        assert await gw.poll() == []
        append(gw.out, data[n : n + 1])
    (fact,) = await gw.settle()
    assert isinstance(fact, StreamClosed)
    assert fact.kind is CloseKind.REPLACED


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
