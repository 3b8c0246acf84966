"""The embedded server: up when it says so, gone when it returns, and no hand on signals."""

from __future__ import annotations

import signal
import socket
from typing import Any

import anyio
import httpx
import pytest

from baileykeep.api.embed import ListenError, serve


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


class Slow:
    """Answers only when released."""

    def __init__(self) -> None:
        self.asked = anyio.Event()
        self.release = anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.set()
        await self.release.wait()
        await hello(scope, receive, send)


@pytest.mark.asyncio
async def test_answers_while_open_and_refuses_after() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serve(hello) as url:
            assert (await client.get(url)).text == "hi"
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


@pytest.mark.asyncio
async def test_the_same_port_can_be_taken_again_at_once() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serve(hello) as first:
            await client.get(first)
        async with serve(hello, port=httpx.URL(first).port or 0) as second:
            assert second == first
            assert (await client.get(second)).text == "hi"


@pytest.mark.asyncio
async def test_signals_stay_with_their_owner() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with serve(hello):
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.asyncio
async def test_a_taken_port_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"port {port}.*choose a free port") as caught:
            async with serve(hello, port=port):
                pass
    assert caught.value.code == "listen"


@pytest.mark.asyncio
async def test_an_error_of_the_body_comes_out_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        async with serve(hello):
            raise ZeroDivisionError


@pytest.mark.asyncio
async def test_a_running_request_is_finished_before_it_closes() -> None:
    app, answers = Slow(), []

    async def ask(url: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            answers.append((await client.get(url)).text)

    async with anyio.create_task_group() as group, serve(app) as url:
        group.start_soon(ask, url)
        with anyio.fail_after(2):
            await app.asked.wait()
        app.release.set()
    assert answers == ["hi"]


@pytest.mark.asyncio
async def test_cancelled_from_outside_it_still_closes_its_socket() -> None:
    urls: list[str] = []

    async def hold() -> None:
        async with serve(hello) as url:
            urls.append(url)
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(hold)
        with anyio.fail_after(2):
            while not urls:
                await anyio.sleep(0.005)
        group.cancel_scope.cancel()
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(urls[0])
