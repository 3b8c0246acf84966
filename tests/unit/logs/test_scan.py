from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.logs.attribution import Attribution
from baileykeep.logs.lines import MAX_LINE
from baileykeep.logs.scan import COUNTS, Report, Scanner, scan_files
from tests.unit.logs.samples import EXPECTED, FIXTURES, PAIRS

HEADER = "Failed to decrypt message with any known session...\n"
BAD_MAC = "Session error:Error: Bad MAC Error: Bad MAC\n    at async {address} [as awaitable] (x.js:1:1)\n"
COUNTER = (
    "Session error:MessageCounterError: Key used already or never filled\n    at {address} [as awaitable] (x.js:1:1)\n"
)
ANNA, BERT, LID = "4915122222222.0", "4915133333333.0", "100000000000555_1.0"


def numbers(report: Report) -> dict[str, int]:
    return {name: count for name, count in report.total.numbers.items() if count}


def scan(*streams: str | bytes, attribution: Attribution | None = None) -> Report:
    scanner = Scanner(attribution)
    for stream in streams:
        scanner.read([stream.encode() if isinstance(stream, str) else stream])
    return scanner.report()


def failed(user: str, reason: str = "No matching sessions found for message", company: str = "") -> str:
    owner = f'"companyId":"{company}",' if company else ""
    return (
        f'{{{owner}"key":{{"remoteJid":"{user}"}},"err":{{"message":"{reason}"}},"msg":"failed to decrypt message"}}\n'
    )


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_real_log(name: str) -> None:
    path = FIXTURES / name
    report = scan_files([path])
    assert numbers(report) == dict(EXPECTED[name])
    assert report.lines == len(path.read_bytes().splitlines())
    assert report.companies == {}


def test_the_table_names_every_file() -> None:
    files = {str(path.relative_to(FIXTURES)) for path in FIXTURES.glob("logs-v*/*") if path.is_file()}
    assert files == set(EXPECTED)
    stems = {path.name.removesuffix(".stderr.log") for path in FIXTURES.glob("logs-v*/*.stderr.log")}
    assert stems == set(PAIRS)


@pytest.mark.parametrize("generation", ["v6", "v7"])
@pytest.mark.parametrize("stem", sorted(PAIRS))
@pytest.mark.parametrize("first", ["stdout", "stderr"])
def test_every_pair_of_streams(generation: str, stem: str, first: str) -> None:
    other = "stderr" if first == "stdout" else "stdout"
    paths = [FIXTURES / f"logs-{generation}" / f"{stem}.{stream}.log" for stream in (first, other)]
    assert numbers(scan_files(paths)) == dict(PAIRS[stem])


def test_contacts_and_codes() -> None:
    v7 = FIXTURES / "logs-v7"
    assert scan_files([v7 / "20-auth-sample.stdout.log"]).total.contacts == {
        "100000000000222_1.0": 1,
        "4915177777777.0": 1,
    }
    assert scan_files([v7 / "10-device-removed.stdout.log"]).total.codes == {401: 1}
    assert scan_files([v7 / "32-prekeylow.stdout.log"]).total.codes == {515: 1, 408: 1}
    assert scan_files([v7 / "02-badmac-rollback.stdout.log"]).total.pre_keys_on_server == 810


def test_a_rotated_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "out.log.1.gz"
    path.write_bytes(gzip.compress((FIXTURES / "logs-v6/10-device-removed.stdout.log").read_bytes()))
    assert numbers(scan_files([path])) == {"opened": 1, "device_removed": 1}


def test_forty_blocks_are_one_failure() -> None:
    report = scan(HEADER + BAD_MAC.format(address=ANNA) * 40)
    assert numbers(report) == {"decrypt_failures": 1, "bad_mac": 1}
    assert report.total.contacts == {ANNA: 1}


def test_one_counter_error_among_bad_macs_is_a_duplicate() -> None:
    text = HEADER + BAD_MAC.format(address=ANNA) + COUNTER.format(address=ANNA) + BAD_MAC.format(address=ANNA)
    assert numbers(scan(text)) == {"duplicates": 1}


def test_blocks_of_two_writers_interleave() -> None:
    text = HEADER + HEADER + BAD_MAC.format(address=ANNA) + COUNTER.format(address=BERT)
    report = scan(text)
    assert numbers(report) == {"decrypt_failures": 1, "bad_mac": 1, "duplicates": 1}
    assert report.total.contacts == {ANNA: 1}


def test_interleaved_blocks_do_not_lose_a_contact() -> None:
    text = HEADER + HEADER + BAD_MAC.format(address=ANNA) * 2 + BAD_MAC.format(address=BERT)
    assert scan(text).total.contacts == {ANNA: 1, BERT: 1}


