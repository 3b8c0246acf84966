from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from baileykeep.clock import FastClock, VirtualClock
from baileykeep.gateways.dialect import Dialect, load_dialect
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.errors import ConfigError, GatewayError, UsageError
from baileykeep.model.facts import ConnState, Problem
from tests.fakes.http_gateway import Answer, FakeHttp, fake_http

KEY = "k3y-of-the-tests"
STATUS = "GET /webhook/whatsapp/baileys/status/2"
UP = Answer.of({"status": {"connected": True}})
BOOM = Answer.of({}, 503)
QR = Answer.of({"qr": "2@first"})
INITIALIZE = "POST /api/whatsapp/sessions/2/initialize"


def connected(fake: FakeHttp, dialect: str | Dialect = "ai-admin", **changes: Any) -> HttpGateway:
    loaded = load_dialect(dialect) if isinstance(dialect, str) else dialect
    return HttpGateway(GatewaySpec(name="gw", url=fake.url, key=KEY, **changes), loaded, FastClock(1000))


@pytest.mark.asyncio
async def test_a_status_is_asked_again_after_a_passing_failure_but_not_for_ever() -> None:
    async with fake_http({STATUS: [BOOM, Answer(drop=True), UP]}) as fake:
        gateway = connected(fake)
        assert (await gateway.status("2")).state is ConnState.CONNECTED
        fake.routes[STATUS] = BOOM
        with pytest.raises(GatewayError):
            await gateway.status("2")
        await gateway.aclose()
    assert fake.seen(STATUS) == 3 + 3


@pytest.mark.asyncio
@pytest.mark.parametrize(("call", "times"), [("reconnect", 1), ("start", 1), ("stop", 3)])
async def test_a_change_is_repeated_only_where_that_is_harmless(call: str, times: int) -> None:
    async with fake_http(default=BOOM) as fake:
        gateway = connected(fake)
        with pytest.raises(GatewayError):
            await getattr(gateway, call)("2")
        await gateway.aclose()
    assert len(fake.requests) == times


@pytest.mark.asyncio
async def test_a_refused_key_is_not_tried_again() -> None:
    async with fake_http(default=Answer.of({}, 401)) as fake:
        gateway = connected(fake)
        with pytest.raises(GatewayError):
            await gateway.status("2")
        await gateway.aclose()
    assert len(fake.requests) == 1


@pytest.mark.asyncio
async def test_an_answer_that_drips_meets_the_deadline() -> None:
    head = b"HTTP/1.1 200 X\r\nContent-Length: 10000\r\n\r\n{"
    async with fake_http(default=Answer(raw=head, drip=True)) as fake:
        gateway = connected(fake, connect_timeout_s=0.05, read_timeout_s=0.05)
        with pytest.raises(GatewayError) as caught:
            await gateway.status("2")
        await gateway.aclose()
    assert caught.value.code == Problem.TIMEOUT
    assert len(fake.requests) == 1


