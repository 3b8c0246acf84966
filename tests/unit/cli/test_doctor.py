"""`doctor`, against real folders, a real HTTP server and a stand-in Bot API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio.from_thread
import pytest

from baileykeep.app import lifecycle
from baileykeep.cli import checks
from baileykeep.stores.files import FileStore
from tests.fakes.docker_engine import CANARY, DockerEngine, container
from tests.fakes.http_gateway import Answer, FakeHttp, fake_http
from tests.fakes.overview import overview
from tests.unit.auth_folders import copy_of
from tests.unit.cli.conftest import Daemon, Result, Run

TOKEN = "123456789:AAmadeupmadeupmadeupmadeupmadeup0123"
MEMBER = f"GET /bot{TOKEN}/getChatMember?chat_id=-1001&user_id=42"


@pytest.fixture
def http() -> Iterator[FakeHttp]:
    """Gateway and Bot API in one."""
    routes: dict[str, object] = {
        "GET /api/whatsapp/sessions": Answer.of({"sessions": [{"id": "7", "connected": True}]}),
        f"GET /bot{TOKEN}/getMe": Answer.of({"ok": True, "result": {"id": 42, "username": "keeper_bot"}}),
        MEMBER: Answer.of({"ok": True, "result": {"status": "member"}}),
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
    assert found.pop("copies off this host") == "warn"
    assert set(found.values()) == {"ok"}, result.out
    assert {
        "configuration",
        "daemon",
        "journal",
        "companies",
        "log of main",
        "gateway main",
        "logins",
        "telegram",
    } <= found.keys()
    assert (result.code, result.json["ok"]) == (0, True)
    text = run("doctor").out
    assert "@keeper_bot answers; may write in 1 chat" in text
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


def test_logins_in_a_container_s_own_layer_are_warned_of(run: Run, installed: Path, tmp_path: Path) -> None:
    found = container("gw")
    found["GraphDriver"]["Data"]["UpperDir"] = str(tmp_path)
    same = f'manager = "docker"\ncontainer = "gw"\nsocket = "{tmp_path}/d/docker.sock"\n'
    second = '[gateways.second]\ndialect = "ai-admin"\nurl = "http://127.0.0.1:9"\n'
    second += f'sessions = "{tmp_path}/b/c_{{company}}"\n'
    (tmp_path / "b" / "c_bella").mkdir(parents=True)
    tables = f"[gateways.main.process]\n{same}{second}[gateways.second.process]\n{same}"
    installed.write_text(installed.read_text() + tables)
    with anyio.from_thread.start_blocking_portal() as portal:
        engine = DockerEngine(tmp_path / "d", [found])
        with portal.wrap_async_context_manager(engine.serving()):
            lines = run("doctor").out
            found["Mounts"][0]["Source"] = str(tmp_path)
            mounted = run("doctor").out
    assert "process of main: docker says running" in lines
    assert "it carries 7 and bella; gateway second may be on it, too" in lines
    assert "the login lies in the container's own layer and is lost with the next deploy" in lines
    assert "lost with" not in mounted
    assert CANARY not in lines + mounted


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


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"ok": False, "description": "Bad Request: chat not found"}, "cannot be reached: Bad Request: chat not found"),
        ({"ok": True, "result": {"status": "kicked"}}, "the bot is not in it any more"),
        (
            {"ok": True, "result": {"status": "restricted", "can_send_messages": True, "can_send_photos": False}},
            "the bot may not show a QR there",
        ),
        (
            {"ok": True, "result": {"status": "administrator", "can_post_messages": False}},
            "the bot may not write there",
        ),
    ],
)
def test_a_chat_that_the_bot_cannot_use_is_named(
    run: Run, installed: Path, http: FakeHttp, answer: dict[str, object], words: str
) -> None:
    http.routes[MEMBER] = Answer.of(answer)
    result = run("doctor")
    assert result.code == 1
    assert f"fail  telegram chat -1001: {words}" in result.out


def test_an_admin_of_a_group_needs_no_rights_of_a_channel(run: Run, installed: Path, http: FakeHttp) -> None:
    http.routes[MEMBER] = Answer.of({"ok": True, "result": {"status": "administrator", "can_delete_messages": True}})
    assert "ok    telegram: @keeper_bot answers; may write in 1 chat" in run("doctor").out


PINO = (
    '{"level":50,"companyId":"%s","err":{"message":"Bad MAC"},"key":{"remoteJid":"1@lid"},'
    '"msg":"failed to decrypt message"}\n'
)


@pytest.fixture
def two(installed: Path, store: FileStore, tmp_path: Path) -> Path:
    """A second company in the same log; the log."""
    copy_of("auth-7", tmp_path / "sessions" / "company_8", days=1, now=time.time())
    return tmp_path / "gateway.log"


def attributed(installed: Path, how: str) -> None:
    installed.write_text(installed.read_text().replace('gateway.log"\n', f'gateway.log"\n{how}\n'))


def test_a_log_in_which_no_line_says_whose_it_is_is_named(run: Run, two: Path) -> None:
    assert "warn  log of main: no line says which of 2 companies it is about: what it tells is" in run("doctor").out


def test_a_field_that_no_line_has_is_found_out(run: Run, installed: Path, two: Path) -> None:
    two.write_text(PINO % "8" * 6)
    attributed(installed, 'company_field = "tenant"')
    assert "none of the last 6 events names a company by tenant" in run("doctor").out


def test_ids_that_the_log_writes_otherwise_are_found_out(run: Run, installed: Path, two: Path) -> None:
    two.write_text(PINO % "company_8" * 6)
    attributed(installed, 'company_field = "companyId"')
    result = run("doctor").out
    assert "none of the last 6 events names a company that is known here" in result
    assert "set company_template" in result


def test_a_log_that_names_its_companies_is_fine(run: Run, installed: Path, two: Path) -> None:
    two.write_text(PINO % "8" * 6)
    attributed(installed, 'company_field = "companyId"')
    assert "warn  log of main" not in run("doctor").out


def test_one_login_in_two_folders_is_named(run: Run, installed: Path, tmp_path: Path) -> None:
    copy_of("auth-6", tmp_path / "sessions" / "company_8", days=1, now=time.time())
    result = run("doctor")
    assert result.code == 1
    assert "fail  company 8: has the login of company 7 (…" in result.out


def test_two_logins_of_one_phone_are_named(run: Run, two: Path) -> None:
    assert "fail  company 8: is logged in with company 7's phone (…" in run("doctor").out


def test_another_phone_than_the_companys_is_named_by_its_last_digits(run: Run, installed: Path) -> None:
    company = installed.parent / "companies" / "7.toml"
    company.parent.mkdir()
    company.write_text('phone = "4917600001234"\n')
    result = run("doctor").out
    assert "warn  company 7: is logged in with …" in result
    assert "but its file says …1234" in result
    assert "4917600001234" not in result


def test_what_it_means_for_the_ladder_is_said(run: Run, installed: Path) -> None:
    result = run("doctor").out
    assert "ok    ladder of main: it can reconnect, set the broken contact sessions aside, back up and clean" in result
    assert "one session is stopped at a time" in result
    assert "Cannot restart the gateway: no process manager is configured" in result


def test_a_gateway_for_which_there_is_only_an_alert_is_named(run: Run, installed: Path) -> None:
    (installed.parent / "companies").mkdir(exist_ok=True)
    (installed.parent / "companies" / "9.toml").write_text('gateway = "far"\n')
    text = (
        installed.read_text()
        + """
    [gateways.far]
    dialect = "fazer-ai"
    url = "http://127.0.0.1:9"
    secret = "made-up"
    auth_store = "none"
    [gateways.far.webhook]
    token = "made-up-and-long-enough-to-be-one"
    """
    )
    installed.write_text(text)
    result = run("doctor").out
    assert "warn  ladder of far: it can only alert. Cannot restart the gateway" in result
    assert "Cannot reconnect: its only call for that would replace the webhook" in result


def test_companies_that_differ_have_lines_of_their_own(run: Run, two: Path) -> None:
    result = run("doctor").out
    assert "ladder of main: it can" in result, "both are alike"
    assert "ladder of main for" not in result


def test_an_address_that_no_service_understands_is_named_without_it(run: Run, installed: Path) -> None:
    company = installed.parent / "companies" / "7.toml"
    company.parent.mkdir(exist_ok=True)
    company.write_text('[tenant]\nchannels = ["json://u:canary7f3a@127.0.0.1/", "nonsense://canary7f3a/"]\n')
    company.chmod(0o600)
    result = run("doctor").out
    assert "fail  company 7: channel 2 is no address that apprise understands" in result
    assert "canary7f3a" not in result
    company.write_text('[tenant]\nchannels = "json://127.0.0.1/"\n')
    assert "ok    tenants: 1 company is told" in run("doctor").out