def test_lines_of_others_between_the_blocks_change_nothing() -> None:
    noise = '{"level":30,"msg":"handled 0 offline messages/notifications"}\nhello\n'
    text = HEADER + noise + noise.join((BAD_MAC.format(address=ANNA) * 3).splitlines(keepends=True))
    assert numbers(scan(text)) == {"decrypt_failures": 1, "bad_mac": 1}


def test_a_header_whose_stack_was_cut_still_tells_its_reason() -> None:
    assert numbers(scan(HEADER + "Session error:Error: Bad MAC Error: Bad MAC\n")) == {
        "decrypt_failures": 1,
        "bad_mac": 1,
    }
    assert numbers(scan(HEADER)) == {"decrypt_failures": 1}


def test_a_cut_stack_does_not_shift_the_reasons() -> None:
    cut = HEADER + "Session error:Error: Bad MAC Error: Bad MAC\n"
    assert numbers(scan(cut + HEADER + COUNTER.format(address=ANNA))) == {
        "decrypt_failures": 1,
        "bad_mac": 1,
        "duplicates": 1,
    }


def test_a_cut_stack_does_not_give_a_contact_to_the_wrong_failure() -> None:
    cut = HEADER + "Session error:Error: Bad MAC Error: Bad MAC\n"
    report = scan(cut + HEADER + COUNTER.format(address=ANNA) + HEADER + BAD_MAC.format(address=BERT))
    assert report.total.contacts == {BERT: 1}


def test_a_block_without_its_header_is_not_a_failure() -> None:
    assert numbers(scan(BAD_MAC.format(address=ANNA) * 5)) == {}


def test_halves_match_per_contact_in_order() -> None:
    console = "".join(HEADER + BAD_MAC.format(address=one) for one in (ANNA, BERT, ANNA))
    records = failed("4915133333333@s.whatsapp.net") + failed("4915122222222:0@s.whatsapp.net") * 3
    assert numbers(scan(console, records)) == {"decrypt_failures": 4, "bad_mac": 3}


def test_a_lid_and_a_phone_number_may_be_one_contact() -> None:
    console = HEADER + BAD_MAC.format(address=LID)
    report = scan(console, failed("4915155555555@s.whatsapp.net"))
    assert numbers(report) == {"decrypt_failures": 1, "bad_mac": 1}
    assert report.total.contacts == {LID: 1}


def test_two_phone_numbers_are_two_contacts() -> None:
    console = HEADER + BAD_MAC.format(address=ANNA)
    assert numbers(scan(console, failed("4915133333333@s.whatsapp.net"))) == {"decrypt_failures": 2, "bad_mac": 1}


def test_other_reasons_have_no_header_and_do_not_join_one() -> None:
    console = HEADER + BAD_MAC.format(address=ANNA)
    record = failed("4915122222222@s.whatsapp.net", "Invalid PreKey ID")
    assert numbers(scan(console, record)) == {"decrypt_failures": 2, "bad_mac": 1}


def test_a_group_message_names_the_participant() -> None:
    line = (
        '{"key":{"remoteJid":"120363000000000002@g.us","participant":"100000000000666:3@lid"},'
        '"err":{"message":"No session found to decrypt message"},"msg":"failed to decrypt message"}\n'
    )
    assert scan(line).total.contacts == {"100000000000666_1.3": 1}


def test_the_records_company_names_the_failure() -> None:
    console = HEADER + BAD_MAC.format(address=ANNA) + HEADER + COUNTER.format(address=BERT)
    records = failed("4915122222222@s.whatsapp.net", company="17") + failed("4915133333333@lid", company="18")
    report = scan(records, console, attribution=Attribution(field="companyId"))
    assert report.companies["17"].numbers["bad_mac"] == 1
    assert report.companies["17"].contacts == {ANNA: 1}
    assert report.companies["18"].numbers["duplicates"] == 1
    assert report.total.numbers["decrypt_failures"] == 1


STREAM = '{"node":{"tag":"stream:error","attrs":{"code":"%s"}},"msg":"stream errored out"}\n'
TRACE = '{"trace":"Error: Stream Errored (unknown)\\n at x","msg":"connection errored"}\n'
UPDATE = 'APP connection.update {"connection":"close","lastDisconnect":{"message":"x","statusCode":%s}}\n'
REMOVED = (
    '{"fullErrorNode":{"attrs":{"code":"401"}},"reasonNode":{"tag":"conflict","attrs":{"type":"device_removed"}},'
    '"msg":"stream errored out"}\n'
)
OPEN = '{"msg":"opened connection to WA"}\n'


