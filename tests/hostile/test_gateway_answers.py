"""Gateways that answer too much, too slowly, never, elsewhere, or with something else than what was asked for."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.clock import VirtualClock
from baileykeep.gateways.answers import LONGEST_SECRET, Reader, secret_text
from baileykeep.gateways.base import SessionStatus
from baileykeep.gateways.dialect import dialect_names, load_dialect
from baileykeep.gateways.hearing import Ear, Taken
from baileykeep.gateways.http import ANSWER_BYTES, BULK_BYTES
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, Problem
from tests.fakes.http_gateway import Answer, FakeHttp, fake_http
from tests.unit.gateways.test_http import KEY, QR, STATUS, connected

pytestmark = pytest.mark.timeout(30)
PHONE = "4915112345678"
CALLS: dict[str, tuple[Any, ...]] = {
    "status": ("2",), "status_all": (), "reconnect": ("2",), "stop": ("2",), "start": ("2",), "qr": ("2",),
    "pairing_code": ("2", PHONE),
}  # fmt: skip


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(200 << 20))


async def problem_of(fake: FakeHttp, call: str, **changes: Any) -> GatewayError | None:
    gateway = connected(fake, **changes)
    error = None
    try:
        await getattr(gateway, call)(*CALLS[call])
    except GatewayError as found:
        error = found
    await gateway.aclose()
    return error


def told(error: GatewayError | None) -> str:
    """Everything that an error shows."""
    chain: list[str] = []
    found: BaseException | None = error
    while found is not None:
        chain += [str(found), repr(found)]
        found = found.__cause__
    return " ".join(chain)


@pytest.mark.asyncio
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [302, 307])
async def test_a_redirect_is_not_followed_and_the_key_stays_here(call: str, status: int) -> None:
    async with fake_http(default=Answer.of({"connected": True})) as elsewhere:
        head = f"HTTP/1.1 {status} X\r\nLocation: {elsewhere.url}/x?key={KEY}\r\nContent-Length: 0\r\n\r\n"
        async with fake_http(default=Answer(raw=head.encode())) as fake:
            error = await problem_of(fake, call)
    assert error is not None
    assert error.code == Problem.BAD_ANSWER
    assert elsewhere.requests == []
    assert KEY not in told(error)


@pytest.mark.asyncio
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("length", [True, False])
async def test_an_answer_without_end_is_cut_off(call: str, length: bool) -> None:
    size = 2 * (BULK_BYTES if call == "status_all" else ANSWER_BYTES)
    head = f"HTTP/1.1 200 X\r\n{f'Content-Length: {1 << 40}' if length else 'Connection: close'}\r\n\r\n"
    async with fake_http(default=Answer(raw=head.encode() + b"[" * size)) as fake:
        tracemalloc.start()
        error = await problem_of(fake, call)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert error is not None
    assert error.code == Problem.BAD_ANSWER
    assert peak < 6 * size


@pytest.mark.asyncio
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_a_compressed_bomb_is_not_unpacked(encoding: str) -> None:
    body = bomb()
    head = f"HTTP/1.1 200 X\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    async with fake_http(default=Answer(raw=head.encode() + body)) as fake:
        tracemalloc.start()
        error = await problem_of(fake, "status")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert error is not None
    assert error.code == Problem.BAD_ANSWER
    assert peak < 8 << 20


@pytest.mark.asyncio
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("how", ["hang", "drip", "drip headers"])
async def test_an_answer_that_never_ends_meets_the_deadline(call: str, how: str) -> None:
    raw = {
        "hang": None,
        "drip": b"HTTP/1.1 200 X\r\nContent-Length: 99999\r\n\r\n",
        "drip headers": b"HTTP/1.1 200 X\r\nA: ",
    }
    async with fake_http(default=Answer(raw=raw[how], hang=how == "hang", drip=how != "hang")) as fake:
        error = await problem_of(fake, call, connect_timeout_s=0.05, read_timeout_s=0.05, pairing_code_timeout_s=0.05)
    assert error is not None
    assert error.code == Problem.TIMEOUT


ODD_BODIES = {
    "nothing": b"", "no json": b"{", "a page": b"<html>", "deep": b"[" * 200_000, "long number": b"9" * 9000,
    "not text": b"\xff\xfe{}", "a mark": b"\xef\xbb\xbf{}", "null": b"null", "nan": b"NaN", "zeros": b"\x00" * 100,
    "a word": b'"connected"', "two values": b"{} {}", "lone surrogate": b'{"status":{"connected":"\\ud800"}}',
}  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ODD_BODIES)
@pytest.mark.parametrize("kind", ["application/json", "image/png"])
async def test_an_answer_of_another_kind_is_a_bad_answer(name: str, kind: str) -> None:
    async with fake_http(default=Answer(200, ODD_BODIES[name], kind)) as fake:
        for call in ("status", "status_all", "qr", "pairing_code"):
            error = await problem_of(fake, call)
            if error is None:
                assert call == "qr"  # there is none yet
            else:
                assert error.code == Problem.BAD_ANSWER, (call, error)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"\x00" * 5000,
        b"HTTP/9.9 200 X\r\n\r\n",
        b"HTTP/1.1 20000000000 X\r\n\r\n",
        b"HTTP/1.1 200 X\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n123456",
        b"HTTP/1.1 200 X\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 100 X\r\n\r\n" * 1000,
        b"HTTP/1.1 200 X\r\nA: " + b"a" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n",
    ],
)
async def test_what_is_no_http_is_a_gateway_error(raw: bytes) -> None:
    async with fake_http(default=Answer(raw=raw)) as fake:
        error = await problem_of(fake, "status", connect_timeout_s=0.2, read_timeout_s=0.2)
    assert isinstance(error, GatewayError)


ECHOES = (
    {"error": f"invalid apikey {KEY}"}, {"success": False, "message": f"got {KEY} instead"}, {"error": KEY},
    {"error": True, "message": [KEY]}, {"status": {"connected": KEY}}, {"message": f"Bearer {KEY.upper()} {KEY}"},
)  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("status", [200, 400])
async def test_a_gateway_that_echoes_our_key_does_not_get_it_told(call: str, status: int) -> None:
    for echo in ECHOES:
        async with fake_http(default=Answer.of(echo, status)) as fake:
            error = await problem_of(fake, call)
        assert KEY not in told(error)


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ["2@" + "x" * 5000, "2@a\x1b[2J", "2@a\nb", "2@\u202e", 5, ["2@x"], {"a": 1}, True])
async def test_what_is_no_qr_and_no_code_is_not_handed_on(text: Any) -> None:
    async with fake_http(default=Answer.of({"qr": text, "code": text, "pairingCode": text})) as fake:
        for call in ("qr", "pairing_code"):
            error = await problem_of(fake, call)
            assert error is not None, call
            assert error.code == Problem.BAD_ANSWER
        assert await problem_of(fake, "start") is None  # the session is started, whatever its answer holds
    async with fake_http({STATUS: QR}, default=QR) as fake:
        assert await problem_of(fake, "qr") is None


def _keys() -> st.SearchStrategy[str]:
    words = (
        "status connected state code qr hasQR authPaired hasSocket sessionState sessions data id error message success "
        "instance companyId statusCode organization_id qr_code pairingCode"
    )
    return st.sampled_from(words.split()) | st.text(max_size=5)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["open", "401"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys(), inner, max_size=5),
    max_leaves=20,
)


@contextmanager
def bad_answer() -> Iterator[None]:
    """Nothing but a gateway's error may come out."""
    error = None
    try:
        yield
    except GatewayError as found:
        error = found
    assert error is None or error.code in (Problem.BAD_ANSWER, Problem.SERVER_ERROR)
    assert str(error).isprintable()


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_any_json_is_taken_or_dropped_by_whoever_hears_webhooks(value: Any, event: Any) -> None:
    ear = Ear(load_dialect("fazer-ai"), "{company}", KEY, 60.0, VirtualClock())
    told = {"webhookVerifyToken": KEY, "event": "connection.update", "data": value}
    for body in (value, told, {**told, "event": event}):
        taken, ident = ear.take(json.dumps(body).encode(), "2", {"2"}.__contains__)
        assert (taken is Taken.TAKEN) == (ident == "2")
    assert isinstance(ear.status("2").state, ConnState)


