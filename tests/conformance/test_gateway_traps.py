"""What is peculiar to single gateways, and would make things worse if it were not known: one test for each trap."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from baileykeep.gateways.dialect import load_dialect
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, Problem
from tests.conformance.test_gateways import KEY, cases, gateway_to, problem_of, served
from tests.fakes.http_gateway import Answer, fake_http

pytestmark = pytest.mark.asyncio
SESSION_GONE = Answer.of({"message": "Session not found", "error": "Not Found", "statusCode": 404}, 404)
NO_INSTANCE = Answer.of({"status": 404, "response": {"message": ['The "2" instance does not exist']}}, 404)


# --- Evolution API ----------------------------------------------------------------------------------------------------


async def test_evolution_is_never_asked_for_the_list_that_lies() -> None:
    for case in cases("evolution"):
        assert "fetchInstances" not in "".join(served(case))
    assert "fetchInstances" not in Path(load_dialect("evolution").origin).read_text().split('"""', 1)[1]


async def test_evolution_connects_what_its_restart_refuses_with_success() -> None:
    refused = Answer.of({"error": True, "message": "[object Object]"})
    routes = {"POST /instance/restart/2": refused, "GET /instance/connect/2": Answer.of({"count": 0})}
    async with fake_http(dict(routes)) as fake:
        gateway = gateway_to(fake.url, "evolution")
        await gateway.reconnect("2")
        await gateway.aclose()
    assert [f"{r.method} {r.target}" for r in fake.requests] == list(routes)


@pytest.mark.parametrize("answer", [Answer.of({}, 500), Answer(drop=True), NO_INSTANCE, Answer(200, b"<html>")])
async def test_evolution_connects_nothing_after_any_other_failure_of_a_restart(answer: Answer) -> None:
    async with fake_http({"POST /instance/restart/2": answer}) as fake:
        gateway = gateway_to(fake.url, "evolution")
        await problem_of(gateway, "reconnect")
        await gateway.aclose()
    assert [r.target for r in fake.requests] == ["/instance/restart/2"]


async def test_evolution_is_asked_to_connect_once_although_that_is_a_get() -> None:
    async with fake_http(default=Answer(drop=True)) as fake:
        gateway = gateway_to(fake.url, "evolution")
        for call in ("start", "qr"):
            await problem_of(gateway, call)
        await gateway.aclose()
    assert len(fake.requests) == 2


async def test_evolution_has_no_state_for_what_it_has_not_loaded() -> None:
    async with fake_http(default=Answer.of({"instance": {"instanceName": "2"}})) as fake:
        gateway = gateway_to(fake.url, "evolution")
        assert (await problem_of(gateway)).code == Problem.BAD_ANSWER
        await gateway.aclose()


async def test_evolution_hands_out_no_pairing_code_for_it_may_be_another_phones() -> None:
    async with fake_http(default=Answer.of({"pairingCode": "A6RBL72X"})) as fake:
        gateway = gateway_to(fake.url, "evolution")
        assert (await problem_of(gateway, "pairing_code")).code == Problem.NOT_SUPPORTED
        await gateway.aclose()
    assert fake.requests == []


# --- WAHA -------------------------------------------------------------------------------------------------------------


async def test_wahas_own_reconnect_is_no_outage() -> None:
    seen = []
    for word in ("WORKING", "STARTING", "WORKING"):
        async with fake_http(default=Answer.of({"name": "2", "status": word})) as fake:
            gateway = gateway_to(fake.url, "waha")
            seen.append((await gateway.status("2")).state)
            await gateway.aclose()
    assert seen == [ConnState.CONNECTED, ConnState.CONNECTING, ConnState.CONNECTED]


async def test_waha_restarts_what_failed_for_it_counts_as_started() -> None:
    async with fake_http(default=Answer.of({"name": "2", "status": "STARTING"})) as fake:
        gateway = gateway_to(fake.url, "waha")
        await gateway.start("2")
        await gateway.aclose()
    assert [r.target for r in fake.requests] == ["/api/sessions/2/restart"]


async def test_a_session_that_waha_dropped_is_stopped_and_stays_proved() -> None:
    async with fake_http(default=SESSION_GONE) as fake:
        gateway = gateway_to(fake.url, "waha")
        await gateway.stop("2")
        assert (await gateway.status("2")).state is ConnState.DISCONNECTED
        for call in ("reconnect", "start", "reset"):
            assert (await problem_of(gateway, call)).code == Problem.NOT_FOUND
        await gateway.aclose()


