"""Commands that change something, and how their progress and their end are told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from baileykeep.cli import qr
from baileykeep.cli.answer import which, who_and_how_long
from baileykeep.cli.qr import blocks
from baileykeep.model.errors import GatewayError, Refused, UsageError
from tests.fakes.overview import company, incident, overview, troubled
from tests.unit.cli.conftest import Daemon, Run


def action(state: str = "ended", outcome: str | None = "done", steps: int = 1, note: str = "") -> dict[str, Any]:
    return {
        "action": "a-1",
        "company": "7",
        "rung": "reconnect",
        "state": state,
        "steps": [{"at": 1.8e9, "name": f"step_{n}", "text": f"text {n}"} for n in range(steps)],
        "outcome": None if state == "running" else outcome,
        "note": note,
    }


def test_steps_are_told_once_each_and_then_the_end(daemon: Daemon, run: Run) -> None:
    control = daemon(
        reconnect={"action": "a-1"}, action=[action("running", steps=1), action(outcome="healed", steps=2)]
    )
    result = run("reconnect", "7")
    assert result.code == 0
    assert [line.partition("  ")[2] or line for line in result.out.splitlines()] == [
        "step 0: text 0",
        "step 1: text 1",
        "healed: connected and paired",
    ]
    assert control.asked("action") == [{"action": "a-1"}, {"action": "a-1"}]


@pytest.mark.parametrize(
    ("outcome", "code"), [("healed", 0), ("done", 0), ("superseded", 0), ("failed", 1), ("undone", 1), ("refused", 3)]
)
def test_the_outcome_is_the_exit_code(daemon: Daemon, run: Run, outcome: str, code: int) -> None:
    daemon(reconnect={"action": "a-1"}, action=action(outcome=outcome, note="because"))
    result = run("reconnect", "7")
    assert result.code == code
    assert result.out.endswith("(because)\n")


def test_json_is_one_value_at_the_end(daemon: Daemon, run: Run) -> None:
    daemon(reconnect={"action": "a-1"}, action=[action("running"), action()])
    assert run("reconnect", "7", "--json").json == action()


def test_nobody_has_to_wait(daemon: Daemon, run: Run) -> None:
    control = daemon(reconnect={"action": "a-1"})
    assert run("reconnect", "7", "--no-wait").out == "begun: action a-1\n"
    assert control.asked("action") == []


def test_a_safety_rule_is_exit_three_with_its_reason(daemon: Daemon, run: Run) -> None:
    daemon(reconnect=Refused("the phone removed this device", next_step="relink it", code="logged_out"))
    result = run("reconnect", "7")
    assert (result.code, result.out) == (3, "")
    assert result.err == "error: the phone removed this device\nwhat to do: relink it\n"


@pytest.mark.parametrize("command", ["reset", "relink"])
def test_nothing_that_ends_a_login_happens_without_a_word(daemon: Daemon, run: Run, command: str) -> None:
    control = daemon(reset={"action": "a-1"}, relink={"action": "a-1"}, action=action())
    refused = run(command, "7")
    assert (refused.code, control.calls) == (3, [])
    assert "--yes" in refused.err
    assert run(command, "7", "--yes").code == 0
    assert control.asked(command) == [{"company": "7"}]


def test_the_qr_is_not_written_into_a_file_by_accident(daemon: Daemon, run: Run) -> None:
    control = daemon(relink={"action": "a-1"}, action=[action("running"), action()], qr={"qr": "2@SECRET"})
    result = run("relink", "7", "--yes")
    assert result.code == 0
    assert control.asked("qr") == []


def at_step(*names: str) -> dict[str, Any]:
    steps = [{"at": 1.8e9, "name": name, "text": name} for name in names]
    return {**action("running"), "steps": steps}


@pytest.mark.parametrize("command", ["relink", "reset"])
def test_the_qr_is_drawn_when_asked_for(daemon: Daemon, run: Run, command: str) -> None:
    secret = "2@" + "aB3" * 60
    scanning = at_step("stop", "wait_for_scan")
    daemon(
        relink={"action": "a-1"},
        reset={"action": "a-1"},
        action=[scanning, scanning, action()],
        qr={"qr": secret, "expires_at": None},
    )
    result = run(command, "7", "--yes", "--print-qr")
    assert result.code == 0
    assert "▄" in result.out
    assert secret not in result.out
    assert result.out.count("Linked devices") == 1


def test_a_gateway_that_does_not_tell_its_qr_just_now_ends_nothing(
    daemon: Daemon, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qr, "LOOK_EVERY_S", 0.0)
    scanning = at_step("wait_for_scan")
    control = daemon(
        relink={"action": "a-1"},
        action=[scanning, scanning, scanning, action(outcome="healed")],
        qr=[GatewayError("no answer in time"), GatewayError("no answer in time"), {"qr": "2@x", "code": None}],
    )
    result = run("relink", "7", "--yes", "--print-qr")
    assert result.code == 0
    assert result.out.count("the QR cannot be had just now: no answer in time") == 1
    assert "▄" in result.out
    assert len(control.asked("qr")) == 3


def test_a_coloured_qr_is_the_same_qr() -> None:
    bare, coloured = blocks("2@abc", coloured=False), blocks("2@abc", coloured=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == bare
    assert all(line.startswith("\x1b[38;5;231;48;5;16m") and line.endswith("\x1b[0m") for line in coloured.split("\n"))


def test_nobody_asks_for_a_qr_while_the_session_must_stay_stopped(daemon: Daemon, run: Run) -> None:
    steps = [at_step("stop"), at_step("stop", "prove_stopped"), at_step("stop", "prove_stopped", "start"), action()]
    control = daemon(relink={"action": "a-1"}, action=list(steps), qr={"qr": "2@x"})
    assert run("relink", "7", "--yes", "--print-qr").code == 0
    assert control.asked("qr") == []


def test_a_qr_that_comes_after_the_session_was_opened_again_is_drawn(
    daemon: Daemon, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qr, "LOOK_EVERY_S", 0.0)
    control = daemon(
        relink={"action": "a-1"},
        action=[at_step("wait_for_scan"), at_step("wait_for_scan", "start"), action(outcome="healed")],
        qr=[{"qr": "2@first", "code": None}, {"qr": "2@second", "code": None}],
    )
    result = run("relink", "7", "--yes", "--print-qr")
    assert result.out.count("scan it in WhatsApp") == 2
    assert len(control.asked("qr")) == 2


def test_a_pairing_code_for_this_companys_phone(daemon: Daemon, run: Run) -> None:
    scanning, said = at_step("stop", "wait_for_scan"), at_step("stop", "wait_for_scan", "pairing")
    control = daemon(
        pairing_code={"action": "a-1"},
        action=[at_step("stop"), scanning, said, action(outcome="healed")],
        qr={"qr": None, "code": "ABCD1234", "expires_at": None},
    )
    result = run("relink", "7", "--yes", "--pairing-code", "--phone", "+49 151 12345678", "--replace-login")
    assert result.code == 0
    assert result.out.count("pairing code: ABCD1234") == 1
    assert "Link with phone number instead" in result.out
    assert "connected and paired" in result.out
    assert control.asked("pairing_code") == [{"company": "7", "replace_login": True, "phone": "4915112345678"}]


def test_a_pairing_code_as_json_waits_for_the_code_or_says_why_none_came(daemon: Daemon, run: Run) -> None:
    nothing, code = {"qr": None, "code": None}, {"qr": None, "code": "ABCD1234"}
    daemon(pairing_code={"action": "a-1"}, action=at_step("stop"), qr=[nothing, code])
    assert run("relink", "7", "--yes", "--pairing-code", "--json").json == {"action": "a-1", "code": "ABCD1234"}


def test_a_pairing_code_that_never_comes_is_an_error(daemon: Daemon, run: Run) -> None:
    daemon(pairing_code={"action": "a-1"}, action=action(outcome="failed", note="no answer"), qr={"code": None})
    result = run("relink", "7", "--yes", "--pairing-code", "--json")
    assert (result.code, result.out) == (1, "")
    assert "no pairing code came" in result.err
    assert "no answer" in result.err


def test_a_qr_is_not_drawn_where_only_a_code_was_asked_for_and_nobody_looks(daemon: Daemon, run: Run) -> None:
    scanning = at_step("wait_for_scan")
    daemon(pairing_code={"action": "a-1"}, action=[scanning, action()], qr={"qr": "2@SECRET", "code": None})
    result = run("relink", "7", "--yes", "--pairing-code")
    assert result.code == 0
    assert "▄" not in result.out


@pytest.mark.parametrize("words", [["--phone", "4915112345678"], ["--pairing-code", "--phone", "12"]])
def test_wrong_phone_options_are_usage_errors(daemon: Daemon, run: Run, words: list[str]) -> None:
    control = daemon()
    assert run("relink", "7", "--yes", *words).code == 2
    assert control.calls == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], (None, 3600)),
        (["20m"], (None, 1200)),
        (["acme"], ("acme", 3600)),
        (["acme", "2h"], ("acme", 7200)),
        (["2d", "1h"], ("2d", 3600)),
        (["997441"], ("997441", 3600)),
    ],
)
def test_pause_reads_company_and_duration(words: list[str], expected: tuple[str | None, float]) -> None:
    assert who_and_how_long(words) == expected


@pytest.mark.parametrize("words", [["a", "b"], ["a", "1h", "2h"], ["a", "8d"], ["0s"]])
def test_pause_refuses_nonsense(words: list[str]) -> None:
    with pytest.raises(UsageError):
        who_and_how_long(words)


def test_pause_and_resume_reach_the_daemon(daemon: Daemon, run: Run) -> None:
    control = daemon(pause={}, resume={})
    assert run("pause", "acme", "20m").out == "paused acme for 20m\n"
    assert run("pause", "--gateway", "main").out == "paused gateway main for 1h\n"
    assert run("resume").out == "resumed everything\n"
    assert run("pause", "acme", "--gateway", "main").code == 2
    assert control.asked("pause") == [{"company": "acme", "seconds": 1200}, {"gateway": "main", "seconds": 3600}]
    assert control.asked("resume") == [{}]


def test_a_resume_says_when_it_lifts_the_hold_of_a_failed_safety_check(daemon: Daemon, run: Run) -> None:
    control = daemon(resume={"was_paused": False, "was_breached": True})
    assert run("resume", "acme").out == "resumed acme; the hold after a failed safety check is lifted\n"
    assert control.asked("resume") == [{"company": "acme"}]


def test_an_answer_names_incident_and_revision(daemon: Daemon, run: Run) -> None:
    control = daemon(overview=troubled(), approve={}, reject={}, ack={})
    assert run("approve", "i-9").out == "approved relink of i-9\n"
    run("reject", "a-company-with-a-very-long-identifier-0001", "--revision", "3")
    run("ack", "962302")
    assert control.asked("approve") == [{"incident": "i-9", "revision": 4}]
    assert control.asked("reject") == [{"company": "a-company-with-a-very-long-identifier-0001", "revision": 3}]
    assert control.asked("ack") == [{"company": "962302"}]


def test_a_gateways_incident_can_be_answered() -> None:
    view = overview(company("1"), incidents=[incident("i-3", subject="gateway:main")])
    assert which(view, "i-3") == {"incident": "i-3"}
    with pytest.raises(UsageError, match="no company and no open incident"):
        which(view, "i-4")


def test_explain_tells_the_story_and_what_it_waits_for(daemon: Daemon, run: Run) -> None:
    daemon(explain={"company": "7", "lines": [{"at": 1.8e9, "text": "Disconnected"}], "now": "waiting for the window"})
    out = run("explain", "7").out
    assert "Disconnected" in out
    assert out.endswith("now: waiting for the window\n")


def test_events_since_a_while_ago(daemon: Daemon, run: Run) -> None:
    event = {"at": 1.8e9, "kind": "action_begun", "company": "7", "text": "Reconnecting", "operator": "anna"}
    control = daemon(events={"events": [event]})
    result = run("events", "7", "--since", "2026-01-31T12:00:00Z", "-n", "5")
    assert result.out.endswith("7  action begun: Reconnecting (anna)\n")
    assert control.asked("events") == [{"limit": 5, "company": "7", "since": 1_769_860_800.0}]
    assert run("events", "--since", "soon").code == 2
