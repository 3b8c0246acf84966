"""`docs/tenants.md`: its configurations can be pasted, and its receivers take what we sign."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from baileykeep.app.channels import tenant
from baileykeep.config import load
from tests.e2e.lab.node import node

PAGE = (Path(__file__).parents[2] / "docs" / "tenants.md").read_text("utf-8")
KEY = "whsec_bWFkZSB1cCBhbmQgbG9uZyBlbm91Z2ggdG8gc2lnbg=="
MAIN = '[gateways.main]\ndialect = "ai-admin"\nurl = "http://127.0.0.1:1"\nsessions = "/srv/auth/{company}"\n'


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_configurations_can_be_pasted(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, text in (("webhook", KEY), ("rosa_channels", "json://one.example/\njson://two.example/")):
        (secrets / name).write_text(text)
        (secrets / name).chmod(0o600)
    main, rosa = (block.replace("/etc/baileykeep/secrets", str(secrets)) for block in blocks("toml"))
    (tmp_path / "companies").mkdir()
    (tmp_path / "companies" / "997441.toml").write_text(rosa)
    (tmp_path / "baileykeep.toml").write_text(main + MAIN)
    settings = load(tmp_path, {})
    found = tenant(settings, "997441")
    assert found is not None
    assert (found.name, found.language, found.zone) == ("Salon Rosa", "he", "Asia/Jerusalem")
    assert [(to.channel, to.address) for to in found.contacts] == [
        ("webhook", "997441"), ("apprise", "997441#1"), ("apprise", "997441#2"),
    ]  # fmt: skip
    assert found.scan_url.endswith("company=997441")


def signed(body: str, at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    return {"webhook-id": "m1", "webhook-timestamp": stamp, "webhook-signature": Webhook(KEY).sign("m1", at, body)}


def test_the_receiver_in_python_takes_what_is_ours() -> None:
    place: dict[str, object] = {"SECRET": KEY}
    exec(blocks("python")[0], place)  # noqa: S102  # the page's own example
    received = place["received"]
    assert callable(received)
    now = datetime.now(UTC)
    assert received(b'{"a": 1}', signed('{"a": 1}', now)) == {"a": 1}
    with pytest.raises(Exception, match="No matching signature"):
        received(b'{"a": 2}', signed('{"a": 1}', now))


@pytest.mark.parametrize(("body", "expected"), [('{"a": 1}', 0), ('{"a": 2}', 1)])
def test_the_receiver_in_node_takes_what_is_ours(body: str, expected: int) -> None:
    headers = signed('{"a": 1}', datetime.now(UTC))
    script = f"const SECRET = '{KEY}'\n{blocks('js')[0]}\nreceived(process.argv[1], {headers!r})\n"
    run = subprocess.run([node(), "-e", script, body], capture_output=True, timeout=30, check=False)
    assert run.returncode == expected, run.stderr.decode()