@pytest.mark.asyncio
async def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    half = Answer(raw=b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{")
    async with fake_http({STATUS: [half, UP]}) as fake:
        gateway = connected(fake)
        assert (await gateway.status("2")).state is ConnState.CONNECTED
        await gateway.aclose()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("company", "target"),
    [
        ("a/b", "a%2Fb"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("x?y#z", "x%3Fy%23z"),
        ("50%", "50%25"),
        ("größe", "gr%C3%B6%C3%9Fe"),
    ],
)
async def test_a_company_cannot_leave_its_place_in_the_path(company: str, target: str) -> None:
    async with fake_http(default=UP) as fake:
        gateway = connected(fake)
        await gateway.status(company)
        await gateway.aclose()
    assert fake.requests[0].target == f"/webhook/whatsapp/baileys/status/{target}"


@pytest.mark.asyncio
@pytest.mark.parametrize("company", ["", ".", "..", "a\r\nX-Evil: 1", " a"])
async def test_a_company_that_no_path_can_carry_is_refused_unsent(company: str) -> None:
    async with fake_http(default=UP) as fake:
        gateway = connected(fake)
        with pytest.raises(GatewayError):
            await gateway.status(company)
        await gateway.aclose()
    assert fake.requests == []


@pytest.mark.asyncio
async def test_the_installation_can_name_companies_its_own_way() -> None:
    body = {"sessions": [{"id": "company_7", "connected": True}, {"id": "other", "connected": True}]}
    async with fake_http({"GET /api/whatsapp/sessions": Answer.of(body)}, default=UP) as fake:
        gateway = connected(fake, id_template="company_{company}")
        await gateway.status("7")
        assert set(await gateway.status_all()) == {"7"}
        await gateway.aclose()
    assert fake.requests[0].target.endswith("/company_7")


@pytest.mark.asyncio
async def test_the_qr_of_a_start_is_handed_out_before_another_one_is_asked_for(tmp_path: Path) -> None:
    async with fake_http({INITIALIZE: [QR, Answer.of({"qr": "2@second"})]}) as fake:
        clock = VirtualClock()
        gateway = HttpGateway(GatewaySpec(name="gw", url=fake.url), load_dialect("ai-admin"), clock)
        await gateway.start("2")
        assert await gateway.qr("2") == "2@first"
        clock.step_to(clock.monotonic() + 20)
        assert await gateway.qr("2") == "2@second"
        await gateway.aclose()
    assert fake.seen(INITIALIZE) == 2


@pytest.mark.asyncio
async def test_a_qr_of_before_a_stop_is_not_handed_out_after_it() -> None:
    async with fake_http({INITIALIZE: [QR, Answer.of({"qr": "2@second"})]}, default=Answer.of({})) as fake:
        gateway = connected(fake)
        assert await gateway.qr("2") == "2@first"
        await gateway.stop("2")
        assert await gateway.qr("2") == "2@second"
        await gateway.aclose()


@pytest.mark.asyncio
@pytest.mark.parametrize("value", [None, ""])
async def test_no_qr_yet_is_none(value: str | None) -> None:
    async with fake_http({INITIALIZE: Answer.of({"qr": value})}) as fake:
        gateway = connected(fake)
        assert await gateway.qr("2") is None
        await gateway.aclose()


@pytest.mark.asyncio
async def test_a_pairing_code_needs_plain_digits_and_must_be_there() -> None:
    async with fake_http(default=Answer.of({"success": True})) as fake:
        gateway = connected(fake)
        with pytest.raises(UsageError, match="digits"):
            await gateway.pairing_code("2", "+49 151")
        with pytest.raises(GatewayError, match="no pairing code"):
            await gateway.pairing_code("2", "4915100000001")
        await gateway.aclose()


@pytest.mark.asyncio
async def test_what_the_gateway_says_is_passed_on_without_secrets() -> None:
    said = f"no session for 4915100000001, code 2@abc,def key {KEY}{KEY}\r\nmore"
    async with fake_http(default=Answer.of({"error": True, "message": said})) as fake:
        gateway = connected(fake)
        with pytest.raises(GatewayError, match="no session for …0001") as caught:
            await gateway.status("2")
        await gateway.aclose()
    assert "49151" not in str(caught.value)
    assert "2@abc" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.asyncio
async def test_an_unknown_state_word_is_named_so_that_it_can_be_added() -> None:
    async with fake_http(default=Answer.of({"status": "Hibernating"})) as fake:
        gateway = connected(fake, "x-api-key")
        with pytest.raises(GatewayError, match=r"'hibernating'.*\[states\]") as caught:
            await gateway.status("2")
        await gateway.aclose()
    assert caught.value.code == Problem.BAD_ANSWER


@pytest.mark.asyncio
async def test_many_questions_share_few_connections() -> None:
    async with fake_http(default=UP) as fake:
        gateway = connected(fake)
        async with anyio.create_task_group() as group:
            for company in range(100):
                group.start_soon(gateway.status, str(company))
        assert fake.open_most <= 8
        await gateway.aclose()
    assert len(fake.requests) == 100


@pytest.mark.asyncio
async def test_plain_words_and_nothing_are_answers_to_an_action() -> None:
    async with fake_http() as fake:
        gateway = connected(fake)
        for answer in (Answer(204), Answer(200, b"OK", "text/plain")):
            fake.default = answer
            await gateway.reconnect("2")
        fake.default = Answer(200, b"<html>log in</html>", "text/html")
        with pytest.raises(GatewayError, match="web page"):
            await gateway.reconnect("2")
        await gateway.aclose()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "ftp://gw"}, "http or https"),
        ({"url": "gw:3000"}, "http or https"),
        ({"url": "http://user:hunter2@gw"}, "password"),
        ({"url": "http://gw:x"}, "no URL"),
        ({"key": None}, "needs a key"),
        ({"key": "hunter2\n"}, "characters"),
        ({"ca_file": "nowhere.pem"}, "ca_file"),
    ],
)
def test_a_gateway_that_cannot_work_is_refused_at_once(changes: dict[str, Any], words: str) -> None:
    spec = GatewaySpec(**{"name": "gw", "url": "http://gw", "key": KEY, **changes})
    with pytest.raises(ConfigError, match=words) as caught:
        HttpGateway(spec, load_dialect("x-internal-secret"))
    assert "hunter2" not in str(caught.value)
    assert KEY not in f"{caught.value} {spec!r}"
