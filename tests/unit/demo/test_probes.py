"""The probe target is there or it is not, always on the same port."""

from __future__ import annotations

import anyio
import pytest

from baileykeep.demo.probes import ProbeTarget


async def reachable(target: ProbeTarget) -> bool:
    try:
        stream = await anyio.connect_tcp(target.host, target.port)
    except OSError:
        return False
    await stream.aclose()
    return True


@pytest.mark.asyncio
async def test_up_and_down_and_up_again() -> None:
    async with ProbeTarget() as target:
        port = target.port
        assert await reachable(target)
        await target.down()
        assert not await reachable(target)
        await target.up()
        assert await reachable(target)
        assert target.address == f"127.0.0.1:{port}"


@pytest.mark.asyncio
async def test_both_switches_may_be_turned_twice() -> None:
    async with ProbeTarget() as target:
        await target.up()
        await target.down()
        await target.down()
    assert not await reachable(target)
