"""What stands in a chat while a phone is waited for, and what is left of it."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import anyio
import pytest
import segno
import structlog.testing

from baileykeep.channels.base import Displays, Placard
from baileykeep.channels.qr_image import QUIET_MODULES, SCALE, blank, png
from baileykeep.channels.telegram import TelegramConfig
from baileykeep.model.errors import ChannelError, GatewayError
from baileykeep.model.limits import NotifyLimits
from tests.stories import settle
from tests.unit.channels.worlds import CHAT, GROUP, World, world

FIRST, SECOND = "2@" + "aB3/" * 50, "https://wa.me/settings/linked_devices#2@" + "xY7+" * 50
SCAN = Placard("acme@100", "100", "Acme: scan <this>", ("On the phone.",), png(FIRST), buttons=(("code", "acme"),))
CODE = Placard("acme@100", "100", "Acme: type this", ("On the phone.",), code="ABCD<234")


def modules(picture: bytes) -> list[list[bool]]:
    """The dark modules of a picture, read from its pixels."""
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    size = struct.unpack(">I", picture[16:20])[0]
    at, data = 8, b""
    while at < len(picture):
        length = struct.unpack(">I", picture[at : at + 4])[0]
        if picture[at + 4 : at + 8] == b"IDAT":
            data += picture[at + 8 : at + 8 + length]
        at += 12 + length
    raw, width = zlib.decompress(data), 1 + (size + 7) // 8
    assert len(raw) == width * size
    rows = [bytes(width - 1)]
    for n in range(size):
        row = raw[n * width + 1 : (n + 1) * width]
        above = rows[-1] if raw[n * width] == 2 else bytes(width - 1)
        rows.append(bytes((byte + up) % 256 for byte, up in zip(row, above, strict=True)))
    rows = rows[1:]
    return [
        [not rows[y][x // 8] >> (7 - x % 8) & 1 for x in range(SCALE // 2, size, SCALE)]
        for y in range(SCALE // 2, size, SCALE)
    ]


@pytest.mark.parametrize("text", [FIRST, SECOND])
def test_the_picture_is_the_qr_with_its_quiet_zone(text: str) -> None:
    found, wanted = modules(png(text)), [[bool(m) for m in row] for row in segno.make(text, error="l").matrix]
    inside = [row[QUIET_MODULES:-QUIET_MODULES] for row in found[QUIET_MODULES:-QUIET_MODULES]]
    assert inside == wanted
    assert not any(map(any, found[:QUIET_MODULES]))


def test_an_empty_picture_is_white_and_a_text_too_long_for_a_qr_is_an_error_without_it() -> None:
    assert not any(map(any, modules(blank())))
    with pytest.raises(GatewayError) as error:
        png("x" * 5000)
    assert "xxx" not in f"{error.value!r} {error.value} {error.value.__cause__}"


async def later(w: World, *placards: Placard | str) -> None:
    """Show these, or take the named ones down, with as much time as the limits want."""
    async with anyio.create_task_group() as tasks:
        done = anyio.Event()

        async def run() -> None:
            for one in placards:
                await (w.channel.take_down(one) if isinstance(one, str) else w.channel.show(one))
            done.set()

        tasks.start_soon(run)
        with anyio.fail_after(5):
            while not done.is_set():
                await settle(lambda: w.tg.busy > 0)
                if not done.is_set() and (wake := w.clock.next_wake()) is not None:
                    w.clock.step_to(wake)


@pytest.mark.asyncio
async def test_a_newer_qr_takes_the_place_of_the_older_one_in_the_same_message() -> None:
    async with world() as w:
        assert isinstance(w.channel, Displays)
        await later(w, SCAN, replace(SCAN, picture=png(SECOND)), replace(SCAN, picture=png(SECOND), headline="New"))
        (message,) = w.tg.messages(CHAT)
        assert message.pictures == [png(FIRST), png(SECOND)]
        assert message.plain == "📷 New\nOn the phone."
        assert message.history[0].plain == "📷 Acme: scan <this>\nOn the phone."
        assert message.buttons == [[("🔢 Use a pairing code instead", "code|c:acme|0")]]
        assert (message.protected, message.sounding) == (True, True)
        assert [call.method for call in w.tg.calls] == ["sendPhoto", "editMessageMedia", "editMessageCaption"]
        await later(w, replace(SCAN, picture=png(SECOND), headline="New"))
        assert len(w.tg.calls) == 3


@pytest.mark.asyncio
async def test_at_the_end_it_is_removed_and_forgotten() -> None:
    async with world() as w:
        await later(w, SCAN)
        assert await w.channel.shown() == ("acme@100",)
        await later(w, "acme@100", "acme@100", "nobody@100")
        assert w.tg.messages(CHAT) == []
        assert await w.channel.shown() == ()
        assert await w.journal.recall("telegram") == {}


@pytest.mark.asyncio
async def test_what_telegram_does_not_remove_any_more_is_made_empty() -> None:
    async with world() as w:
        await later(w, SCAN)
        w.clock.step_to(w.clock.monotonic() + 3 * 86_400)
        await later(w, "acme@100")
        (message,) = w.tg.messages(CHAT)
        assert message.picture == blank()
        assert message.plain == "Over."
        assert message.buttons == []
        await later(w, CODE)
        w.clock.step_to(w.clock.monotonic() + 3 * 86_400)
        await later(w, "acme@100")
        assert w.tg.messages(CHAT)[1].plain == "Over."


@pytest.mark.asyncio
async def test_whatever_telegram_has_against_removing_it_is_made_empty_and_what_stays_is_logged() -> None:
    async with world() as w:
        await later(w, SCAN)
        w.tg.fail(400, "Bad Request: MESSAGE_DELETE_FORBIDDEN", method="deleteMessage")
        await later(w, "acme@100")
        assert w.tg.messages(CHAT)[0].picture == blank()
        await later(w, SCAN)
        w.tg.fail(400, "Bad Request: CHAT_WRITE_FORBIDDEN", times=2)
        with structlog.testing.capture_logs() as logs:
            await later(w, "acme@100")
        assert [line["event"] for line in logs] == ["picture_left"]
        assert await w.channel.shown() == ()


@pytest.mark.asyncio
async def test_a_code_comes_in_the_place_of_the_picture_and_can_be_copied() -> None:
    async with world() as w:
        await later(w, SCAN, CODE)
        (message,) = w.tg.messages(CHAT)
        assert message.html == "🔢 <b>Acme: type this</b>\n<code>ABCD&lt;234</code>\nOn the phone."
        assert (message.photo, message.protected) == (False, True)
        assert "ABCD" not in str(await w.journal.recall("telegram"))
        await later(w, replace(CODE, code="EFGH5678"))
        assert "EFGH5678" in w.tg.messages(CHAT)[0].plain
        await later(w, SCAN)
        assert [m.photo for m in w.tg.messages(CHAT)] == [True]


@pytest.mark.asyncio
async def test_the_next_daemon_finds_what_stands_there() -> None:
    async with world() as w:
        await later(w, SCAN)
        w.clock.step_to(w.clock.monotonic() + 5)
        async with world(journal=w.journal, tg=w.tg, clock=w.clock) as after:
            assert await after.channel.shown() == ("acme@100",)
            await later(after, replace(SCAN, picture=blank()))
            assert w.tg.messages(CHAT)[0].picture == blank()
            w.clock.step_to(w.clock.monotonic() + 5)
            await later(after, "acme@100")
        assert w.tg.messages(CHAT) == []


@pytest.mark.asyncio
async def test_a_login_is_shown_in_no_chat_that_is_not_configured() -> None:
    async with world() as w:
        for place in ("999", "somewhere"):
            with pytest.raises(ChannelError) as error:
                await w.channel.show(replace(SCAN, to=place))
            assert error.value.permanent
        w.channel.apply(TelegramConfig(w.tg.token, (GROUP,), base_url=w.tg.url), NotifyLimits())
        with pytest.raises(ChannelError, match="not one that is told"):
            await w.channel.show(SCAN)
        assert w.tg.calls == []


@pytest.mark.asyncio
async def test_a_deleted_picture_is_posted_anew_and_one_that_is_gone_needs_no_removal() -> None:
    async with world() as w:
        await later(w, SCAN)
        w.tg.delete(w.tg.messages(CHAT)[0])
        await later(w, replace(SCAN, picture=png(SECOND)))
        assert [m.picture for m in w.tg.messages(CHAT)] == [png(SECOND)]
        w.tg.delete(w.tg.messages(CHAT)[0])
        await later(w, "acme@100")
        assert await w.channel.shown() == ()


@pytest.mark.asyncio
async def test_a_group_that_moved_is_followed_and_an_outage_is_no_end() -> None:
    async with world() as w:
        group = replace(SCAN, key="acme@-500", to="-500")
        w.tg.migrate(GROUP, -1005)
        await later(w, group)
        assert [m.chat for m in w.tg.messages()] == [-1005]
        w.tg.down = True
        w.clock.step_to(w.clock.monotonic() + 5)
        with pytest.raises(ChannelError) as error:
            await w.channel.take_down("acme@-500")
        assert not error.value.permanent
        w.tg.down = False
        w.clock.step_to(w.clock.monotonic() + 5)
        await later(w, "acme@-500")
        assert w.tg.messages() == []


@pytest.mark.asyncio
async def test_a_picture_in_a_group_that_moved_away_stays_behind() -> None:
    async with world() as w:
        await later(w, replace(SCAN, key="acme@-500", to="-500"))
        w.tg.migrate(GROUP, -1005)
        await later(w, "acme@-500")
        assert await w.channel.shown() == ()


@pytest.mark.asyncio
async def test_no_error_tells_the_code() -> None:
    async with world() as w:
        w.tg.fail(400, "Bad Request: something new")
        with pytest.raises(ChannelError) as error:
            await w.channel.show(CODE)
        chain = f"{error.value!r} {error.value.__cause__!r} {error.value.__context__!s}"
        assert "ABCD" not in chain
