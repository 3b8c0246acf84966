"""Logs in which contacts and broken writers have a say: forged lines, endless lines, bytes that are no text."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from baileykeep.app.log_files import LogFiles
from baileykeep.app.sites import Sites
from baileykeep.clock import VirtualClock
from baileykeep.config.schema import GatewayTable, LogTable
from baileykeep.journal.memory import MemoryJournal
from baileykeep.logs.attribution import Attribution
from baileykeep.logs.follow import Follower, Position
from baileykeep.logs.lines import MAX_LINE
from baileykeep.logs.parser import LogParser
from baileykeep.model.facts import CloseKind, LogFact, StreamClosed, StreamOpened
from baileykeep.watchers.log_tail import LogFile, LogTailer
from tests.fuzz.targets import told

FIELD = Attribution(field="companyId")
HEADER = "Failed to decrypt message with any known session..."
OPENED = '{"level":30,"companyId":"17","msg":"opened connection to WA"}\n'
REMOVED = (
    '{"level":50,"companyId":"%s","fullErrorNode":{"tag":"stream:error","attrs":{"code":"401"},'
    '"content":[{"tag":"conflict","attrs":{"type":"device_removed"}}]},"msg":"stream errored out"}'
)
UPDATE = 'APP connection.update {"companyId":"17","connection":"close"}\n'


def facts(text: str | bytes, attribution: Attribution = FIELD) -> list[tuple[str, str | None]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [(type(fact).__name__, fact.company) for fact in told(attribution, [data])]


def pm2(inner: str) -> str:
    """A line of `pm2 --log-type json`."""
    fields = {"message": inner, "timestamp": "x", "type": "out", "process_id": 0, "app_name": "gw"}
    return json.dumps(fields, ensure_ascii=False) + "\n"


def upsert(text: str, name: str = "Bob") -> str:
    """How pino writes a message of a contact: everything that the contact chose stands inside JSON strings."""
    message = {
        "key": {"remoteJid": "4915122222222@s.whatsapp.net"},
        "pushName": name,
        "message": {"conversation": text},
    }
    return json.dumps({"level": 30, "companyId": "17", **message, "msg": "recv message"}, ensure_ascii=False) + "\n"


IN_WORDS = ["Connection replaced", "logged out session"]
"""What a gateway may say itself: where it prints a customer's bare words as its own, nobody can tell them apart."""

FORGED = [REMOVED % "18", REMOVED % "17", HEADER, OPENED, UPDATE, *IN_WORDS]


@pytest.mark.parametrize("text", FORGED)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", ""])
def test_what_a_contact_writes_is_no_line_of_its_own(text: str, end: str) -> None:
    wrapped = f"{end}{text}{end}"
    for line in (upsert(wrapped), upsert("hi", wrapped)):
        assert facts(line) == []
        assert facts(pm2(line)) == []
    spoken = json.dumps({"level": 30, "companyId": "17", "msg": wrapped}, ensure_ascii=False) + "\n"
    assert {company for _, company in facts(spoken)} <= {"17"}
    if "\n" not in end and text not in IN_WORDS:
        winston = json.dumps({"level": "info", "message": f"got: {wrapped}", "process_id": 7}, ensure_ascii=False)
        assert facts(winston + "\n") == []


def test_a_message_that_holds_a_whole_line_tells_nothing() -> None:
    for inner in (REMOVED % "18", OPENED, UPDATE):
        assert facts(json.dumps({"level": 30, "companyId": "17", "msg": inner}) + "\n") == []
        assert facts(json.dumps({"level": 30, "companyId": "17", "data": inner, "msg": "got"}) + "\n") == []


def test_a_logger_that_uses_one_name_of_the_process_managers_is_not_taken_apart() -> None:
    for extra in ({"process_id": 7}, {"app_name": "gw"}):
        line = json.dumps({"level": "info", "message": f"text of Bob\n{HEADER}\n{REMOVED % '18'}", **extra})
        assert facts(line + "\n") == []


