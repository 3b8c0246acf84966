"""The whole daemon tells a company itself, by webhook and letter, from the loss of its login to its end."""

from __future__ import annotations

from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.e2e.relinking import acme, removed_and_approved
from tests.e2e.world import world
from tests.fakes.http_gateway import Answer, fake_http
from tests.fakes.smtp import fake_smtp

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(120)]
KEY = "whsec_bWFkZSB1cCBhbmQgbG9uZyBlbm91Z2ggdG8gc2lnbg=="


async def test_a_company_hears_in_its_language_that_it_must_scan_and_that_it_works_again(tmp_path: Path) -> None:
    async with fake_http(default=Answer.of({})) as http, fake_smtp() as smtp, world(tmp_path) as w:
        mail = f"mailto://127.0.0.1:{smtp.port}?from=keep@shop.example&to=rosa@shop.example&format=text&mode=insecure"
        w.config_dir.mkdir()
        (w.config_dir / "companies").mkdir()
        w.company_file(
            "acme",
            f'''
            name = "Rosa"
            language = "es"
            [tenant]
            webhook = "{http.url}/hook"
            webhook_secret = "{KEY}"
            channels = "{mail}"
            scan_url = "https://wa.example/connect?company={{company}}"
            ''',
        )
        session = await acme(w)
        await removed_and_approved(w)
        assert await w.pass_time(300, until=lambda: len(http.requests) == 1 and len(smtp.letters) == 1)
        first = http.requests[0]
        assert first.json["type"] == "whatsapp.needs_scan"
        assert first.json["data"]["title"] == "Vuelva a vincular WhatsApp: Rosa"
        assert "https://wa.example/connect?company=acme" in first.json["data"]["todo"]
        assert "Vuelva a vincular WhatsApp" in smtp.text
        session.scan()
        assert await w.pass_time(600, until=lambda: len(http.requests) == 2 and len(smtp.letters) == 2)
        last = http.requests[1]
        assert last.json["type"] == "whatsapp.connected"
        assert "funciona de nuevo" in smtp.text
        for request in http.requests:
            assert request.headers["webhook-id"].startswith("msg_t")
            assert session.phone not in request.body.decode()
            stamp = request.headers["webhook-timestamp"]
            signature = request.headers["webhook-signature"]
            assert signature == _signed(request.headers["webhook-id"], stamp, request.body.decode())
        assert "Told the company" not in w.texts()[0], "staff have their own story"


async def test_staff_hear_that_a_receiver_wants_no_more_until_its_address_is_mended(tmp_path: Path) -> None:
    async with fake_http({"POST /old": Answer(410)}, default=Answer.of({})) as http, world(tmp_path) as w:
        w.config_dir.mkdir()
        (w.config_dir / "companies").mkdir()
        own = f'[tenant]\nwebhook_secret = "{KEY}"\nwebhook = "{http.url}/%s"\n'
        w.company_file("acme", own % "old")
        await acme(w)
        await removed_and_approved(w)
        said = "Its own people cannot be told: the webhook of company acme is gone (410)."
        assert await w.pass_time(300, until=lambda: any(said in text for text in w.texts()))
        assert any("baileykeep tell acme" in text for text in w.texts())
        w.company_file("acme", own % "new")
        assert w.daemon is not None
        assert w.daemon.control is not None
        await w.daemon.control.call("reload", {}, "ann")
        w.gateway["acme"].scan()
        assert await w.pass_time(300, until=lambda: w.open_causes("acme") == [])


def _signed(ident: str, stamp: str, body: str) -> str:
    from datetime import UTC, datetime

    return Webhook(KEY).sign(ident, datetime.fromtimestamp(int(stamp), UTC), body)
