"""A QR that comes as a picture: carried to people as it is, and nothing else passes for one."""

from __future__ import annotations

from base64 import b64encode

import pytest

from baileykeep.channels.qr_image import blank, png
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import Problem
from baileykeep.rules.pairing import LARGEST_PICTURE, PICTURE, picture_of
from tests.fakes.http_gateway import Answer, fake_http
from tests.unit.gateways.test_http import INITIALIZE, connected

DRAWN = png("2@ref,a,b,c")
AS_ADDRESS = PICTURE + b64encode(DRAWN).decode()


def address(raw: bytes) -> str:
    return PICTURE + b64encode(raw).decode()


@pytest.mark.asyncio
async def test_a_picture_is_handed_on_and_drawn_as_it_came() -> None:
    async with fake_http({INITIALIZE: Answer.of({"qr": AS_ADDRESS})}) as fake:
        gateway = connected(fake)
        await gateway.start("2")
        assert await gateway.qr("2") == AS_ADDRESS
        await gateway.aclose()
    assert fake.seen(INITIALIZE) == 1
    assert png(AS_ADDRESS) == DRAWN


NO_PICTURES = [
    PICTURE,
    PICTURE + "QUJD",
    PICTURE + "!!!!",
    "data:image/jpeg;base64," + b64encode(DRAWN).decode(),
    "data:image/svg+xml,<svg onload=alert(1)>",
    address(DRAWN[:20]),
    address(b"GIF89a" + DRAWN),
    address(DRAWN[:16] + b"\xff\xff\xff\xff" + DRAWN[20:]),
    address(DRAWN[:16] + b"\x00\x00\x00\x00" + DRAWN[20:]),
    PICTURE + "A" * LARGEST_PICTURE,
]


@pytest.mark.asyncio
@pytest.mark.parametrize("value", NO_PICTURES)
async def test_what_is_no_picture_breaks_no_start_and_is_no_qr(value: str) -> None:
    assert picture_of(value) is None
    async with fake_http({INITIALIZE: Answer.of({"qr": value})}) as fake:
        gateway = connected(fake)
        await gateway.start("2")
        with pytest.raises(GatewayError) as caught:
            await gateway.qr("2")
        await gateway.aclose()
    assert caught.value.code == Problem.BAD_ANSWER
    assert value[-8:] not in f"{caught.value} {caught.value!r}"


@pytest.mark.asyncio
async def test_a_picture_is_no_pairing_code() -> None:
    async with fake_http(default=Answer.of({"code": AS_ADDRESS})) as fake:
        gateway = connected(fake)
        with pytest.raises(GatewayError):
            await gateway.pairing_code("2", "4915100000001")
        await gateway.aclose()


@pytest.mark.parametrize("text", ["", "2@ref", "https://wa.me/settings/linked_devices#2@ref"])
def test_a_text_is_no_picture(text: str) -> None:
    assert picture_of(text) is None


def test_pictures_that_we_draw_are_pictures() -> None:
    assert all(picture_of(address(drawn)) == drawn for drawn in (DRAWN, blank()))
