"""The stand-in as a process: it says where it is, obeys its control port and ends when asked."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from baileykeep.api.embed import serve
from baileykeep.demo.folders import Shape, contact
from baileykeep.demo.process import KNOBS, control_app
from baileykeep.demo.session import State
from baileykeep.demo.standin import StandIn


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[StandIn]:
    async with StandIn(tmp_path, connect_s=0) as made:
        made.add("1", Shape(generation=6, pre_keys=5))
        yield made


@pytest_asyncio.fixture
async def control(gateway: StandIn) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(control_app(gateway)) as url,
        httpx.AsyncClient(base_url=f"{url}/control", trust_env=False) as client,
    ):
        yield client


@pytest.mark.asyncio
async def test_a_drop_by_http(gateway: StandIn, control: httpx.AsyncClient) -> None:
    await control.post("/drop", params={"company": "1", "code": "503", "heals": "asked"})
    assert gateway["1"].state is State.NOT_STARTED
    assert (await control.get("/state")).json()["1"]["state"] == "not_started"


@pytest.mark.asyncio
async def test_bad_macs_by_http(gateway: StandIn, control: httpx.AsyncClient) -> None:
    params = {"company": "1", "contacts": f"{contact(0, 6)},{contact(1, 6)}", "count": "5"}
    assert (await control.post("/bad_mac", params=params)).json() == {"done": 5}


@pytest.mark.asyncio
async def test_every_knob_turns(gateway: StandIn, control: httpx.AsyncClient) -> None:
    order = ["grow", "write_activity", "message", "bad_mac", "drop", "replaced", "cure", "device_removed", "fail_scan"]
    params = {"company": "1", "contact": contact(0, 6), "contacts": contact(0, 6)}
    for knob in order:
        assert (await control.post(f"/{knob}", params=params)).status_code == 200, knob
    gateway["1"].wipe()
    gateway["1"].open()
    assert (await control.post("/scan", params=params)).status_code == 200
    assert set(KNOBS) == {*order, "scan"}


@pytest.mark.asyncio
async def test_the_gateways_own_knobs(gateway: StandIn, control: httpx.AsyncClient) -> None:
    for knob in ("hang", "unhang", "unauthorized", "restart", "refuse", "come_back"):
        assert (await control.post(f"/{knob}")).status_code == 200, knob
    assert gateway.refuses_with == 401
    assert (await control.get("/calls")).json() == []


@pytest.mark.parametrize(("path", "says"), [("/nonsense?company=1", "nonsense"), ("/drop?company=9", "9")])
@pytest.mark.asyncio
async def test_a_wrong_knob_or_company_is_named(control: httpx.AsyncClient, path: str, says: str) -> None:
    answer = await control.post(path)
    assert answer.status_code == 400
    assert says in answer.json()["error"]


@pytest.mark.slow
def test_a_process_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "baileykeep.demo.standin", "--root", str(tmp_path)]
    with subprocess.Popen([*command, "--companies", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        with httpx.Client(trust_env=False) as client:
            rows = client.get(f"{told['url']}/api/whatsapp/sessions").json()["sessions"]
            state = client.get(f"{told['control']}/control/state").json()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert [row["connected"] for row in rows] == [True, True]
    assert set(state) == set(told["folders"]) == {"1", "2"}
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.slow
def test_a_taken_port_ends_it_with_the_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "baileykeep.demo.standin", "--root", str(tmp_path), "--port", str(port)]
        done = subprocess.run([*command, "--companies", "1"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in done.stderr
