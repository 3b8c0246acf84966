"""What `docs/gateways/fazer-ai.md` tells to paste works: its configuration hears the recorded webhooks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from baileykeep.app.hooks import Hooks
from baileykeep.app.parts import make_door
from baileykeep.app.sites import Sites
from baileykeep.backups.vault import Vault
from baileykeep.clock import VirtualClock
from baileykeep.config.load import load
from baileykeep.model.facts import ConnectionSeen, ConnState, Fact
from tests.conformance.test_gateways import RECORDED
from tests.crash.processes import REPO
from tests.fakes.http_gateway import Answer, fake_http

PAGE = (REPO / "docs" / "gateways" / "fazer-ai.md").read_text()


def pasted(root: Path, url: str) -> Path:
    """The page's files where they belong, with the gateway at this address."""
    for name, text in re.findall(r"^```toml\n# (\S+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text.replace("http://127.0.0.1:3025", url))
        (root / name).chmod(0o600)
    for name, secret in (("fazer-key", "k3y"), ("fazer-webhook-token", "secret1")):
        (root / name).write_text(secret)
        (root / name).chmod(0o600)
    return root


@pytest.mark.asyncio
async def test_its_configuration_hears_the_recorded_webhooks_and_asks_only_whether_it_lives(tmp_path: Path) -> None:
    clock, facts = VirtualClock(start=1795164541.0), list[Fact]()
    async with fake_http({"GET /status/auth": Answer(body=b"OK", content_type="text/plain")}) as fake:
        settings = load(pasted(tmp_path, fake.url), {})
        sites = Sites(settings, clock, Vault(tmp_path / "backups"), make_door(clock))
        await sites.look_around()
        hooks = Hooks(sites, facts.append, clock)
        for line in (RECORDED / "fazer-ai.ndjson").read_text().splitlines():
            hooks.take("main", "997441", json.loads(line)["body"].encode())
        alive = sites.doors["main"].alive
        assert alive is not None
        await alive()
        await sites.aclose()
    assert [r.headers["x-api-key"] for r in fake.requests] == ["k3y"]
    seen = [fact for fact in facts if isinstance(fact, ConnectionSeen)]
    assert {fact.state for fact in seen} == {
        ConnState.CONNECTING, ConnState.WAITING_QR, ConnState.CONNECTED, ConnState.DISCONNECTED,
    }  # fmt: skip
    assert (seen[-1].company, seen[-1].code) == ("997441", 401)
    assert not sites.store("997441")


def test_what_it_says_cannot_be_done_the_dialect_does_not_do() -> None:
    rows = re.findall(r"^\| ([a-z, ]+) \| \*\*not done\*\*", PAGE, re.MULTILINE)
    assert [word for row in rows for word in row.split(", ")] == ["reconnect", "start", "stop", "reset", "relink"]