@settings(max_examples=150, deadline=None)
@given(JSON, st.sampled_from(dialect_names()))
def test_any_json_is_a_status_or_a_bad_answer(value: Any, name: str) -> None:
    dialect = load_dialect(name)
    reader = Reader(dialect)
    found: list[SessionStatus] = []
    with bad_answer():
        found.extend([reader.status(value, "here")] if dialect.status else ())
    with bad_answer():
        found.extend(reader.bulk(value, "{company}", "here").values() if dialect.bulk else ())
    with bad_answer():
        reader.refuse_failures(value, None, "here")
    with bad_answer():
        secret_text(value, "here")
    for status in found:
        assert isinstance(status.state, ConnState)
        assert status.paired in (None, True, False)
        assert status.code is None or 0 <= status.code < 1_000_000


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=LONGEST_SECRET + 5))
def test_a_secret_text_is_short_and_printable_or_refused(text: str) -> None:
    try:
        found = secret_text(text, "here")
    except GatewayError:
        found = None
        assert len(text) > LONGEST_SECRET or not text.isprintable() or text.startswith("data:")
    assert found is None or (found.isprintable() and len(found) <= LONGEST_SECRET)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_words_of_a_refusal_are_short_printable_and_without_numbers(raw: bytes) -> None:
    reader = Reader(load_dialect("ai-admin"))
    for body in (raw, json.dumps({"message": raw.decode("latin-1"), "error": True}).encode()):
        words = reader.words(body)
        assert words.isprintable()
        assert len(words) <= 120
