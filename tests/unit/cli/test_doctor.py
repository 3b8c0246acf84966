"""`doctor`, against real folders, a real HTTP server and a stand-in Bot API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio.from_thread
import pytest

from baileykeep.app import lifecycle
from baileykeep.cli import checks
from baileykeep.stores.files import FileStore
from tests.fakes.http_gateway import Answer, FakeHttp, fake_http
from tests.fakes.overview import overview
from tests.unit.cli.conftest import Daemon, Result, Run

TOKEN = "123456789:AAmadeupmadeupmadeupmadeupmadeup0123"


@pytest.fixture
def http() -> Iterator[FakeHttp]:
    """Gateway and Bot API in one."""
    routes: dict[str, object] = {
        "GET /api/whatsapp/sessions": Answer.of({"sessions": [{"id": "7", "connected": True}]}),
        f"GET /bot{TOKEN}/getMe": Answer.of({"ok": True, "result": {"username": "keeper_bot"}}),
    }
    with ExitStack() as stack:
        portal = stack.enter_context(anyio.from_thread.start_blocking_portal())
        yield stack.enter_context(portal.wrap_async_context_manager(fake_http(routes)))  # type: ignore[arg-type]


@pytest.fixture
def installed(config: Path, store: FileStore, http: FakeHttp, tmp_path: Path) -> Path:
    """An installation in which everything can be reached."""
    for folder in ("state", "backups"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder).chmod(0o700)
    (tmp_path / "gateway.log").write_text("")
    main = config / "baileykeep.toml"
    main.write_text(
        main.read_text().replace("http://127.0.0.1:9", http.url)
        + f"""
        [[gateways.main.logs]]
        path = "{tmp_path}/gateway.log"
        [telegram]
        token = "{TOKEN}"
        api_url = "{http.url}"
        chats = [-1001]
        users = [1]
        """
    )
    main.chmod(0o600)
    return main


def states(result: Result) -> dict[str, str]:
    return {check["name"]: check["state"] for check in result.json["checks"]}


def test_everything_can_be_reached(run: Run, daemon: Daemon, installed: Path) -> None:
    daemon(overview=overview())
    result = run("doctor", "--json")
    found = states(result)
    assert found.pop("process of main") == "warn"
    assert set(found.values()) == {"ok"}, result.out
    assert {
        "configuration",
        "daemon",
        "journal",
        "companies",
        "log of main",
        "gateway main",
        "telegram",
    } <= found.keys()
    assert (result.code, result.json["ok"]) == (0, True)
    text = run("doctor").out
    assert "@keeper_bot answers; tells 1 chat" in text
    assert "answers and knows 1 session" in text


def test_what_is_wrong_is_said_with_its_remedy(run: Run, installed: Path, http: FakeHttp, tmp_path: Path) -> None:
    http.routes.clear()
    (tmp_path / "gateway.log").unlink()
    (tmp_path / "backups").chmod(0o755)
    (tmp_path / "state" / "journal.db").write_text("this is no database, and long enough to be looked at" * 20)
    result = run("doctor", "--json")
    found = states(result)
    assert result.code == 1
    assert {name: found[name] for name in ("daemon", "log of main", "backups")} == dict.fromkeys(
        ("daemon", "log of main", "backups"), "warn"
    )
    assert {name: found[name] for name in ("journal", "gateway main", "telegram")} == dict.fromkeys(
        ("journal", "gateway main", "telegram"), "fail"
    )
    assert TOKEN not in result.out


def test_a_configuration_that_cannot_be_used_is_the_only_news(run: Run, config: Path) -> None:
    main = config / "baileykeep.toml"
    main.write_text(main.read_text() + "mode = 'hope'\n")
    result = run("doctor")
    assert result.code == 1
    assert "mode" in result.out
    assert "warn  daemon: not running" in result.out


def test_the_token_is_not_told_when_nobody_answers(run: Run, installed: Path) -> None:
    installed.write_text(installed.read_text().replace('api_url = "http://', 'api_url = "http://127.0.0.1:9/'))
    result = run("doctor")
    assert "telegram: no answer" in result.out
    assert TOKEN not in result.out + result.err


def test_the_journal_is_looked_for_where_the_daemon_keeps_it() -> None:
    assert checks.JOURNAL == lifecycle.JOURNAL
