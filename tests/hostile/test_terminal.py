"""Names and texts from elsewhere that would colour, clear, rename or forge a terminal, a log or a JSON document."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.cli import output
from baileykeep.cli.failures import run_guarded, tell
from baileykeep.cli.qr import QrPanel
from baileykeep.model.errors import BaileykeepError
from baileykeep.telemetry import configure
from baileykeep.telemetry.log import escape_event, redact_event
from tests.fakes.overview import NOW, troubled
from tests.unit.auth_folders import copy_of
from tests.unit.cli.conftest import Daemon, Run

ESCAPES = "\x1b[2J\x1b]0;pwned\x07\x9b31m\x08\r\x00\u202e\u2028\u200f\udcff"
CANARY = "the-canary-in-a-local-variable"
EVIL = f"Evil{ESCAPES}<b>&amp;*_[x](http://y)`\n2026-11-20 [error] forged"


def harmless(text: str) -> None:
    """No character in it that a terminal obeys; line ends are ours."""
    bad = {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Co")}
    assert not bad, sorted(map(hex, map(ord, bad)))


def poisoned(value: Any, keys: frozenset[str]) -> Any:
    """The same with every free text replaced by a hostile one."""
    if isinstance(value, dict):
        return {k: EVIL if k in keys and isinstance(v, str) else poisoned(v, keys) for k, v in value.items()}
    if isinstance(value, list):
        return [EVIL if isinstance(item, str) else poisoned(item, keys) for item in value]
    return value


FREE = frozenset(
    {"name", "headline", "next", "phone", "version", "dialect", "id", "url", "state", "cause", "level", "manager"}
    | {"text", "note", "operator", "kind", "reason", "code", "newest_kind", "subject", "hold", "now", "gateway"}
)


def events() -> dict[str, Any]:
    line = {"at": NOW, "kind": EVIL, "subject": EVIL, "company": EVIL, "incident": EVIL, "operator": EVIL, "text": EVIL}
    return {"events": [line] * 3}


COMMANDS = (
    "health", "health --all", "health --json", "health x", "explain x", "explain x --json", "events", "events --json",
    "events x", "inspect x", "reconnect x", "reconnect x --no-wait", "cleanup x --dry-run", "pause x", "resume",
)  # fmt: skip


@pytest.mark.parametrize("words", [*map(str.split, COMMANDS), ["ack", EVIL.replace("\x00", "").replace("\udcff", "")]])
def test_no_text_from_elsewhere_steers_the_terminal(words: list[str], run: Run, daemon: Daemon) -> None:
    view = poisoned(troubled(), FREE)
    removal = {"name": EVIL, "type": EVIL, "age_days": 3.0, "reason": EVIL}
    ended = {"action": "a", "company": "x", "rung": "reconnect", "state": "ended", "outcome": "failed", "note": EVIL}
    daemon(
        overview=view,
        company=view["companies"][1],
        events=events(),
        pause={},
        resume={},
        ack={},
        inspect=BaileykeepError(EVIL),
        plan={"remove": [removal], "kept": {EVIL: 3}, "reclaimable": 1, "level_after": EVIL},
        explain={"now": EVIL, "decisions": [], "incidents": [], "events": [], "lines": [{"at": NOW, "text": EVIL}]},
        reconnect={"action": EVIL},
        action={**ended, "steps": [{"at": NOW, "name": EVIL, "text": EVIL}]},
    )
    result = run(*words)
    harmless(result.out)
    harmless(result.err)
    assert "this should not have happened" not in result.err
    if "--json" in words:
        assert json.loads(result.out)


def test_errors_of_a_daemon_are_shown_harmless_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(BaileykeepError(EVIL + " token=s3cr3t-value", next_step=EVIL)) == 1
    err = capsys.readouterr().err
    harmless(err)
    assert "s3cr3t-value" not in err


def test_a_crash_shows_where_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_words: list[str]) -> int:
        local = CANARY  # noqa: F841
        raise RuntimeError(f"{ESCAPES} Authorization: Bearer s3cr3t-value of +4915112345678")

    monkeypatch.setattr("baileykeep.cli.failures._run", crash)
    for words in ([], ["--debug"]):
        assert run_guarded(words) == 1
        err = capsys.readouterr().err
        harmless(err)
        assert "RuntimeError" in err
        for secret in ("s3cr3t-value", "4915112345678", CANARY):
            assert secret not in err
        assert ("Traceback" in err) == bool(words)


OFFLINE = (
    "config check", "config check --json", "config show 7", "doctor", "doctor --json", "inspect 7", "inspect 7 --json",
    "cleanup 7 --dry-run", "cleanup 7 --dry-run --json", "backup create 7", "backup create 7 --json", "backup list 7",
    "backup verify 7", "guard 7", "backup restore 7 --stopped", "backup restore 7 --stopped --json", "backup all",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_names_on_disk_that_are_no_text_do_not_end_a_command(run: Run, config: Path, tmp_path: Path) -> None:
    root = tmp_path / "sessions"
    copy_of("auth-6", root / "company_7")
    for name in (b"\xff\xfe", b"\x1b[2J", b"a\nb", "‮x".encode()):
        os.makedirs(os.fsencode(root) + b"/company_" + name)
        (Path(os.fsdecode(os.fsencode(root / "company_7") + b"/device-list-" + name + b".json"))).write_text("{}")
    (config / "companies").mkdir()
    (Path(os.fsdecode(os.fsencode(config / "companies") + b"/\xff\x1b[2J.toml"))).write_text("")
    (config / "baileykeep.toml").write_text(
        f"""
        state_dir = "{tmp_path}/state"
        backups_dir = "{tmp_path}/backups"
        [gateways.main]
        dialect = "ai-admin"
        url = "http://127.0.0.1:9"
        sessions = "{root}/company_{{company}}"
        """
    )
    for words in [*map(str.split, OFFLINE), ["inspect", "--folder", str(root / "company_7")]]:
        result = run(*words)
        harmless(result.out)
        harmless(result.err)
        assert "this should not have happened" not in result.err, (words, result.err)
        if "--json" in words:
            json.loads(result.out)


@pytest.mark.parametrize("text", ["x" * 5000, "2@\udcff", "\x00" * 10, "🜏" * 900])
def test_a_qr_that_cannot_be_drawn_is_said_and_does_not_end_the_command(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Client:
        def call(self, _command: str, _args: dict[str, Any]) -> dict[str, Any]:
            return {"qr": text, "expires_at": None}

    panel = QrPanel(Client(), "7")  # type: ignore[arg-type]
    panel.refresh({"steps": [{"at": NOW, "name": "wait_for_scan", "text": ""}]})  # type: ignore[typeddict-item]
    assert capsys.readouterr().out


def test_a_terminal_that_knows_few_letters_still_shows_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    run_guarded(["--help"])
    output.line("Käse → \udcff")
    out.flush()
    assert b"K\\xe4se" in out.buffer.getvalue()


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_json_on_the_terminal_is_the_same_value(text: str) -> None:
    before, sys.stdout = sys.stdout, io.StringIO()
    try:
        output.print_json({"a": text, text: [text]})
        shown = sys.stdout.getvalue()
    finally:
        sys.stdout = before
    harmless(shown)
    assert json.loads(shown) == {"a": text, text: [text]}


# --- logs -------------------------------------------------------------------------------------------------------------


VISIBLE = ESCAPES.replace("\udcff", "")
SAID = EVIL.replace("\udcff", "")
"""What pytest captures of logs must be text, or its workers cannot report it."""


@pytest.fixture(params=[True, False])
def log(request: pytest.FixtureRequest) -> Iterator[tuple[io.StringIO, bool]]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    out = io.StringIO()
    configure("debug", json=request.param, stream=out)
    yield out, request.param
    root.handlers[:], root.level = before, level
    structlog.reset_defaults()


def test_a_log_line_stays_one_line_whatever_is_in_it(log: tuple[io.StringIO, bool]) -> None:
    out, as_json = log
    structlog.get_logger("x").warning("event " + SAID, company=SAID, nested={SAID: [SAID, {"a": SAID}]}, number=3)
    logging.getLogger("some.library").warning("says %s", SAID)
    text = out.getvalue()
    lines = text.splitlines() if not as_json else text.split("\n")[:-1]
    assert len(lines) == 2
    if as_json:
        for line in lines:
            harmless(line)
            assert json.loads(line)["level"] == "warning"
    else:
        for inside in ("pwned\x07", "\x9b", "\u202e", "\r", "\x1b[2J", "\x00"):
            assert inside not in text


def test_a_traceback_shows_no_local_variables_and_no_escapes(log: tuple[io.StringIO, bool]) -> None:
    out, _ = log

    def crash(secret: str) -> None:
        hidden = {"creds": secret, "fact": secret}
        raise ValueError(f"no good: token={secret} {VISIBLE} {len(hidden)}")

    try:
        crash(CANARY)
    except ValueError:
        structlog.get_logger("x").exception("unit_crashed")
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    text = out.getvalue()
    assert "ValueError" in text
    assert "in crash" in text
    assert CANARY not in text
    assert "\x1b[2J" not in text
    assert "\x07" not in text


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.text(max_size=20) | st.integers() | st.none(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_escaping_never_fails_and_leaves_no_control_character(value: Any) -> None:
    event = escape_event(None, "", redact_event(None, "", {"event": "e", "value": value, "exception": str(value)}))

    def check(found: Any) -> None:
        if isinstance(found, dict):
            for key, item in found.items():
                check(key)
                check(item)
        elif isinstance(found, list):
            for item in found:
                check(item)
        elif isinstance(found, str):
            assert found.replace("\n", "").isprintable()

    check(event)
    assert str(event["value"]).isprintable()


def test_a_name_that_is_no_text_is_escaped_too() -> None:
    assert escape_event(None, "", {"event": "e\udcff", "a": ["\udcff"]}) == {"event": "e\\udcff", "a": ["\\udcff"]}