def test_the_lines_of_a_close_come_in_any_order() -> None:
    assert numbers(scan(TRACE + UPDATE % 503 + STREAM % 503)) == {"drops": 1}
    assert numbers(scan(UPDATE % 503 + TRACE + "connection closed, code: 503\n" + STREAM % 503)) == {"drops": 1}


def test_two_closes_are_two_also_when_no_opening_was_logged() -> None:
    assert numbers(scan(STREAM % 503 * 3)) == {"drops": 3}
    assert numbers(scan((STREAM % 503 + TRACE + UPDATE % 503) * 3)) == {"drops": 3}


def test_lines_that_contradict_each_other_tell_of_two_closes() -> None:
    report = scan(STREAM % 515 + TRACE + UPDATE % 503)
    assert report.total.codes == {515: 1, 503: 1}


def test_hand_written_words_repeat_themselves_until_the_next_opening() -> None:
    words = "Connection closed, reconnecting\n"
    assert numbers(scan(words * 3)) == {"drops": 1}
    assert numbers(scan(words * 2 + OPEN + words)) == {"drops": 2, "opened": 1}


def test_words_on_standard_error_tell_of_the_close_on_standard_output() -> None:
    words = "Session 17 was logged out\n"
    assert numbers(scan(REMOVED, "device_removed: session closed\n")) == {"device_removed": 1}
    assert numbers(scan(UPDATE % 401, words)) == {"logged_out": 1}
    assert numbers(scan(words, UPDATE % 503)) == {"logged_out": 1, "drops": 1}


def test_each_close_on_standard_output_accounts_for_one_on_standard_error() -> None:
    words = "Connection closed, reconnecting\n"
    assert numbers(scan(UPDATE % 503, words + OPEN + words)) == {"drops": 2, "opened": 1}


@pytest.mark.parametrize(("word", "count"), [("replaced", "replaced"), ("device_removed", "device_removed")])
def test_the_type_of_a_conflict_is_enough(word: str, count: str) -> None:
    node = {"tag": "conflict", "attrs": {"type": word}}
    for error in ({"error": {"data": node}}, {"data": {"tag": "stream:error", "content": [node]}}):
        update = {"connection": "close", "lastDisconnect": error}
        assert numbers(scan("APP connection.update " + json.dumps(update))) == {count: 1}


def test_an_errored_connection_may_carry_its_code() -> None:
    line = '{"error":{"output":{"statusCode":440}},"msg":"connection errored"}\n'
    assert numbers(scan(line)) == {"replaced": 1}


def test_the_word_for_a_dead_login_is_refined_by_its_type() -> None:
    assert numbers(scan("Connection closed: loggedOut\n" + REMOVED)) == {"device_removed": 1}


def test_the_three_kinds_of_408() -> None:
    def trace(text: str) -> str:
        return f'{{"trace":"Error: {text}\\n at x","msg":"connection errored"}}\n' + UPDATE % 408

    assert numbers(scan(trace("Connection was lost"))) == {"drops": 1}
    assert numbers(scan(trace("QR refs attempts ended"))) == {"qr_ended": 1}
    assert numbers(scan(trace("WebSocket Error (connect ECONNREFUSED 127.0.0.1:1)"))) == {"connect_errors": 1}


def test_a_stale_sessions_dump_is_not_a_renegotiation() -> None:
    stale = "Closing stale open session for new outgoing prekey bundle\nClosing session: SessionEntry {\n}\n"
    fresh = "Closing open session in favor of incoming prekey bundle\nClosing session: SessionEntry {\n}\n"
    assert numbers(scan(stale * 3)) == {"stale_session": 3}
    assert numbers(scan(stale * 2 + fresh)) == {"stale_session": 2, "renegotiations": 1}


@pytest.mark.parametrize("prefix", ["2026-11-20T08:46:42: ", "20-11-2026 08:46:42.123: ", "0|gw  | ", "08:46:42 "])
def test_what_a_process_manager_puts_before_each_line(prefix: str) -> None:
    for stem, expected in PAIRS.items():
        streams = [(FIXTURES / f"logs-v7/{stem}.{stream}.log").read_text() for stream in ("stdout", "stderr")]
        marked = ["".join(prefix + line for line in text.splitlines(keepends=True)) for text in streams]
        assert numbers(scan(*marked)) == dict(expected)
    removed = (FIXTURES / "logs-v7/10-device-removed.stdout.log").read_text().splitlines(keepends=True)
    assert numbers(scan("".join(prefix + line for line in removed))) == {"opened": 1, "device_removed": 1}


