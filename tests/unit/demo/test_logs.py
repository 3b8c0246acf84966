"""Log lines of the stand-in are those of a real gateway."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baileykeep.demo.logs import Close, GatewayLog


@pytest.fixture
def log(tmp_path: Path) -> Iterator[GatewayLog]:
    made = GatewayLog(tmp_path, lambda: 1_800_000_000.5, random.Random(1))
    yield made
    made.close()


def lines(log: GatewayLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.stdout.read_text().splitlines()]


def test_a_pino_line_has_pinos_fields_in_pinos_order(log: GatewayLog) -> None:
    log.pino("7", "opened connection to WA")
    (line,) = lines(log)
    assert list(line) == ["level", "time", "pid", "hostname", "companyId", "msg"]
    assert (line["level"], line["time"], line["companyId"]) == (30, 1_800_000_000_500, "7")


def test_without_a_field_no_line_names_a_company(tmp_path: Path) -> None:
    log = GatewayLog(tmp_path / "nameless", lambda: 1.0, random.Random(1), field=None)
    log.pino("secretive", "x")
    log.close()
    assert "secretive" not in log.stdout.read_text()


def test_a_bad_mac_prints_one_header_and_a_block_per_session(log: GatewayLog) -> None:
    log.bad_mac("7", "4915122222222.0", 7, blocks=3)
    text = log.stderr.read_text()
    assert text.count("Failed to decrypt message with any known session...\n") == 1
    assert text.count("Session error:Error: Bad MAC Error: Bad MAC\n") == 3
    assert text.count("    at async 4915122222222.0 [as awaitable] (") == 3
    assert "7" not in text.replace("4915122222222", "").split("Session error")[0]


def test_the_same_failure_in_pino_names_sender_and_company(log: GatewayLog) -> None:
    log.bad_mac("7", "4915122222222.0", 7)
    (line,) = (line for line in lines(log) if line["msg"] == "failed to decrypt message")
    assert line["companyId"] == "7"
    assert line["key"]["remoteJid"] == "4915122222222@s.whatsapp.net"
    assert line["err"]["message"] == "No matching sessions found for message"
    assert "async 4915122222222.0 [as awaitable]" in line["err"]["stack"]


@pytest.mark.parametrize(
    ("address", "jid"),
    [
        ("4915122222222.0", "4915122222222@s.whatsapp.net"),
        ("4915122222222.7", "4915122222222:7@s.whatsapp.net"),
        ("100000000000555_1.0", "100000000000555@lid"),
    ],
)
def test_the_jid_is_the_addresses_own(log: GatewayLog, address: str, jid: str) -> None:
    log.bad_mac("7", address, 6)
    assert [line["key"]["remoteJid"] for line in lines(log) if "key" in line] == [jid]


def test_a_duplicate_looks_like_a_failure_but_names_the_counter(log: GatewayLog) -> None:
    log.duplicate("7", "4915122222222.0", 7)
    text = log.stderr.read_text()
    assert "Session error:MessageCounterError: Key used already or never filled" in text
    assert "Bad MAC" not in text


def closed(log: GatewayLog, close: Close) -> dict[str, dict[str, Any]]:
    log.closed("7", close)
    return {line["msg"]: line for line in lines(log)}


def test_device_removed_is_a_conflict_with_401(log: GatewayLog) -> None:
    seen = closed(log, Close(401, "device_removed"))
    assert seen["stream errored out"]["reasonNode"] == {"tag": "conflict", "attrs": {"type": "device_removed"}}
    assert seen["stream errored out"]["fullErrorNode"]["attrs"] == {"code": "401"}
    assert seen["connection errored"]["trace"].startswith("Error: Stream Errored (conflict)\n    at ")
    assert seen["connection.update"]["update"]["lastDisconnect"]["statusCode"] == 401


def test_replaced_is_a_conflict_without_a_code_attribute(log: GatewayLog) -> None:
    seen = closed(log, Close(440, "replaced"))
    assert seen["stream errored out"]["fullErrorNode"]["attrs"] == {}
    assert seen["connection.update"]["update"]["lastDisconnect"]["statusCode"] == 440


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (428, "Connection Terminated"),
        (408, "Connection was lost"),
        (403, "Connection Failure"),
        (401, "Connection Failure"),
    ],
)
def test_without_a_stream_error_there_is_only_the_trace(log: GatewayLog, code: int, text: str) -> None:
    seen = closed(log, Close(code))
    assert "stream errored out" not in seen
    assert seen["connection errored"]["trace"].startswith(f"Error: {text}\n")


@pytest.mark.parametrize(("code", "text"), [(503, "unknown"), (500, "unknown"), (515, "restart required")])
def test_a_stream_error_carries_its_code(log: GatewayLog, code: int, text: str) -> None:
    seen = closed(log, Close(code))
    assert seen["stream errored out"]["fullErrorNode"]["attrs"] == {"code": str(code)}
    assert seen["connection errored"]["trace"].startswith(f"Error: Stream Errored ({text})\n")


def test_stale_and_renegotiated_sessions_dump_their_keys(log: GatewayLog) -> None:
    log.stale()
    log.renegotiated()
    text = log.stderr.read_text()
    assert "Closing stale open session for new outgoing prekey bundle\n" in text
    assert "Closing open session in favor of incoming prekey bundle\n" in text
    assert text.count("Closing session: SessionEntry {") == text.count("privKey: <Buffer ") == 2
