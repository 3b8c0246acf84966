"""Each dialect has a page, and what it says to paste works: loaded as it stands, against its recorded answers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pydantic import SecretStr

from baileykeep.app.parts import make_door
from baileykeep.clock import FastClock
from baileykeep.config import load
from baileykeep.config.settings import Settings
from baileykeep.gateways.dialect import (
    CAPABILITIES,
    Ask,
    Auth,
    Bulk,
    Call,
    Calls,
    Dialect,
    Errors,
    Start,
    Status,
    WebhookCall,
    dialect_names,
    load_dialect,
)
from baileykeep.gateways.http import HttpGateway
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState
from tests.conformance.test_gateways import KEY, ask, cases, check_requests, check_result, served
from tests.docs.gateway_pages import MEANING, filled
from tests.docs.generate import DOCS
from tests.fakes.http_gateway import fake_http

FOLDER = DOCS / "gateways"
TEMPLATE = DOCS.parent / "config" / "dialects" / "template.toml"
ASKED = [name for name in dialect_names() if load_dialect(name).status is not None]
"""Whoever only tells by webhook has a page and tests of another kind."""

BLOCK = re.compile(r"^```toml\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    path = FOLDER / f"{name}.md"
    assert path.is_file(), f"write docs/gateways/{name}.md: what it is, what to paste, what it cannot do, its traps"
    return path.read_text("utf-8")


def pasted(name: str, folder: Path, url: str) -> Settings:
    """The configuration that a page tells to paste, with its secrets beside it, and the gateway's real address."""
    for file, text in BLOCK.findall(page(name)):
        for secret in re.findall(r'^secret_file = "([^"/]+)"', text, re.MULTILINE):
            (folder / secret).write_text(KEY)
            (folder / secret).chmod(0o600)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(re.sub(r'^url = ".*"$', f'url = "{url}"', text, flags=re.MULTILINE))
    return load(folder, {})


def made(settings: Settings) -> HttpGateway:
    """The gateway as the daemon makes it."""
    gateway = make_door(FastClock(1000))("main", settings).gateway
    assert isinstance(gateway, HttpGateway)
    return gateway


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ASKED)
async def test_what_a_page_says_to_paste_speaks_with_its_gateway(name: str, tmp_path: Path) -> None:
    async with fake_http() as fake:
        settings = pasted(name, tmp_path, fake.url)
        assert settings.gateways["main"].dialect == name
        key = settings.keys().get("2") or plain(settings.gateways["main"].secret)
        for case in cases(name):
            fake.routes, fake.requests[:] = served(case), []
            gateway = made(settings)
            if "problem" in case:
                found = await refused(gateway, case["call"])
                assert (found.code, found.cause.startswith("gateway main: ")) == (case["problem"], True)
            else:
                check_result(case, await ask(gateway, case["call"]))
            check_requests(name, case, fake, key)
            await gateway.aclose()


async def refused(gateway: HttpGateway, call: str) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await ask(gateway, call)
    return caught.value


def plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret is not None else None


@pytest.mark.parametrize("name", ASKED)
def test_what_a_page_says_can_be_done_can(name: str) -> None:
    text = page(name)
    assert text == filled(text, name), f"docs/gateways/{name}.md is out of date: run `make docs`"
    assert text.count("| yes: ") + text.count("| no: ") == len(CAPABILITIES) + 1


@pytest.mark.parametrize("name", ASKED)
def test_a_page_has_all_that_somebody_needs(name: str) -> None:
    text = page(name)
    chapters = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [c for c in chapters if c != "What is watched, and what is not"] == [
        "Configuration",
        "What can be done",
        "Its traps",
    ]
    unreachable = 'auth_store = "none"' in text
    assert unreachable == ("What is watched, and what is not" in chapters)
    assert text.rpartition("## Its traps")[2].count("\n- ") >= 3


def test_no_page_is_left_over_and_each_is_linked() -> None:
    pages = {path.stem for path in FOLDER.glob("*.md")}
    assert pages - {"your-own"} >= set(dialect_names())
    linked = set(re.findall(r"\(gateways/([\w.-]+)\.md\)", (DOCS / "gateways.md").read_text("utf-8")))
    assert linked == pages


def test_links_of_the_pages_lead_somewhere() -> None:
    for path in FOLDER.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)", path.read_text("utf-8")):
            assert (FOLDER / target).exists(), f"{path.name}: {target}"


def test_every_capability_has_its_words() -> None:
    assert tuple(MEANING) == CAPABILITIES


# --- a gateway of one's own ----------------------------------------------------------------------------------------


def test_the_template_can_be_loaded_and_shows_every_key(tmp_path: Path) -> None:
    shutil.copy(TEMPLATE, tmp_path)
    dialect = load_dialect("template", [tmp_path])
    assert dialect.origin == str(tmp_path / "template.toml")
    assert all(dialect.call(name) for name in CAPABILITIES)
    text = TEMPLATE.read_text("utf-8")
    for part in (Dialect, Auth, Errors, Call, Status, Bulk, Start, Ask, Calls, WebhookCall):
        for key in part.model_fields.keys() - {"name", "origin", "webhook", "alive"}:
            assert re.search(rf"(^|\W){key}\b", text), f"{part.__name__}: {key}"


def test_the_template_says_which_words_states_can_have() -> None:
    text = TEMPLATE.read_text("utf-8")
    assert all(state.value in text for state in ConnState if state is not ConnState.UNKNOWN)


def test_what_the_page_on_ones_own_dialect_shows_can_be_used(tmp_path: Path) -> None:
    settings = pasted("your-own", tmp_path, "http://127.0.0.1:3300")
    status = settings.dialects["main"].status
    assert status is not None
    assert status.path == "/v2/tenants/{id}/status"
    assert not made(settings).capabilities.stop
