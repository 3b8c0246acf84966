"""What every gateway dialect must hold to. A dialect without recorded answers in `fixtures/gateways` fails."""

from __future__ import annotations

import json
import ssl
import subprocess
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from baileykeep.clock import FastClock, VirtualClock
from baileykeep.gateways.base import Capabilities, SessionStatus, TellsWebhook
from baileykeep.gateways.dialect import BUILT_IN, FILES, dialect_names, load_dialect
from baileykeep.gateways.hearing import Ear, Taken
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.gateways.keys import auth_header
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, Problem
from tests.fakes.http_gateway import Answer, FakeHttp, Reply, fake_http

RECORDED = Path(__file__).parent.parent / "fixtures" / "gateways"
"""A case is one call: the `request` (or the `exchange` of several), the `answer` (with `code_sent`, else 200), and what
becomes of it: `state` and its companions, `all`, `text`, `settings` or a `problem`. `source` tells where it is from."""

KEY = "salon:k3y-of-the-tests"
PHONE = "4915100000001"
DIALECTS = dialect_names()
WITHOUT_SIGN = [name for name in DIALECTS if load_dialect(name).errors.unknown is None]
"""Dialects that cannot tell an unknown session by more than a 404 with a JSON body."""

STOPPING = [name for name in DIALECTS if load_dialect(name).capabilities.stop]
ACTIONS = ("reconnect", "stop", "start", "force_relink", "reset", "clear_cache")


def recording(dialect: str) -> dict[str, Any]:
    path = RECORDED / f"{dialect}.toml"
    assert path.is_file(), f"record what {dialect} answers in {path}"
    return tomllib.loads(path.read_text())