async def test_waha_is_asked_for_a_code_only_once_the_session_is_opened() -> None:
    code = next(case for case in cases("waha") if case["call"] == "pairing_code")
    routes = served(code)
    async with fake_http(dict(routes)) as fake:
        gateway = gateway_to(fake.url, "waha")
        assert await gateway.pairing_code("2", "4915100000001") == "ABCD-1234"
        fake.routes["POST /api/sessions/2/restart"] = SESSION_GONE
        assert (await problem_of(gateway, "pairing_code")).code == Problem.NOT_FOUND
        await gateway.aclose()
    restart, ask = routes
    assert [f"{r.method} {r.target}" for r in fake.requests] == [restart, ask, restart]


# --- wuzapi -----------------------------------------------------------------------------------------------------------


async def test_wuzapi_knows_a_company_by_its_own_token_alone() -> None:
    up = Answer.of({"data": {"Connected": True, "LoggedIn": True}, "success": True})
    async with fake_http(default=up) as fake:
        spec = GatewaySpec(name="gw", url=fake.url, key="of-the-admin", keys={"2": "of-two", "3": "of-three"})
        gateway = HttpGateway(spec, load_dialect("wuzapi"))
        await gateway.status("2")
        await gateway.status("3")
        with pytest.raises(GatewayError) as caught:
            await gateway.status("4")
        await gateway.aclose()
    assert [r.headers["token"] for r in fake.requests] == ["of-two", "of-three"]
    assert caught.value.code == Problem.UNAUTHORIZED
    assert "secret_file" in caught.value.next_step
    assert "of-" not in f"{gateway!r} {spec!r} {caught.value!r}"


async def test_wuzapi_gets_back_the_events_that_its_connect_would_replace() -> None:
    (kept, _, _) = (case for case in cases("wuzapi") if case["call"] == "reconnect")
    async with fake_http(served(kept)) as fake:
        gateway = gateway_to(fake.url, "wuzapi")
        await gateway.reconnect("2")
        await gateway.aclose()
    assert fake.requests[1].json == {"Immediate": True, "Subscribe": ["Message", "ReadReceipt"]}


async def test_wuzapi_is_asked_nothing_more_where_its_events_cannot_be_read() -> None:
    async with fake_http({"GET /webhook": Answer.of({}, 500)}) as fake:
        gateway = gateway_to(fake.url, "wuzapi")
        await problem_of(gateway, "reconnect")
        await gateway.aclose()
    assert {f"{r.method} {r.target}" for r in fake.requests} == {"GET /webhook"}


# --- GOWA -------------------------------------------------------------------------------------------------------------


async def test_gowa_gets_user_and_password_as_http_writes_them_and_neither_is_told() -> None:
    written = b64encode(KEY.encode()).decode()
    password = KEY.partition(":")[2]
    echo = Answer.of({"code": "INTERNAL_SERVER_ERROR", "message": f"no: Basic {written}, {KEY}, {password}"}, 500)
    async with fake_http(default=echo) as fake:
        gateway = gateway_to(fake.url, "gowa")
        error = await problem_of(gateway, "reconnect")
        await gateway.aclose()
    assert fake.requests[0].headers["authorization"] == f"Basic {written}"
    assert not any(secret in f"{error} {error!r}" for secret in (written, KEY, password))


async def test_gowa_is_asked_to_reconnect_once_although_that_is_a_get() -> None:
    async with fake_http(default=Answer(drop=True)) as fake:
        gateway = gateway_to(fake.url, "gowa")
        await problem_of(gateway, "reconnect")
        await gateway.aclose()
    assert len(fake.requests) == 1


async def test_gowa_with_an_open_socket_and_no_login_is_not_connected() -> None:
    half = Answer.of({"code": "SUCCESS", "results": {"device_id": "2", "is_connected": True, "is_logged_in": False}})
    async with fake_http(default=half) as fake:
        gateway = gateway_to(fake.url, "gowa")
        assert (await gateway.status("2")).state is ConnState.CONNECTING
        await gateway.aclose()


async def test_gowa_that_answers_for_its_only_device_says_nothing_about_another() -> None:
    other = Answer.of({"code": "SUCCESS", "results": {"device_id": "1", "is_connected": True, "is_logged_in": True}})
    async with fake_http(default=other) as fake:
        gateway = gateway_to(fake.url, "gowa")
        assert (await problem_of(gateway)).code == Problem.BAD_ANSWER
        await gateway.aclose()
