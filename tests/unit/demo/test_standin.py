"""Over real HTTP the stand-in speaks the three dialects, and fails in the ways gateways fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import pytest_asyncio

from baileykeep.demo.folders import Shape
from baileykeep.demo.session import Heals, Session, State
from baileykeep.demo.standin import StandIn

SIX = Shape(generation=6, pre_keys=5, sessions=3)
SECRET = {"X-Internal-Secret": "stand-in-secret"}
KEY = {"x-api-key": "stand-in-key"}
SESSIONS = "/api/whatsapp/sessions"


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[StandIn]:
    async with StandIn(tmp_path, connect_s=0) as made:
        made.add("1", SIX)
        made.add("2", SIX)
        yield made


@pytest_asyncio.fixture
async def http(gateway: StandIn) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=5) as client:
        yield client


def where(session: Session) -> State:
    return session.state


async def shown(client: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = (await client.get(path, headers=headers)).raise_for_status().json()
    return answer


@pytest.mark.asyncio
async def test_ai_admin_tells_connected_below_status(gateway: StandIn, http: httpx.AsyncClient) -> None:
    for path in ("/webhook/whatsapp/baileys/status/1", f"{SESSIONS}/1/status"):
        assert (await shown(http, path))["status"]["connected"] is True
    gateway["1"].drop(428, Heals.NEVER)
    assert (await shown(http, "/webhook/whatsapp/baileys/status/1"))["status"]["connected"] is False


@pytest.mark.asyncio
async def test_ai_admin_lists_all_sessions(gateway: StandIn, http: httpx.AsyncClient) -> None:
    gateway["2"].drop(428, Heals.NEVER)
    rows = (await shown(http, SESSIONS))["sessions"]
    assert {row["companyId"]: row["connected"] for row in rows} == {"1": True, "2": False}


@pytest.mark.asyncio
async def test_ai_admin_disconnects_and_reconnects(gateway: StandIn, http: httpx.AsyncClient) -> None:
    await http.post(f"{SESSIONS}/1/disconnect")
    assert where(gateway["1"]) is State.NOT_STARTED
    await http.post(f"{SESSIONS}/1/reconnect")
    assert where(gateway["1"]) is State.CONNECTED
    assert gateway.asked("1") == ["stop", "reconnect"]


@pytest.mark.asyncio
async def test_ai_admin_gives_the_same_qr_while_it_is_out(gateway: StandIn, http: httpx.AsyncClient) -> None:
    gateway["1"].wipe()
    first, second = [(await http.post(f"{SESSIONS}/1/initialize")).json()["qr"] for _ in range(2)]
    assert first == second == gateway["1"].qr
    assert first.startswith("2@")
    assert first in (await http.get("/whatsapp-connect.html", params={"company": "1"})).text


@pytest.mark.asyncio
async def test_ai_admin_gives_a_pairing_code_to_a_stopped_session_only(
    gateway: StandIn, http: httpx.AsyncClient
) -> None:
    path, body = f"{SESSIONS}/1/pairing-code", {"phoneNumber": "4915100000001"}
    assert (await http.post(path, json=body)).status_code == 409
    gateway["1"].wipe()
    assert len((await http.post(path, json=body)).json()["code"]) == 8
    assert (await http.post(path, json={})).status_code == 400


@pytest.mark.asyncio
async def test_internal_secret_tells_its_five_fields(gateway: StandIn, http: httpx.AsyncClient) -> None:
    answer = await shown(http, "/whatsapp/business_1/status", SECRET)
    assert {k: v for k, v in answer.items() if k != "success"} == {
        "connected": True,
        "authPaired": True,
        "hasSocket": True,
        "hasQR": False,
        "sessionState": "connected",
    }
    gateway["1"].close()
    assert (await shown(http, "/whatsapp/business_1/status", SECRET))["sessionState"] == "not_started"


@pytest.mark.asyncio
async def test_internal_secret_starts_stops_and_relinks(gateway: StandIn, http: httpx.AsyncClient) -> None:
    http.headers.update(SECRET)
    await http.post("/whatsapp/business_1/stop")
    assert where(gateway["1"]) is State.NOT_STARTED
    await http.post("/whatsapp/business_1/start", json={"forceRelink": False})
    assert where(gateway["1"]) is State.CONNECTED
    await http.post("/whatsapp/business_1/start", json={"forceRelink": True})
    answer = await shown(http, "/whatsapp/business_1/status")
    assert (answer["sessionState"], answer["hasQR"], answer["authPaired"]) == ("waiting_qr", True, False)
    await http.post("/whatsapp/business_2/reset")
    assert list(gateway.folder("2").iterdir()) == []
    assert gateway.asked() == ["stop", "start", "relink", "reset"]


@pytest.mark.parametrize("headers", [{}, {"X-Internal-Secret": "wrong"}, KEY])
@pytest.mark.asyncio
async def test_internal_secret_is_checked(gateway: StandIn, http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await http.post("/whatsapp/business_1/stop", headers=headers)).status_code == 401
    assert where(gateway["1"]) is State.CONNECTED
    assert gateway.calls == []


@pytest.mark.asyncio
async def test_api_key_server_uses_its_own_words(gateway: StandIn, http: httpx.AsyncClient) -> None:
    words = []
    for state in State:
        gateway["1"].says = state
        words.append((await shown(http, "/api/sessions/1/status", KEY))["status"])
    assert words == ["disconnected", "restoring", "qr_required", "connected"]


@pytest.mark.asyncio
async def test_api_key_server_clears_a_session(gateway: StandIn, http: httpx.AsyncClient) -> None:
    path, body = "/api/clear-corrupted-session", {"organization_id": "2"}
    assert (await http.post(path, json=body)).status_code == 401
    assert (await http.post(path, json=body, headers=KEY)).status_code == 200
    assert (gateway["2"].state, gateway.asked("2")) == (State.WAITING_QR, ["reset"])


@pytest.mark.asyncio
async def test_an_unknown_company_is_404(gateway: StandIn, http: httpx.AsyncClient) -> None:
    assert (await http.get(f"{SESSIONS}/99/status")).status_code == 404
    assert gateway.calls == []


@pytest.mark.asyncio
async def test_looking_is_not_asking(gateway: StandIn, http: httpx.AsyncClient) -> None:
    await shown(http, f"{SESSIONS}/1/status")
    await shown(http, SESSIONS)
    assert gateway.asked() == []
    assert [(c.company, c.verb) for c in gateway.calls] == [("1", "status"), ("*", "status_all")]


@pytest.mark.asyncio
async def test_it_refuses_and_comes_back_on_the_same_port(gateway: StandIn, http: httpx.AsyncClient) -> None:
    before = gateway.url
    await gateway.refuse()
    with pytest.raises(httpx.ConnectError):
        await http.get(SESSIONS)
    await gateway.come_back()
    assert gateway.url == before
    assert (await http.get(SESSIONS)).status_code == 200


@pytest.mark.asyncio
async def test_hanging_it_answers_only_when_released(gateway: StandIn, http: httpx.AsyncClient) -> None:
    gateway.hang()
    with pytest.raises(httpx.ReadTimeout):
        await http.get(SESSIONS, timeout=0.05)
    gateway.unhang()
    assert (await http.get(SESSIONS)).status_code == 200


@pytest.mark.asyncio
async def test_unauthorized_is_for_everybody(gateway: StandIn, http: httpx.AsyncClient) -> None:
    gateway.unauthorized(403)
    assert (await http.post(f"{SESSIONS}/1/disconnect")).status_code == 403
    assert where(gateway["1"]) is State.CONNECTED
    gateway.unauthorized(None)
    assert (await http.get(SESSIONS)).status_code == 200


@pytest.mark.asyncio
async def test_connecting_takes_its_time_and_a_stop_ends_it(tmp_path: Path) -> None:
    async with StandIn(tmp_path, connect_s=0.02) as gateway:
        session = gateway.add("1", SIX)
        gateway.restart()
        assert where(session) is State.CONNECTING
        session.close()
        await anyio.sleep(0.04)
        assert where(session) is State.NOT_STARTED
        session.open()
        with anyio.fail_after(2):
            while session.state is not State.CONNECTED:
                await anyio.sleep(0.005)


@pytest.mark.asyncio
async def test_a_second_life_takes_the_folders_as_they_are(tmp_path: Path) -> None:
    async with StandIn(tmp_path) as first:
        first.add("1", SIX)
        before = (first.folder("1") / "creds.json").read_bytes()
    async with StandIn(tmp_path, seed=2) as second:
        assert second.add("1", SIX).state is State.CONNECTED
        assert (second.folder("1") / "creds.json").read_bytes() == before


@pytest.mark.asyncio
async def test_other_layouts(tmp_path: Path) -> None:
    async with StandIn(tmp_path, layout="storage/whatsapp/business_{company}/auth") as gateway:
        gateway.add("1", SIX)
        assert (tmp_path / "storage/whatsapp/business_1/auth/creds.json").exists()
