"""`health`, against a fake daemon on a real socket."""

from __future__ import annotations

from typing import Any

import pytest

from baileykeep.cli.health_view import without_name
from baileykeep.model.overview import CompanyView, Overview
from tests.fakes.overview import NOW, company, gateway, overview, troubled
from tests.unit.cli.conftest import Daemon, Run


def test_all_is_well(daemon: Daemon, run: Run) -> None:
    daemon(overview=overview(company("1"), company("2")))
    result = run("health")
    assert (result.code, result.err) == (0, "")
    assert "2 companies: 2 ok" in result.out


def test_one_screen_tells_everything_and_no_line_is_wider_than_the_terminal(daemon: Daemon, run: Run) -> None:
    daemon(overview=troubled())
    result = run("health")
    assert result.code == 1
    assert max(len(line) for line in result.out.splitlines()) <= 80
    for said in (
        "observing: it watches and tells, and touches nothing",
        "WhatsApp unreachable",
        "limitz is not a key",
        "gateway second (x-api-key) ✖ no answer: timeout",
        "brake: many of its companies dropped at once",
        "down 16m       160 critical",
        "disconnected for 16 min · held: it was tried a short while ago",
        "baileykeep approve a-company-with-a-very-long-identifier-0001",
        "→ Wait: the next reconnect is due in 4 min.",
        "paused for 20m",
        "4 companies: 2 down, 1 watch, 1 ok",
    ):
        assert said in result.out, said


def test_the_longest_id_is_shown_whole_within_the_terminal(daemon: Daemon, run: Run) -> None:
    ident = "x" * 64
    daemon(overview=overview(company(ident, name="A name besides")))
    out = run("health").out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert out.count("x") == 64


def test_whom_a_shared_process_carries_is_said(daemon: Daemon, run: Run) -> None:
    daemon(overview=overview(company("1"), gateways=[gateway(carries="Acme, Bella, Chai and 4 more"), gateway("b")]))
    out = run("health").out
    assert out.count("its process carries") == 1
    assert "its process carries Acme, Bella, Chai and 4 more" in out


def test_worst_comes_first(daemon: Daemon, run: Run) -> None:
    daemon(overview=troubled())
    out = run("health").out
    places = [out.index(f" {ident}") for ident in ("962302 Acme", "a-company-with", "business_1", "997441 Beauty")]
    assert places == sorted(places)


def test_healthy_companies_are_folded_away_unless_all_are_wanted(daemon: Daemon, run: Run) -> None:
    many = [company(f"c{number:03}") for number in range(120)]
    daemon(overview=overview(*many, company("sick", health="down")))
    folded = run("health").out
    assert "… and 100 healthy companies (--all shows them)" in folded
    assert "sick" in folded
    assert "c119" in run("health", "--all").out


@pytest.mark.parametrize(
    ("view", "code"),
    [
        (overview(company("1", health="watch")), 0),
        (overview(company("1", health="trouble")), 1),
        (overview(company("1"), network={"online": False, "whatsapp": False}), 1),
        (overview(company("1"), gateways=[gateway(problem="timeout")]), 1),
        (overview(company("1"), config={"ok": False, "problems": ["x"]}), 1),
        (overview(), 0),
    ],
)
def test_the_exit_code_tells_whether_somebody_is_needed(daemon: Daemon, run: Run, view: Overview, code: int) -> None:
    daemon(overview=view)
    quiet = run("health", "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (code, "", "")


def test_json_is_the_daemons_own_answer(daemon: Daemon, run: Run) -> None:
    view = troubled()
    daemon(overview=view)
    result = run("health", "--json")
    assert (result.code, result.json) == (1, view)


def recent(_args: Any) -> dict[str, Any]:
    return {"events": [{"at": NOW, "text": "Asked the gateway to reconnect", "kind": "x", "company": "962302"}]}


@pytest.mark.parametrize("view", troubled()["companies"], ids=lambda view: str(view["id"])[:10])
def test_one_company_in_detail(daemon: Daemon, run: Run, view: CompanyView) -> None:
    control = daemon(company=view, events=recent)
    result = run("health", view["id"])
    assert result.code == (0 if view["health"] in ("ok", "watch") else 1)
    assert max(len(line) for line in result.out.splitlines()) <= 80
    assert view["id"] in result.out
    assert "Asked the gateway to reconnect" in result.out
    assert control.asked("events") == [{"company": view["id"], "limit": 20}]


def test_what_was_told_twice_in_one_second_is_shown_once(daemon: Daemon, run: Run) -> None:
    texts = [f"Line {number}." for number in range(12)] + ["Reconnecting."] * 3
    entries = [{"at": NOW, "text": text, "kind": "x", "company": "a"} for text in texts]
    daemon(company=troubled()["companies"][0], events=lambda _: {"events": entries})
    out = run("health", troubled()["companies"][0]["id"]).out
    assert out.count("Reconnecting.") == 1
    assert "Line 5." in out
    assert "Line 4." not in out


def test_a_question_to_humans_shows_both_answers(daemon: Daemon, run: Run) -> None:
    daemon(company=troubled()["companies"][2], events=recent)
    out = run("health", "a-company").out
    assert "waits for your word on: relink" in out
    assert "→ baileykeep reject a-company-with-a-very-long-identifier-0001" in out


def test_names_from_elsewhere_cannot_draw_on_the_screen(daemon: Daemon, run: Run) -> None:
    daemon(overview=overview(company("1", name="[red]evil\x1b[2J[/red]")))
    out = run("health").out
    assert "\x1b" not in out
    assert "[red]evil" in out


def test_without_a_daemon_health_says_so(run: Run) -> None:
    result = run("health")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: no daemon is running here")
    assert "what to do: start it with `baileykeep run`" in result.err


def test_watching_does_not_mix_with_json(run: Run) -> None:
    assert run("health", "--watch", "--json").code == 2


def test_a_headline_does_not_repeat_the_name_beside_it() -> None:
    assert without_name("Acme (962302): disconnected", "962302") == "disconnected"
    assert without_name("stream closed: 503", "962302") == "stream closed: 503"


LEFT_OUT = "auth files: not watched, it keeps its logins in Redis: no levels, no cleanup, no backups"


def test_what_is_not_watched_is_said_and_no_backup_is_missed(daemon: Daemon, run: Run) -> None:
    none: Any = {"count": 0, "newest_at": None, "newest_kind": None}
    missing = "Cannot relink with a new QR code: its auth files are not watched."
    one = company("1", files=None, backups=none, not_watched=[LEFT_OUT], cannot=[missing])
    daemon(overview=overview(one, gateways=[gateway(not_watched=[LEFT_OUT])]), company=one, events={"events": []})
    whole, alone = run("health").out, run("health", "1").out
    assert " ".join(LEFT_OUT.split()) in " ".join(whole.split())
    assert "none" not in whole.split("COMPANY")[1]
    assert "not watched" in alone
    assert "relink with a new QR code" in alone
