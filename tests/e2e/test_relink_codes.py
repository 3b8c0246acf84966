"""Pairing by a code that is typed on the phone, instead of a QR."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.channels.qr_image import png
from baileykeep.demo.folders import Shape
from baileykeep.model.errors import Refused
from tests.e2e.relinking import acme, identity, removed_and_approved
from tests.e2e.world import ANN, CHAT, world

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(180)]


async def test_a_code_instead_of_the_qr_stands_only_until_it_is_typed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        phone = session.phone
        w.configure()
        w.company_file("acme", f'name = "Acme"\nphone = "{phone}"\n')
        await w.start()
        await removed_and_approved(w)
        (picture,) = w.pictures()
        answer = await w.telegram.press(picture, "code", user=ANN)
        assert answer.text == "The code comes within 20 s, in this company's chat."
        assert await w.pass_time(30, until=lambda: any("type this code" in m.plain for m in w.telegram.messages()))
        assert w.pictures() == []
        (shown,) = [m for m in w.telegram.messages() if "type this code" in m.plain]
        code = shown.plain.splitlines()[1]
        assert (len(code), shown.protected, shown.chat) == (8, True, CHAT)
        assert f"<code>{code}</code>" in shown.html
        assert f"(…{phone[-4:]}): WhatsApp > Settings > Linked devices > Link a device > Link with" in shown.plain
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))
        await w.pass_time(5)
        assert shown.deleted
        for path in (tmp_path / "state").iterdir():
            assert not path.is_file() or code.encode() not in path.read_bytes()


async def test_a_code_that_nobody_types_gives_way_to_a_qr(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w, own_phone=True)
        await removed_and_approved(w)
        await w.telegram.press(w.pictures()[0], "code", user=ANN)
        assert await w.pass_time(60, until=lambda: not w.pictures())
        assert await w.pass_time(300, until=lambda: bool(w.pictures()))
        assert not any("type this code" in m.plain for m in w.telegram.messages())
        assert "Nobody typed the pairing code in time; a QR code is offered instead." in w.texts()[0]
        assert session.qr is not None
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


async def test_a_code_by_hand_clears_a_login_of_another_phone_and_says_so(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60), phone="4917600009999")
        w.configure()
        w.company_file("acme", 'phone = "4915100001234"\n')
        daemon = await w.start()
        assert daemon.control is not None
        assert await w.pass_time(60, until=lambda: "phone_mismatch" in w.open_causes("acme"))
        before = identity(w)
        await w.pass_time(30)
        assert identity(w) == before
        with pytest.raises(Refused) as refused:
            await daemon.control.call("pairing_code", {"company": "acme"}, "Ann")
        assert (refused.value.code, refused.value.exit_code) == ("login_alive", 3)
        with pytest.raises(Refused, match="not the phone that is configured"):
            await daemon.control.call("pairing_code", {"company": "acme", "phone": "4917600009999"}, "Ann")
        await daemon.control.call("pairing_code", {"company": "acme", "replace_login": True}, "Ann")
        assert await w.pass_time(60, until=lambda: any("type this code" in m.plain for m in w.telegram.messages()))
        said = (
            "The stored login was of another phone (…9999) than this company's (…1234): it was backed up and cleared."
        )
        assert any(said in m.plain for m in w.telegram.messages())
        events = await daemon.control.call("events", {"company": "acme"}, "Ann")
        assert [e["text"] for e in events["events"] if e["kind"] == "phone_mismatch"] == [said]
        session.scan()
        assert await w.pass_time(120, until=lambda: not daemon.acting())
        assert await w.pass_time(90, until=lambda: "phone_mismatch" not in w.open_causes("acme"))
        assert session.phone == "4915100001234"


async def test_a_code_that_cannot_be_had_gives_way_to_a_qr(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = w.gateway.add("acme", Shape.counting(60))
        session.gives_codes = False
        w.configure()
        w.company_file("acme", f'phone = "{session.phone}"\n')
        await w.start()
        await removed_and_approved(w)
        await w.telegram.press(w.pictures()[0], "code", user=ANN)
        said = "No pairing code came (no code can be had just now); a QR code is offered instead."
        assert await w.pass_time(60, until=lambda: said in w.texts()[0])
        assert await w.pass_time(30, until=lambda: [p.picture for p in w.pictures()] == [png(session.qr or "")])
        session.scan()
        assert await w.pass_time(120, until=lambda: not w.open_causes("acme"))


async def test_without_a_configured_phone_a_code_is_for_the_one_that_is_linked(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        session = await acme(w)
        assert w.daemon is not None
        assert w.daemon.control is not None
        call, own = w.daemon.control.call, {"company": "acme", "phone": session.phone, "replace_login": True}
        await w.pass_time(60)
        with pytest.raises(Refused, match="not the phone that is linked with acme"):
            await call("pairing_code", {**own, "phone": "4917600009999"}, "Ann")
        assert w.asked("acme") == []
        await call("pairing_code", own, "Ann")
        assert await w.pass_time(60, until=lambda: any("type this code" in m.plain for m in w.telegram.messages()))