@pytest.mark.parametrize("burst", [1, 7])
def test_lines_that_a_process_manager_wraps_in_json(burst: int) -> None:
    def wrapped(text: str) -> Iterator[str]:
        lines = text.splitlines(keepends=True)
        for start in range(0, len(lines), burst):
            message = "".join(lines[start : start + burst])
            yield json.dumps(
                {"message": message, "timestamp": "2026-11-20T08:46:42", "process_id": 0, "app_name": "gw"}
            )

    for name in ("03-badmac-corrupt.stdout.log", "03-badmac-corrupt.stderr.log", "10-device-removed.stdout.log"):
        text = "\n".join(wrapped((FIXTURES / "logs-v6" / name).read_text()))
        assert numbers(scan(text)) == dict(EXPECTED[f"logs-v6/{name}"])


def test_what_customers_write_never_counts() -> None:
    said = [
        HEADER.strip(),
        "Connection replaced",
        "device_removed",
        '{"msg":"stream errored out"}',
        "waiting for message",
    ]
    lines = [f"APP messages.upsert {json.dumps({'text': text})}" for text in said]
    lines += [json.dumps({"level": 20, "msg": f"incoming message: {text}"}) for text in said]
    lines += [json.dumps({"level": 20, "text": text, "msg": "recv"}) for text in said]
    lines += [f'text from 49151: "{text}"' for text in said]
    assert numbers(scan("\n".join(lines))) == {}


def test_a_huge_line_is_skipped_in_bounded_memory_and_the_next_one_read() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"Connection replaced "
        for _ in range(20):
            yield b"x" * (MAX_LINE // 4)
        yield b"\nConnection replaced\n"

    scanner = Scanner()
    scanner.read(chunks())
    report = scanner.report()
    assert numbers(report) == {"replaced": 1}
    assert report.lines == 2


def test_a_huge_line_is_skipped_in_one_chunk_too() -> None:
    assert numbers(scan("Connection replaced " + "x" * MAX_LINE + "\nhello\n")) == {}


def test_a_last_line_without_its_end_counts() -> None:
    report = scan("hello\nConnection replaced")
    assert (report.lines, numbers(report)) == (2, {"replaced": 1})


def test_every_count_has_a_name() -> None:
    named = {name for counts in (*EXPECTED.values(), *PAIRS.values()) for name in counts}
    assert named <= set(COUNTS)


NAMES = sorted(name for name in EXPECTED if "50-stale" not in name)


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(NAMES), cuts=st.lists(st.integers(0, 20_000), max_size=40))
def test_any_chunking_gives_the_same(name: str, cuts: list[int]) -> None:
    data = (FIXTURES / name).read_bytes()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    scanner = Scanner()
    scanner.read(data[start:end] for start, end in itertools.pairwise(edges))
    report = scanner.report()
    assert numbers(report) == dict(EXPECTED[name])
    assert report.lines == len(data.splitlines())


TELLING = [
    *[b"\n", b"{", b"}", b'"', b"[[[[[[", b'{"msg":', HEADER.encode(), BAD_MAC.format(address=ANNA).encode()],
    *[b"stream errored out", b'"node":[', b'"connection":"close","lastDisconnect":', b"\xff\xfe", b"\x00", b"\r"],
    *[failed("x@y").encode(), (UPDATE % "[]").encode(), (STREAM % "9" * 50).encode(), b"QR code received"],
    *[b'{"message":"\\n\\n{","app_name":1}\n', b'{"time":1e400,"msg":"opened connection to WA"}\n'],
]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=40) | st.sampled_from(TELLING), max_size=30))
def test_arbitrary_bytes_never_raise(fragments: list[bytes]) -> None:
    attribution = Attribution(field="a.b", pattern=r"c(?P<company>\d+)")
    scanner = Scanner(attribution)
    scanner.read(fragments)
    whole = scan(b"".join(fragments), attribution=attribution)
    assert scanner.report() == whole


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["conflict", "408"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["attrs", "code", "content", "tag", "type", "error", "output", "data"]), inner
        )
    ),
    max_leaves=8,
)
FIELDS = ["key", "err", "error", "node", "fullErrorNode", "trace", "count", "update", "data", "lastDisconnect", "time"]
SAYINGS = ["failed to decrypt message", "stream errored out", "connection errored", "recv pre-key count", "update"]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(SAYINGS), st.dictionaries(st.sampled_from(FIELDS), JSON), st.sampled_from(["close", "open", None])
)
def test_records_of_any_shape_never_raise(said: str, fields: dict[str, object], state: str | None) -> None:
    record = {"msg": said, "connection": state, **fields}
    text = json.dumps(record) + "\nAPP x " + json.dumps({**fields, "connection": state})
    assert scan(text, attribution=Attribution("key.id")).lines == 2