def cases(dialect: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = recording(dialect)["case"]
    return found


def exchange(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The requests that one call makes, each with its answer."""
    return case.get("exchange") or [case]


def served(case: dict[str, Any]) -> dict[str, Reply]:
    """The routes of a gateway that answers as it is recorded."""
    return {one["request"]: Answer(one.get("code_sent", 200), one["answer"].encode()) for one in exchange(case)}


ALL_CASES = [
    pytest.param(name, case, id=f"{name}-{n}-{case['call']}")
    for name in DIALECTS
    if (RECORDED / f"{name}.toml").is_file()
    for n, case in enumerate(cases(name))
    if case["call"] != "webhook"
]
ASKED = [name for name in DIALECTS if load_dialect(name).status is not None]
TOLD = [name for name in DIALECTS if load_dialect(name).webhook is not None]
"""Dialects of gateways that cannot be asked for a state, but tell it."""


def looks(dialect: str) -> str:
    """The call that changes nothing."""
    return "status" if dialect in ASKED else "alive"


def gateway_to(url: str, dialect: str, **changes: Any) -> HttpGateway:
    known: dict[str, Any] = {"key": KEY, "keys": {"2": KEY}, "connect_timeout_s": 2, "read_timeout_s": 2, **changes}
    spec = GatewaySpec(name="gw", url=url, **known)
    return HttpGateway(spec, load_dialect(dialect), FastClock(1000))


@asynccontextmanager
async def speaking(dialect: str, answer: Answer) -> AsyncIterator[tuple[HttpGateway, FakeHttp]]:
    """A gateway that gives the same answer to everything, and our side of it."""
    async with fake_http(default=answer) as fake:
        gateway = gateway_to(fake.url, dialect)
        try:
            yield gateway, fake
        finally:
            await gateway.aclose()


async def ask(gateway: HttpGateway, call: str) -> Any:
    if call == "bulk_status":
        return await gateway.status_all()
    if call == "alive":
        return await gateway.alive()
    if call == "force_relink":
        return await gateway.start("2", force_relink=True)
    if call == "pairing_code":
        return await gateway.pairing_code("2", PHONE)
    if call == "webhook_settings":
        assert isinstance(gateway, TellsWebhook)
        return await gateway.webhook_settings("2")
    return await getattr(gateway, call)("2")


async def problem_of(gateway: HttpGateway, call: str = "status") -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await ask(gateway, call)
    told = f"{caught.value!s} {caught.value!r} {gateway!r}"
    assert KEY not in told
    assert PHONE not in told
    assert "gw" in str(caught.value)
    return caught.value


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_call_of_a_dialect_is_recorded(dialect: str) -> None:
    recorded = {case["call"] for case in cases(dialect)}
    loaded = load_dialect(dialect)
    called = {f.name for f in fields(Capabilities) if loaded.call(f.name) is not None}
    beside = {name for name in ("webhook", "alive") if getattr(loaded, name) is not None}
    assert recorded == called | beside | ({"webhook_settings"} if loaded.calls.webhook else set())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_recording_says_where_it_is_from(dialect: str) -> None:
    whole = recording(dialect)
    assert len(whole["source"]) > 20
    assert all(len(case.get("source", whole["source"])) > 20 for case in whole["case"])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_sign_for_unknown_sessions_is_recorded_beside_an_address_that_leads_nowhere(dialect: str) -> None:
    asked = [case for case in cases(dialect) if case["call"] == "status" and case.get("code_sent", 200) >= 400]
    if load_dialect(dialect).errors.unknown is not None:
        assert {"disconnected", None} == {case.get("state") for case in asked}
        assert any(case.get("problem") == "not_found" for case in asked)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_cannot_be_done_is_said_in_words(dialect: str) -> None:
    loaded = load_dialect(dialect)
    able = {f.name for f in fields(Capabilities) if getattr(loaded.capabilities, f.name)}
    assert able | set(loaded.cannot) - {FILES} == {f.name for f in fields(Capabilities)}


def test_no_recording_is_left_over() -> None:
    assert {path.stem for path in RECORDED.glob("*.toml")} == {path.stem for path in BUILT_IN.glob("*.toml")}


@pytest.mark.asyncio
@pytest.mark.parametrize(("dialect", "case"), ALL_CASES)
async def test_a_recorded_answer_is_understood(dialect: str, case: dict[str, Any]) -> None:
    async with fake_http(served(case)) as fake:
        gateway = gateway_to(fake.url, dialect)
        if "problem" in case:
            assert (await problem_of(gateway, case["call"])).code == case["problem"]
        else:
            check_result(case, await ask(gateway, case["call"]))
        await gateway.aclose()
    check_requests(dialect, case, fake)


def check_requests(dialect: str, case: dict[str, Any], fake: FakeHttp, key: str | None = KEY) -> None:
    expected = [(one["request"], json.loads(one.get("body", "null"))) for one in exchange(case)]
    assert [(f"{r.method} {r.target}", r.json) for r in fake.requests] == expected * case.get("times", 1)
    auth = load_dialect(dialect).auth
    for request in fake.requests:
        sent = auth_header(auth, key)
        assert all(request.headers[name.lower()] == value for name, value in sent.items())


def check_result(case: dict[str, Any], result: Any) -> None:
    if case["call"] == "status":
        assert result == SessionStatus(
            ConnState(case["state"]), case.get("paired"), case.get("code"), case.get("has_qr", False)
        )
    elif case["call"] == "bulk_status":
        assert {company: status.state for company, status in result.items()} == case["all"]
    elif case["call"] == "webhook_settings":
        assert [f"{s.name} ({', '.join(s.hosts)})" if s.hosts else s.name for s in result] == case["settings"]
        assert "s3cret" not in repr(result)
    else:
        assert result == case.get("text")


WRONG_ANSWERS = [
    pytest.param(Answer.of({"message": "no"}, 401), Problem.UNAUTHORIZED, id="401"),
    pytest.param(Answer.of({"message": "no"}, 403), Problem.UNAUTHORIZED, id="403"),
    pytest.param(Answer(404, b"<html>Cannot GET /x</html>", "text/html"), Problem.NOT_FOUND, id="404-page"),
    pytest.param(Answer.of({"message": "boom"}, 500), Problem.SERVER_ERROR, id="500"),
    pytest.param(Answer(502, b"<html>Bad Gateway</html>", "text/html"), Problem.SERVER_ERROR, id="502"),
    pytest.param(Answer.of({"message": "what?"}, 400), Problem.BAD_ANSWER, id="400"),
    pytest.param(Answer(302, b"", "text/html"), Problem.BAD_ANSWER, id="redirect"),
    pytest.param(Answer.of({"error": True, "message": "closed"}), Problem.SERVER_ERROR, id="200-error"),
    pytest.param(Answer(200, b"<html>please log in</html>", "text/html"), Problem.BAD_ANSWER, id="login-page"),
    pytest.param(Answer(200, b'{"status": '), Problem.BAD_ANSWER, id="half-json"),
    pytest.param(Answer(200, b"[" * 100_000), Problem.BAD_ANSWER, id="nested"),
    pytest.param(Answer(200, b'"' + b"x" * (9 << 20) + b'"'), Problem.BAD_ANSWER, id="oversized"),
    pytest.param(Answer(raw=b"\x16\x03garbage\r\n\r\n"), Problem.BAD_ANSWER, id="no-http"),
    pytest.param(Answer(drop=True), Problem.REFUSED, id="dropped"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("answer", "problem"), WRONG_ANSWERS)
async def test_a_wrong_answer_is_a_named_problem_for_every_call(dialect: str, answer: Answer, problem: Problem) -> None:
    async with speaking(dialect, answer) as (gateway, _):
        for call in sorted({case["call"] for case in cases(dialect)} - {"webhook"}):
            if call == "alive" and answer.status == 200 and not answer.raw and not answer.drop:
                continue  # whatever it says, it answers
            assert (await problem_of(gateway, call)).code == problem, call


@pytest.mark.asyncio
@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize("value", [None, [], {}, 7, "connected?", {"status": None}, {"status": {"a": 1}}, [[1], "x"]])
async def test_json_of_another_shape_is_no_state(dialect: str, value: Any) -> None:
    async with speaking(dialect, Answer.of(value)) as (gateway, _):
        assert (await problem_of(gateway)).code == Problem.BAD_ANSWER


@pytest.mark.asyncio
@pytest.mark.parametrize("dialect", sorted(set(ASKED) & set(WITHOUT_SIGN)))
async def test_an_unknown_session_is_disconnected_and_nothing_can_be_done_with_it(dialect: str) -> None:
    async with speaking(dialect, Answer.of({"message": "no such session"}, 404)) as (gateway, _):
        assert await gateway.status("2") == SessionStatus(ConnState.DISCONNECTED)
        for call in ACTIONS:
            expected = Problem.NOT_FOUND if getattr(gateway.capabilities, call) else Problem.NOT_SUPPORTED
            assert (await problem_of(gateway, call)).code == expected


NOWHERE = [
    {"message": "Cannot GET /x", "error": "Not Found", "statusCode": 404},
    {"status": 404, "error": "Not Found", "response": {"message": ["Cannot POST /x"]}},
    {"message": "Route GET:/x not found", "error": "Not Found", "statusCode": 404},
    {"message": "no Route matched with those values"},
    {"error": "Cannot DELETE /instance/2", "message": "instance does not exist"},
]


@pytest.mark.asyncio
@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize("body", NOWHERE)
async def test_an_address_that_leads_nowhere_proves_nothing_about_a_session(dialect: str, body: Any) -> None:
    async with speaking(dialect, Answer.of(body, 404)) as (gateway, _):
        for call in sorted({case["call"] for case in cases(dialect)}):
            error = await problem_of(gateway, call)
            assert error.code == Problem.NOT_FOUND, call
            assert "URL" in error.next_step


LIES = [
    (200, {"error": True, "message": "Session not found"}),
    (401, {"statusCode": 404, "message": "Session not found"}),
    (403, {"error": "no session"}),
    (404, ["Session not found"]),
    (404, "Session not found"),
    (404, {"message": ["Session not found"], "response": {"message": "instance does not exist"}}),
    (410, {"error": "gone"}),
    (502, {"code": "NOT_FOUND", "message": "no session here"}),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("dialect", STOPPING)
@pytest.mark.parametrize(("code", "body"), LIES)
async def test_what_only_looks_like_an_unknown_session_does_not_count_as_stopped(
    dialect: str, code: int, body: Any
) -> None:
    async with speaking(dialect, Answer.of(body, code)) as (gateway, _):
        await problem_of(gateway, "stop")


@pytest.mark.asyncio
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_is_not_supported_says_why_and_calls_nothing(dialect: str) -> None:
    loaded = load_dialect(dialect)
    async with speaking(dialect, Answer.of({})) as (gateway, fake):
        for capability, words in ((name, words) for name, words in loaded.cannot.items() if name != FILES):
            error = await problem_of(gateway, capability)
            assert (error.code, error.permanent) == (Problem.NOT_SUPPORTED, True)
            assert words in str(error)
    assert fake.requests == []


@pytest.mark.asyncio
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_gateway_that_never_answers_times_out(dialect: str) -> None:
    async with fake_http(default=Answer(hang=True)) as fake:
        gateway = gateway_to(fake.url, dialect, connect_timeout_s=1, read_timeout_s=0.05)
        assert (await problem_of(gateway, looks(dialect))).code == Problem.TIMEOUT
        await gateway.aclose()
    assert len(fake.requests) == 1, "a call that timed out is not repeated"


@pytest.mark.asyncio
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nobody_there_is_refused(dialect: str) -> None:
    async with fake_http() as fake:
        url = fake.url
    gateway = gateway_to(url, dialect)
    assert (await problem_of(gateway, looks(dialect))).code == Problem.REFUSED
    await gateway.aclose()


@pytest.mark.asyncio
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_https_to_a_plain_port_is_a_tls_problem(dialect: str) -> None:
    async with fake_http() as fake:
        gateway = gateway_to(fake.url.replace("http:", "https:"), dialect)
        assert (await problem_of(gateway, looks(dialect))).code == Problem.TLS
        await gateway.aclose()


@pytest.mark.asyncio
@pytest.mark.skipif(which("openssl") is None, reason="needs openssl to make a certificate")
async def test_a_certificate_counts_only_when_its_authority_is_given(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=gw", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*made, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    async with fake_http(default=Answer.of({"status": "connected"}), tls=context) as fake:
        url = fake.url.replace("http:", "https:")
        stranger, friend = gateway_to(url, "x-api-key"), gateway_to(url, "x-api-key", ca_file=str(cert))
        assert (await problem_of(stranger)).code == Problem.TLS
        assert (await friend.status("2")).state is ConnState.CONNECTED
        await stranger.aclose()
        await friend.aclose()


@pytest.mark.parametrize("dialect", TOLD)
def test_recorded_webhooks_are_understood_and_only_with_their_token(dialect: str) -> None:
    (case,) = [case for case in cases(dialect) if case["call"] == "webhook"]
    bodies = [json.loads(line)["body"].encode() for line in (RECORDED / case["bodies"]).read_text().splitlines()]
    clock = VirtualClock(start=case["at"])
    ear = Ear(load_dialect(dialect), "{company}", case["token"], 3600, clock)
    stranger = Ear(load_dialect(dialect), "{company}", "another token", 3600, clock)
    states = []
    for body in bodies:
        assert stranger.take(body, "2", {"2"}.__contains__) == (Taken.FORGED, None)
        ear.take(body, "2", {"2"}.__contains__)
        states.append(ear.status("2").state.value)
        assert (ear.qr("2") is not None) == (states[-1] == "waiting_qr")
    assert states == case["states"]
    assert ear.status("2").code == case["code"]
    assert stranger.status("2").state is ConnState.UNKNOWN
