"""What `docs/gateways.md` shows of the lab's gateway is so: its requests, its configuration, its links."""

from __future__ import annotations

import re
from pathlib import Path

from baileykeep.config.load import load
from tests.crash.processes import REPO
from tests.e2e.lab.node import LAB, put_dialect

DOCS = REPO / "docs"
PAGE = (DOCS / "gateways.md").read_text()


def test_its_requests_are_those_that_the_gateway_answers() -> None:
    told = set(re.findall(r"^\| `((?:GET|POST) /whatsapp\S*)` \|", PAGE, re.MULTILINE))
    routes = (LAB / "gateway" / "routes.mjs").read_text()
    answered = set(re.findall(r"'((?:GET|POST) /whatsapp[^']*)'", routes))
    assert told == {route.replace(":tenant", "{tenant}") for route in answered}


def test_its_configuration_can_be_loaded(tmp_path: Path) -> None:
    text = re.search(r"<<END\n(.*?)^END$", PAGE, re.MULTILINE | re.DOTALL)
    assert text is not None
    values = {"$LAB": str(tmp_path), "$GATEWAY": "http://127.0.0.1:3300", "$SECRET": "made-up"}
    written = re.sub(r"\$[A-Z]+", lambda found: values[found[0]], text[1])
    (tmp_path / "baileykeep.toml").write_text(written)
    (tmp_path / "baileykeep.toml").chmod(0o600)
    put_dialect(tmp_path)
    gateway = load(tmp_path, environ={}).installation.gateways["main"]
    assert gateway.dialect == "lab"
    assert [log.company_field for log in gateway.logs] == ["companyId", None]


def test_its_links_and_those_of_the_lab_lead_somewhere() -> None:
    for page in (PAGE, (DOCS / "lab.md").read_text()):
        for target in re.findall(r"\]\(([^)#]+)", page):
            assert (DOCS / target).exists(), target
