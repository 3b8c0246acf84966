from collections.abc import Mapping
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.channels import telegram_text
from baileykeep.model.incident import Cause
from baileykeep.rules.notify import view
from tests.fakes.telegram_wire import parsed
from tests.stories import START, Story, incident

BERLIN = timezone(timedelta(hours=1))


def told(story: Story) -> Mapping[str, Any]:
    assert story.incident is not None
    return view(story.incident, "Acme")


def test_a_tired_person_reads_who_what_when_and_what_to_do() -> None:
    story = Story(who="997441")
    _ = story.open(START)
    _ = story.line(START + 300, "Reconnecting.")
    assert parsed(telegram_text.message(told(story), BERLIN), "HTML").splitlines() == [
        "🟡 Acme (997441): disconnected for 10 min",
        "The session lost WhatsApp. Customers get no answers until it is back.",
        "09:00 Disconnected for 10 min.",
        "09:05 Reconnecting.",
        "What to do: See that the phone is on and online; then look at the gateway's log.",
    ]


def test_the_end_of_a_story_says_so_and_asks_for_nothing() -> None:
    story = Story(who="997441")
    _ = story.open(START)
    _ = story.close(START + 1020)
    assert parsed(telegram_text.message(told(story), BERLIN), "HTML").splitlines() == [
        "✅ Acme (997441): over after 17 min",
        "It was: Disconnected.",
        "09:00 Disconnected for 10 min.",
        "09:17 Healthy again.",
    ]


def test_older_lines_are_folded_and_other_days_are_named() -> None:
    story = Story()
    _ = story.open(START - 86400)
    for number in range(9):
        _ = story.line(START + number * 60, f"Line {number}.")
    text = telegram_text.message(told(story), UTC)
    folded, shown = text.split("</blockquote>")
    assert "14 Jan 08:00 Disconnected" in folded
    assert shown.count("Line") == telegram_text.SHOWN_LINES
    assert len(shown.strip().splitlines()) + 2 <= 10


def test_a_human_needed_and_somebody_on_it_are_visible() -> None:
    story = Story()
    _ = story.open(START)
    _ = story.line(START, "Help.", needs_human=True, acked_by="Anna <3")
    text = telegram_text.message(told(story), UTC)
    assert text.startswith("🟡🙋 ")
    assert "👀 Anna &lt;3 is on it." in text


NASTY = st.text(alphabet=st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    ["<b>", "</b>", "<script>alert(1)</script>", "&lt;", "& <", "a*b_c`d`", "\x1b[31mred\x1b[0m", "\u202egnp", "[x](y)"]
)


@given(st.lists(NASTY, min_size=1, max_size=8), NASTY, NASTY)
def test_whatever_stands_in_names_only_our_tags_are_tags(lines: list[str], name: str, operator: str) -> None:
    story = Story()
    _ = story.open(START)
    for line in lines:
        _ = story.line(START, line, acked_by=operator)
    assert story.incident is not None
    data = {**view(story.incident, name), "reply": f"Now {name}", "headline": f"{name}: down"}
    for text in (telegram_text.message(data, UTC), telegram_text.reply(data)):
        plain = parsed(text, "HTML")
        assert "\x1b" not in plain
        assert "\u202e" not in plain


@pytest.mark.parametrize("count", [3, 40, 400])
def test_long_stories_lose_their_middle_and_stay_whole_html(count: int) -> None:
    story = Story()
    _ = story.open(START)
    for number in range(count):
        _ = story.line(START + number, f"Line {number} " + "<🚨&> " * 60)
    text = telegram_text.message(told(story), UTC)
    assert telegram_text.units(text) <= telegram_text.MAX_UNITS
    plain = parsed(text, "HTML")
    assert "Disconnected for 10 min." in plain
    assert f"Line {count - 1} " in plain
    assert "What to do:" in plain
    assert ("left out" in plain) == (count > 3)


def test_a_flood_of_a_thousand_fits() -> None:
    members = [
        {"at": START, "text": f"Acme {n}: down", "severity": "critical", "closed": n % 2 == 0, "own": n == 1}
        for n in range(1000)
    ]
    data = {"headline": "1000 incidents at once", "severity": "critical", "members": members, "meaning": "m"}
    text = telegram_text.message(data, UTC)
    assert telegram_text.units(text) <= telegram_text.MAX_UNITS
    assert "🔴 Acme 1: down → own message" in parsed(text, "HTML")


