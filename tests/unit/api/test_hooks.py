"""Webhooks over real HTTP: only with their own token, small, and never kept waiting."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from structlog.testing import capture_logs

from baileykeep.api.embed import serve
from baileykeep.api.http import make_app
from baileykeep.app.hooks import Hooks
from baileykeep.app.parts import make_door
from baileykeep.app.sites import Sites
from baileykeep.backups.vault import Vault
from baileykeep.clock import VirtualClock
from baileykeep.config.load import load
from baileykeep.model.facts import ConnectionSeen, ConnState, Fact, ProcessSeen, ProcessState
from tests.fakes.control import FakeControl

pytestmark = pytest.mark.asyncio

CONFIG = """\
state_dir = "{root}/state"
backups_dir = "{root}/backups"

[gateways.a]
dialect = "fazer-ai"
url = "http://127.0.0.1:1"
secret = "key-a"
auth_store = "none"
webhook = {{ token = "token-of-a" }}

[gateways.b]
dialect = "fazer-ai"
url = "http://127.0.0.1:2"
secret = "key-b"
auth_store = "none"
webhook = {{ token = "token-of-b" }}
"""
OPEN = {"event": "connection.update", "data": {"connection": "open"}, "webhookVerifyToken": "token-of-a"}
PEOPLE = "for-people"
QR = "2@secret-of-a-login,b,c,1"


class World:
    """Two gateways that only tell, and whoever hears them."""

    def __init__(self, root: Path):
        (root / "companies").mkdir()
        (root / "baileykeep.toml").write_text(CONFIG.format(root=root))
        (root / "baileykeep.toml").chmod(0o600)
        for ident, gateway in (("1", "a"), ("2", "b")):
            (root / "companies" / f"{ident}.toml").write_text(f'gateway = "{gateway}"\n')
        self.clock, self.facts = VirtualClock(), list[Fact]()
        self.sites = Sites(load(root), self.clock, Vault(root / "backups"), make_door(self.clock))
        self.hooks = Hooks(self.sites, self.facts.append, self.clock)
        self.web = cast(httpx.AsyncClient, None)

    @property
    def states(self) -> list[tuple[str, ConnState]]:
        return [(f.company, f.state) for f in self.facts if isinstance(f, ConnectionSeen)]

    async def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.web.post(path, content=content, **more)


@asynccontextmanager
async def world(root: Path, token: str | None = PEOPLE) -> AsyncIterator[World]:
    w = World(root)
    await w.sites.look_around()
    app = make_app(FakeControl(), token=token, metrics=lambda: b"", ready=lambda: (True, {}), hears=w.hooks)
    async with serve(app) as url, httpx.AsyncClient(base_url=url) as w.web:
        yield w
    await w.sites.aclose()


async def test_a_genuine_one_becomes_the_fact_that_a_poll_would_be(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        answer = await w.post("/hooks/a/1", OPEN)
        assert (answer.status_code, answer.json()) == (202, {"taken": True})
        answer = await w.post("/hooks/a/1", {**OPEN, "event": "presence.update"})
        assert (answer.status_code, answer.json()["taken"]) == (202, False)
    assert w.states == [("1", ConnState.CONNECTED)]


async def test_it_needs_no_token_of_people_and_theirs_opens_nothing_here(tmp_path: Path) -> None:
    people = {"Authorization": "Bearer for-people"}
    async with world(tmp_path, token=None) as w:
        assert (await w.post("/hooks/a/1", OPEN)).status_code == 202
        assert (await w.post("/hooks/a/1", {**OPEN, "webhookVerifyToken": "x"}, headers=people)).status_code == 401
        assert (await w.web.get("/hooks/a/1")).status_code == 405
        assert (await w.post("/hooks/../api/companies/1/reconnect", {})).status_code == 403


@pytest.mark.parametrize("path", ["/hooks/a/1", "/hooks/b/2", "/hooks/b/1", "/hooks/nobody/1", "/hooks/a", "/hooks/b"])
async def test_a_forged_one_is_refused_alike_everywhere(tmp_path: Path, path: str) -> None:
    forged = {**OPEN, "webhookVerifyToken": "token-of-c"}
    async with world(tmp_path) as w:
        answer = await w.post(path, forged)
        assert (answer.status_code, answer.json()["cause"]) == (401, "not heard: it does not carry the token")
    assert w.facts == []


async def test_the_token_of_one_gateway_is_no_word_about_another_s_companies(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert (await w.post("/hooks/b/2", OPEN)).status_code == 401
        elsewhere = await w.post("/hooks/a/2", OPEN)
        assert (elsewhere.status_code, elsewhere.json()["taken"]) == (202, False)
    assert w.facts == []


async def test_a_torn_one_and_one_that_is_far_too_large_change_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert (await w.post("/hooks/a/1", b'{"event": "conn')).status_code == 400
        huge = await w.post("/hooks/a/1", {**OPEN, "more": "x" * 10_000_000})
        assert (huge.status_code, huge.json()["taken"]) == (202, False)

        async def dripping() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"x" * 4096

        chunked = await w.web.post("/hooks/a/1", content=dripping())
        assert (chunked.status_code, chunked.json()["taken"]) == (202, False)
        assert (await w.post("/hooks/a/1", OPEN)).json() == {"taken": True}
    assert len(w.facts) == 1


async def test_nothing_of_it_is_logged_and_trouble_only_once_a_minute(tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with world(tmp_path) as w:
            qr = {**OPEN, "data": {"qr": QR, "connection": "connecting"}}
            await w.post("/hooks/a/1", qr)
            for _ in range(5):
                await w.post("/hooks/a/1", {**qr, "webhookVerifyToken": "token-of-a-stranger"})
                await w.post("/hooks/a/9", qr)
            assert await w.sites.doors["a"].gateway.qr("1") == QR
    assert [entry["event"] for entry in logs] == ["webhook_refused", "webhook_refused"]
    told = str(logs)
    assert QR not in told
    assert "token-of" not in told
    assert QR not in repr(w.facts)


async def test_what_is_said_while_the_process_is_down_ends_with_its_next_look(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.post("/hooks/a/1", OPEN)
        ear = w.sites.doors["a"].ear
        assert ear is not None
        w.hooks.notice(ProcessSeen(at=0.0, gateway="a", state=ProcessState.RUNNING))
        assert ear.status("1").state is ConnState.CONNECTED
        w.hooks.notice(ProcessSeen(at=0.0, gateway="a", state=ProcessState.STOPPED))
        assert ear.status("1").state is ConnState.UNKNOWN
        w.hooks.notice(ProcessSeen(at=0.0, gateway="nobody", state=ProcessState.STOPPED))


async def test_what_cannot_be_asked_says_so_and_is_shown_with_its_age(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.post("/hooks/a/1", OPEN)
    assert w.sites.heard("1") == {"heard": "connected", "heard_s": 0.0}
    assert w.sites.heard("2") == {}
    state = w.sites.not_watched("a")[1]
    assert state.startswith("state: not asked for, this gateway has no call that tells a session's state")