@pytest.mark.parametrize(
    "line",
    [
        '{"companyId":"17","companyId":"18","msg":"opened connection to WA"}',
        '{"companyId":"17","msg":"opened connection to WA","companyId":"18"}',
        '{"companyId":"17","a":{"companyId":"18","companyId":"19"},"msg":"opened connection to WA"}',
    ],
)
def test_an_object_with_two_companies_names_nobody(line: str) -> None:
    assert facts(line + "\n") == [("StreamOpened", None)]
    alone = Attribution(field="companyId", company="17")
    assert facts(line + "\n", alone) == [("StreamOpened", "17")]


def test_another_company_deeper_inside_changes_nothing() -> None:
    line = '{"companyId":"17","message":{"companyId":"18"},"msg":"opened connection to WA"}\n'
    assert facts(line) == [("StreamOpened", "17")]
    dotted = '{"tenant":{"id":"17"},"key":{"id":"18"},"id":"19","msg":"opened connection to WA"}\n'
    assert facts(dotted, Attribution(field="tenant.id")) == [("StreamOpened", "17")]


def test_a_name_that_looks_like_a_company_does_not_win_over_the_real_one() -> None:
    pattern = Attribution(pattern=r"company_(?P<company>\d+)")
    assert facts("[company_17] Connection Closed\n", pattern) == [("StreamClosed", "17")]
    assert facts("[company_17] Connection Closed for company_17\n", pattern) == [("StreamClosed", "17")]
    assert facts("Connection Closed: company_18 [company_17]\n", pattern) == [("StreamClosed", None)]


@pytest.mark.parametrize("name", ["x" * 129, "\x1b[31m17", "17\u202e", "17\x9b2J"])
def test_a_company_that_is_no_name_is_nobody(name: str) -> None:
    assert facts(f"<{name}> Connection Closed\n", Attribution(pattern="<(?P<company>[^>]*)>")) in (
        [("StreamClosed", None)],
        [("StreamClosed", "17")],  # colours are taken off every line
    )


def closes(text: str) -> list[StreamClosed]:
    return [fact for fact in told(FIELD, [text.encode()]) if isinstance(fact, StreamClosed)]


@pytest.mark.parametrize(
    "words", ["Session of Bob: device_removed", "Session logged out", "Connection Closed, code: 401"]
)
def test_words_that_name_nobody_prove_nothing_about_a_company(words: str) -> None:
    for text in (UPDATE + words + "\n", words + "\n" + UPDATE):
        found = {fact.company: fact.kind for fact in closes(text)}
        assert found["17"] in (CloseKind.OTHER, CloseKind.LOST), text


def test_words_that_name_nobody_still_repeat_what_a_company_told() -> None:
    told_fully = 'APP {"companyId":"17","connection":"close","lastDisconnect":{"statusCode":428}}\n'
    (fact,) = closes(told_fully + "Connection Closed, code: 428\n")
    assert (fact.company, fact.code) == ("17", 428)


# --- bytes ------------------------------------------------------------------------------------------------------------


def endless(size: int, byte: bytes) -> Iterator[bytes]:
    chunk = byte * 131_072
    for _ in range(size // len(chunk)):
        yield chunk


@pytest.mark.parametrize("byte", [b"x", b"\x00", b"{", b"\xff", b"aiting for message "[:1]])
def test_a_line_of_a_hundred_megabytes_costs_little_and_the_next_one_is_seen(byte: bytes) -> None:
    parser = LogParser(FIELD)
    tracemalloc.start()
    for chunk in endless(100 << 20, byte):
        assert parser.feed(chunk) == []
    assert parser.pending <= MAX_LINE
    seen = parser.feed(b"\n" + OPENED.encode())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20
    assert [one.company for one in seen] == ["17"]


@pytest.mark.asyncio
async def test_the_tailer_passes_a_line_of_a_hundred_megabytes(tmp_path: Path) -> None:
    path, clock, seen = tmp_path / "out.log", VirtualClock(), list[Any]()
    path.write_text("old\n")
    tailer = LogTailer(clock, seen.append)
    tailer.set_files([LogFile(path, "gw", FIELD)])
    await tailer.poll()
    with path.open("ab") as file:
        file.truncate(100 << 20)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + OPENED.encode())
    looks = 1
    while await tailer.poll():
        looks += 1
    clock.step_to(clock.monotonic() + 10.0)
    await tailer.poll()
    assert 2 <= looks <= 20
    assert [fact.company for fact in seen if isinstance(fact, StreamOpened)] == ["17"]


