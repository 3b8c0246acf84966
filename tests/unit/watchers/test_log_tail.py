from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.logs.failures import HOLD_S, LATE_S
from baileykeep.model.facts import (
    CloseKind,
    DecryptFailed,
    DecryptKind,
    PairingDone,
    PreKeysOnServer,
    PreKeysUploaded,
    QrShown,
    StaleSessionClosed,
    StreamClosed,
    StreamOpened,
    WaitingForMessage,
)
from baileykeep.watchers.log_tail import LogFile
from tests.unit.logs.samples import FIXTURES
from tests.unit.watchers.log_world import ANNA, BAD_MAC, COUNTER, HEADER, RECORD, UPDATE, Gateway, append


@pytest.fixture
def gw(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path)


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