def test_buttons_are_short_and_an_answer_comes_first() -> None:
    story = Story("20270115-8f3a", who="997441")
    _ = story.open(START)
    _ = story.ask(START)
    assert telegram_text.buttons(told(story)) == (
        (("✅ Approve", "approve|20270115-8f3a|2"), ("✋ Reject", "reject|20270115-8f3a|2")),
        (("👀 Acknowledge", "ack|20270115-8f3a|2"), ("⏸ Pause 1 h", "pause|c:997441|2")),
    )


def test_after_a_failed_safety_check_the_button_lets_actions_go_on() -> None:
    held = incident("i1", cause=Cause.BREACH)
    row = telegram_text.buttons(view(held, "Acme"))[0]
    assert row == (("👀 Acknowledge", "ack|i1|1"), ("▶️ Let actions go on", "resume|c:997441|1"))


def test_a_button_that_telegram_would_refuse_is_left_out() -> None:
    assert telegram_text.buttons(view(incident("x" * 60), "Acme"))[0][0][1].startswith("pause|")
    assert len(telegram_text.buttons(view(incident("x" * 60), "Acme"))) == 1


def test_status_tells_who_is_not_well_worst_first() -> None:
    def company(ident: str, health: str, **more: object) -> dict[str, Any]:
        return {"id": ident, "name": f"N{ident}", "health": health, "next": "wait", "incidents": [], **more}

    answer = {
        "mode": "observe",
        "paused_until": None,
        "config": {"ok": False, "problems": ["companies/1.toml: phone: not a number"]},
        "incidents": [{"headline": "Gateway main: gateway does not run", "severity": "critical"}],
        "companies": [
            company("1", "ok"),
            company("2", "watch", paused_until=5.0),
            company("3", "down", incidents=[{"headline": "N3 (3): disconnected"}]),
        ],
    }
    assert parsed(telegram_text.overview(answer), "HTML").splitlines() == [
        "1 of 3 companies are fine.",
        "Baileykeep only observes: it does nothing by itself.",
        "🔴 companies/1.toml: phone: not a number",
        "🔴 Gateway main: gateway does not run",
        "🔴 N3 (3): disconnected",
        "🟡 N2 (2): wait ⏸",
    ]
    long = [{"headline": "<&>" * 200, "severity": "critical"}] * 20
    many = {"companies": [company(str(n), "trouble", incidents=long) for n in range(200)], "incidents": long}
    for text in (
        telegram_text.overview(many),
        telegram_text.company(company("1", "down", incidents=long, next="x" * 9999)),
    ):
        assert telegram_text.units(text) <= telegram_text.MAX_UNITS
        assert parsed(text, "HTML")


def test_one_company_in_a_few_lines() -> None:
    view = {
        "id": "2",
        "name": "Beta & Co",
        "health": "down",
        "connection": {"state": "disconnected", "down_s": 960.0},
        "files": {"counted": 160, "level": "critical", "reclaimable": 20},
        "backups": {"count": 3},
        "incidents": [{"headline": "Beta (2): disconnected", "severity": "warning"}],
        "paused_until": None,
        "next": "reconnect in 2 min",
    }
    assert parsed(telegram_text.company(view), "HTML").splitlines() == [
        "🔴 Beta & Co (2)",
        "Connection: disconnected for 16 min",
        "Files: 160 counted, critical, 20 to clean",
        "Backups: 3",
        "🟡 Beta (2): disconnected",
        "Next: reconnect in 2 min",
    ]


def test_a_company_without_files_is_told_what_is_not_watched() -> None:
    left_out = "auth files: not watched, it keeps its logins in Redis: no levels, no cleanup, no backups"
    view = {"id": "1", "files": None, "not_watched": [left_out], "cannot": ["Cannot reconnect: no call."]}
    assert parsed(telegram_text.company(view), "HTML").splitlines()[1:] == [
        f"A{left_out[1:]}.", "Cannot reconnect: no call.",
    ]  # fmt: skip