def test_a_restart_inside_a_line_that_was_too_long_does_not_begin_a_line_there(tmp_path: Path) -> None:
    path = tmp_path / "out.log"
    path.write_bytes(b"old\n")
    first = Follower(path)
    list(first.read(0.0))
    parser = LogParser(FIELD)
    with path.open("ab") as file:
        file.write(b"x" * (2 * MAX_LINE))
    for piece in first.read(1.0):
        assert isinstance(piece, bytes)
        parser.feed(piece)
    place = first.position(parser.pending, 0.0)
    first.close()
    assert place is not None
    with path.open("ab") as file:
        file.write((REMOVED % "18").encode() + b"\n" + OPENED.encode())
    second = Follower(path, Position.from_json(json.loads(json.dumps(place.to_json()))))
    assert b"".join(piece for piece in second.read(2.0) if isinstance(piece, bytes)) == OPENED.encode()
    second.close()


NOT_TEXT = [
    b"\xff\xfe\x00",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\x00" * 50,
    b"\x1b[2J\x1b]0;x\x07",
    "‮🜏".encode(),
    b"\xf0\x9f",
]


@pytest.mark.parametrize("noise", NOT_TEXT)
def test_bytes_that_are_no_text_hide_nothing_and_break_nothing(noise: bytes) -> None:
    lines = noise + b"\n" + OPENED.encode() + noise + b" [17] Connection Closed" + noise + b"\n" + OPENED.encode()
    kinds = [name for name, _ in facts(lines)]
    assert kinds.count("StreamOpened") == 2
    quoted = bytes(byte for byte in noise if byte >= 32)
    record = b'{"companyId":"17","x":"' + quoted + b'","msg":"opened connection to WA"}\n'
    assert facts(record) == [("StreamOpened", "17")]


def test_a_company_log_named_with_odd_bytes_is_left_alone(tmp_path: Path) -> None:
    for name in (b"17", b"\xff\xfe", b"a\nb", b"\x1b[2J", b"99"):
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/gw-" + name + b".log"))).write_text("old\n")
    os.mkfifo(tmp_path / "gw-18.log")
    logs = (LogTable(path=f"{tmp_path}/gw-{{company}}.log"),)
    table = GatewayTable(dialect="ai-admin", url="http://h", logs=logs)
    sites = SimpleNamespace(
        settings=SimpleNamespace(gateways={"main": table}), companies=lambda _name: ["17", "18", "later"]
    )

    async def keep() -> bool:
        return True

    files = list(LogFiles(cast(Sites, sites), lambda _fact: None, VirtualClock(), MemoryJournal(), keep)._files())
    assert [(file.path.name, file.attribution.company) for file in files] == [
        ("gw-17.log", "17"), ("gw-18.log", "18"), ("gw-later.log", "later"),
    ]  # fmt: skip


@pytest.mark.asyncio
async def test_a_log_that_is_a_pipe_a_folder_or_a_device_is_named_and_not_waited_for(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("pipe", "folder", "device", "loop", "good")]
    os.mkfifo(paths[0])
    paths[1].mkdir()
    paths[2].symlink_to("/dev/zero")
    paths[3].symlink_to(paths[3])
    paths[4].write_text("")
    seen: list[LogFact] = []
    tailer = LogTailer(VirtualClock(), cast(Any, seen.append))
    tailer.set_files([LogFile(path, "gw", FIELD) for path in paths])
    await tailer.poll()
    paths[4].write_text(OPENED)
    await tailer.poll()
    assert set(tailer.problems()) == {str(path) for path in paths[:4]}
