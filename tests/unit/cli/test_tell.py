"""`tell COMPANY`: a test message through each of a company's own channels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio.from_thread
import pytest

from tests.fakes.http_gateway import Answer, FakeHttp, fake_http
from tests.unit.cli.conftest import Run

KEY, CANARY = "whsec_bWFkZSB1cCBhbmQgbG9uZyBlbm91Z2ggdG8gc2lnbg==", "canary7f3a"


@pytest.fixture
def http() -> Iterator[FakeHttp]:
    with ExitStack() as stack:
        portal = stack.enter_context(anyio.from_thread.start_blocking_portal())
        yield stack.enter_context(portal.wrap_async_context_manager(fake_http(default=Answer.of({}))))


@pytest.fixture
def rosa(config: Path, http: FakeHttp) -> Path:
    (config / "companies").mkdir()
    main = config / "baileykeep.toml"
    gateway = '[gateways.main]\ndialect = "ai-admin"\nurl = "http://127.0.0.1:9"\nauth_store = "none"\n'
    main.write_text(f"{main.read_text()}{gateway}")
    file = config / "companies" / "7.toml"
    file.write_text(
        f'''
        name = "Rosa"
        language = "ru"
        [tenant]
        webhook = "{http.url}/hook?key={CANARY}"
        webhook_secret = "{KEY}"
        channels = "json://u:{CANARY}@127.0.0.1:{http.port}/x"
        '''
    )
    file.chmod(0o600)
    return file


def test_every_channel_gets_one_and_says_so(run: Run, rosa: Path, http: FakeHttp) -> None:
    result = run("tell", "7")
    assert result.code == 0
    assert result.out == "webhook: took the test message\nchannel 1: took the test message\n"
    assert http.requests[0].json["type"] == "whatsapp.test"
    assert http.requests[1].json["title"] == "Это проверка: Rosa"


def test_one_that_does_not_take_it_is_named_without_its_secrets(run: Run, rosa: Path, http: FakeHttp) -> None:
    http.default = Answer.of({}, 500)
    result = run("tell", "7", "--json")
    assert result.code == 1
    assert [channel["problem"] is None for channel in result.json["channels"]] == [False, False]
    assert "the webhook of company 7 answered 500" in result.out
    assert CANARY not in result.out + result.err


def test_a_company_whom_nobody_tells_anything_is_named_with_the_remedy(run: Run, rosa: Path) -> None:
    result = run("tell", "8")
    assert result.code == 2
    assert "nobody of company 8 is told anything" in result.err
    assert "companies/8.toml" in result.err
