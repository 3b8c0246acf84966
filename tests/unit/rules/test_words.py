from dataclasses import replace
from typing import Any

import pytest

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import Approval, ApprovalState, Attempt, Cause, Incident, Outcome, Rung, Topic
from baileykeep.model.symptoms import HOST, Detail, Severity, Subject, company, gateway
from baileykeep.rules import words, words_steps

AT = 1_800_000_000.0
DOWN = Incident(
    id="i1",
    subject=company("997441"),
    topic=Topic.HEALTH,
    cause=Cause.DISCONNECTED,
    severity=Severity.WARNING,
    opened_at=AT,
    updated_at=AT + 60,
    detail={"down_s": 900.0},
)


def test_every_word_of_the_domain_has_its_sentence() -> None:
    assert set(words.WORDS) == set(Cause)
    assert set(words.REASONS) == set(Reason)
    assert set(words.RUNGS) == set(Rung)
    assert set(words.OUTCOMES) == set(Outcome)
    assert set(words.SEVERITIES) == set(Severity)


@pytest.mark.parametrize("cause", list(Cause))
def test_causes_are_told_in_whole_short_sentences(cause: Cause) -> None:
    told = words.WORDS[cause]
    assert told.title
    assert told.phrase
    for sentence in (told.what_it_means, told.what_to_do):
        assert sentence.endswith(".")
        assert 10 < len(sentence) <= 110


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (900, "15 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 day"),
        (3 * 86400 + 4 * 3600, "3 days 4 h"),
    ],
)
def test_durations_are_rounded_down_for_people(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_headlines_name_who_and_what() -> None:
    assert words.headline(DOWN, "Acme") == "Acme (997441): disconnected for 15 min"
    assert words.headline(DOWN, "997441") == "997441: disconnected for 15 min"
    assert words.headline(DOWN, "") == "997441: disconnected for 15 min"
    on_gateway = replace(DOWN, subject=gateway("main"), cause=Cause.GATEWAY_DOWN)
    assert words.headline(on_gateway, "main") == "Gateway main: gateway does not run"
    assert words.headline(replace(DOWN, subject=HOST, cause=Cause.HOST_OFFLINE), "host") == "This host: offline"
    assert words.headline(replace(DOWN, closed_at=AT + 1020), "Acme") == "Acme (997441): over after 17 min"


def test_numbers_that_are_not_known_are_left_out() -> None:
    assert words.headline(replace(DOWN, detail={}), "Acme") == "Acme (997441): disconnected"
    half = replace(DOWN, cause=Cause.BAD_MAC, detail={"count": 5})
    assert words.headline(half, "Acme") == "Acme (997441): messages cannot be decrypted"
    whole = replace(half, detail={"count": 5, "window_s": 60.0})
    assert words.headline(whole, "Acme") == "Acme (997441): messages cannot be decrypted (5 in 1 min)"


@pytest.mark.parametrize("cause", list(Cause))
def test_the_numbers_of_a_cause_are_told_when_they_are_there(cause: Cause) -> None:
    detail = dict.fromkeys(
        (
            "down_s",
            "code",
            "count",
            "window_s",
            "counted",
            "left",
            "target",
            "days",
            "problem",
            "down",
            "total",
            "free_mb",
            "bound",
            "took_ms",
        ),
        7,
    )
    texts = {
        "reason": "x.toml",
        "promise": "cooldowns kept",
        "what": "600 tasks",
        "wrong": "reconnect was tried 5 s ago",
    }
    text = words.what(replace(DOWN, cause=cause, detail={**detail, **texts}))
    assert "{" not in text
    assert len(text) > len(words.WORDS[cause].phrase) or not words.WORDS[cause].extra


def test_the_next_step_for_a_human_follows_the_state() -> None:
    assert words.what_to_do(DOWN) == words.WORDS[Cause.DISCONNECTED].what_to_do
    running = replace(DOWN, attempts=(Attempt(Rung.RECONNECT, Cause.DISCONNECTED, AT, "a1"),))
    assert words.what_to_do(running) == "Wait. Reconnecting now."
    asked = replace(DOWN, approval=Approval(Rung.RELINK, 3, AT))
    assert words.what_to_do(replace(running, approval=asked.approval)) == "Wait. Reconnecting now."
    assert words.what_to_do(asked) == "Say yes or no: may Baileykeep relink with a new QR code?"
    assert words.what_to_do(replace(asked, closed_at=AT)) == ""


@pytest.mark.parametrize("rung", [Rung.RELINK, Rung.RESET, Rung.PAIR_AGAIN])
def test_who_is_needed_to_scan_is_told_so_and_how_to_begin_again(rung: Rung) -> None:
    attempt = Attempt(rung, Cause.LOGGED_OUT, AT, "a1")
    lost = replace(DOWN, cause=Cause.LOGGED_OUT)
    running = replace(lost, attempts=(attempt,))
    assert words.what_to_do(running) == ("Have the company's phone at hand and scan the QR code as soon as it comes.")
    again = "With the company's phone at hand begin again: press Relink, or run `baileykeep relink 997441`."
    for outcome in (Outcome.FAILED, Outcome.UNDONE, Outcome.REFUSED):
        vain = replace(attempt, outcome=outcome, ended_at=AT + 600)
        assert words.what_to_do(replace(lost, attempts=(vain,))) == again
        after_it = replace(attempt, rung=Rung.RECONNECT, outcome=outcome, ended_at=AT + 700)
        assert words.what_to_do(replace(lost, attempts=(vain, after_it))) == words.WORDS[Cause.LOGGED_OUT].what_to_do
    healed = replace(attempt, outcome=Outcome.HEALED, ended_at=AT + 600)
    assert words.what_to_do(replace(lost, attempts=(healed,))) == WATCHED


WATCHED = "Nothing now. It is watched whether it lasts."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, WATCHED),
        ({"hold": "too_early:reconnect"}, WATCHED),
        ({"hold": "cooldown:reconnect"}, None),
        ({"needs_human": True}, None),
        ({"fresh_since": AT + 9}, None),
        ({"cause": Cause.BAD_MAC}, None),
        ({"cause": Cause.PHANTOM}, None),
    ],
)
def test_what_helped_leaves_nothing_to_do_while_it_lasts(change: dict[str, Any], said: str | None) -> None:
    healed = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, AT, "a1", AT + 5, Outcome.HEALED)
    if change.get("cause") is Cause.BAD_MAC:  # only the next messages tell whether that helped
        healed = replace(healed, cause=Cause.BAD_MAC)
    incident = replace(DOWN, attempts=(healed,), **change)
    assert words.what_to_do(incident) == (said or words.WORDS[incident.cause].what_to_do)
    if said:  # a restore by hand, say, while the question for a relink was open
        assert words.what_to_do(replace(incident, approval=Approval(Rung.RELINK, 3, AT))) == said


@pytest.mark.parametrize(
    ("detail", "backup_helps"), [({"device_removed": True}, False), ({}, True), ({"code": 401}, True)]
)
def test_a_login_that_was_refused_may_be_alive_but_one_that_was_removed_is_dead(
    detail: Detail, backup_helps: bool
) -> None:
    meaning = words.meaning(replace(DOWN, cause=Cause.LOGGED_OUT, detail=detail))
    assert ("can a backup bring it back" in meaning) is backup_helps
    assert ("no backup brings it back" in meaning) is not backup_helps
    assert len(meaning) <= 110
    assert words.meaning(replace(DOWN, detail=detail)) == words.WORDS[Cause.DISCONNECTED].what_it_means


@pytest.mark.parametrize("rung", [Rung.SNAPSHOT, Rung.BACKUP])
def test_a_copy_that_failed_is_said_to_be_missing(rung: Rung) -> None:
    tried = Attempt(rung, Cause.LOGGED_OUT, AT, "a1", AT + 5, Outcome.FAILED, "the auth folder is gone")
    assert words.line_ended(tried) == "No backup was taken (the auth folder is gone)."
    assert words.line_ended(replace(tried, outcome=Outcome.REFUSED, note="")) == "No backup was taken."
    assert words.line_ended(replace(tried, outcome=Outcome.DONE, note="x")) == "Took a backup (x)."


@pytest.mark.parametrize(
    ("decision", "line"),
    [
        (
            Decision(Verb.HOLD, Reason.OBSERVING, Rung.RECONNECT),
            "Would have reconnected, but Baileykeep only observes.",
        ),
        (Decision(Verb.ACT, Reason.NEXT_RUNG, Rung.RECONNECT), "Going to reconnect: it is the next step."),
        (
            Decision(Verb.ASK, Reason.ENDS_LOGIN, Rung.RELINK),
            "Asking whether to relink with a new QR code: it ends the login, so a human must agree.",
        ),
        (
            Decision(Verb.HOLD, Reason.COOLDOWN, Rung.CLEANUP, until=AT + 660),
            "Not going to back up and clean the folder now: it was tried a short while ago. Looking again in 10 min.",
        ),
        (Decision(Verb.HOLD, Reason.NETWORK_DOWN), "Doing nothing now: this host is offline."),
        (
            Decision(Verb.HUMAN, Reason.NO_RUNG_LEFT, Rung.RECONNECT),
            "A human is needed: everything that may be tried has been tried.",
        ),
        (Decision(Verb.NONE, Reason.ALERT_ONLY), ""),
    ],
)
def test_decisions_are_told_with_their_reason(decision: Decision, line: str) -> None:
    assert words.line_decision(decision, DOWN) == line


@pytest.mark.parametrize("rung", list(Rung))
@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_ending_of_every_rung_reads_as_a_sentence(rung: Rung, outcome: Outcome) -> None:
    line = words.line_ended(Attempt(rung, Cause.BAD_MAC, AT, "a1", AT + 5, outcome))
    assert line[0].isupper()
    assert line.endswith(".")
    assert "{" not in line


def test_lines_of_an_action() -> None:
    assert words.line_begun(Rung.RECONNECT) == "Reconnecting."
    assert words.line_begun(Rung.RECONNECT, "Anna") == "Reconnecting, asked for by Anna."
    failed = Attempt(Rung.CLEANUP, Cause.FILES_HIGH, AT, "a1", AT, Outcome.FAILED, note="still down.\nreally.")
    assert words.line_ended(failed) == ("Tried to back up and clean the folder: it did not help (still down. really).")
    assert words.line_ended(replace(failed, note="asked by MAX.")).endswith("it did not help (asked by MAX).")
    assert words.line_ended(replace(failed, outcome=None)) == "Backing up and cleaning the folder."


def test_lines_of_a_question() -> None:
    asked = Approval(Rung.RELINK, 3, AT, operator="Anna")
    assert words.line_approval_answered(asked) == ""
    approved = replace(asked, state=ApprovalState.APPROVED)
    assert words.line_approval_answered(approved) == "Approved by Anna: relink with a new QR code."
    rejected = replace(asked, state=ApprovalState.REJECTED)
    assert words.line_approval_answered(rejected) == "Rejected by Anna: will not relink with a new QR code."
    expired = replace(asked, state=ApprovalState.EXPIRED, operator=None)
    assert words.line_approval_answered(expired) == "Nobody answered in time: will not relink with a new QR code."


def test_first_and_last_line() -> None:
    assert words.line_opened(DOWN) == "Disconnected for 15 min."
    over = replace(DOWN, closed_at=AT + 1020, closing="healthy again.")
    assert words.line_closed(over) == "Healthy again, after 17 min."
    assert words.line_closed(replace(over, closing="")) == "Over, after 17 min."
    assert words.line_closed(replace(over, closing="released by MAX")) == "Released by MAX, after 17 min."


def test_what_was_wrong_before_it_was_told_of_counts_too() -> None:
    over = replace(DOWN, closed_at=AT + 1020, closing="healed", detail={"since": AT - 600.0})
    assert words.line_closed(over) == "Healed, after 27 min."
    assert words.headline(over, "Acme").endswith("over after 27 min")


def test_a_rung_in_each_form() -> None:
    assert (words.to_do(Rung.RELINK), words.did(Rung.SNAPSHOT)) == ("relink with a new QR code", "Took a backup")
    assert words.why_held(Reason.PAUSED) == words.REASONS[Reason.PAUSED]


def test_a_question_that_is_repeated_and_passed_on() -> None:
    asked = Approval(Rung.RELINK, 3, AT)
    assert words.line_approval_reminded(asked) == (
        "No answer yet: reminded of the question whether to relink with a new QR code."
    )
    assert words.line_approval_escalated(asked) == (
        "Still no answer: asked the second contact whether to relink with a new QR code."
    )


def test_who_has_it_in_hand() -> None:
    assert words.line_acked("Anna") == "Acknowledged by Anna."


@pytest.mark.parametrize("name", [*words_steps.STEPS, "something_new"])
def test_every_step_reads_as_a_progress_line(name: str) -> None:
    assert words_steps.step(name) == words_steps.STEPS.get(name, "something new")


@pytest.mark.parametrize(("subject", "said"), [
    (company("acme"), "`baileykeep explain acme`. Then let actions go on: `baileykeep resume acme`."),
    (gateway("main"), "`baileykeep events`. Then let actions go on: `baileykeep resume --gateway main`."),
    (HOST, "`baileykeep explain COMPANY`. Then let actions go on: `baileykeep resume COMPANY`."),
])  # fmt: skip
def test_commands_in_what_to_do_name_whom_they_are_for(subject: Subject, said: str) -> None:
    held = replace(DOWN, cause=Cause.BREACH, subject=subject)
    assert words.what_to_do(held) == f"See what led to it: {said}"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (1.9, "1 s"), (59, "59 s"), (61, "1 min"), (119, "1 min"), (3599, "59 min"), (3659, "1 h"),
        (3660, "1 h 1 min"), (7199, "1 h 59 min"), (86_399, "23 h 59 min"), (89_999, "1 day"), (90_000, "1 day 1 h"),
        (172_799, "1 day 23 h"), (172_800, "2 days"), (176_399, "2 days"), (176_400, "2 days 1 h"),
    ],
)  # fmt: skip
def test_durations_at_their_edges(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("template", "detail", "text"),
    [
        ("", {}, ""),
        (" for {down_s}", {"down_s": 90}, " for 1 min"),
        (" for {down_s}", {"down_s": 0}, " for 0 s"),
        (" for {down_s}", {"down_s": None}, ""),
        (" ({count} in {window_s})", {"count": 5}, ""),
        (" ({count})", {"count": 4.6}, " (5)"),
        (" ({sure})", {"sure": True}, " (True)"),
        (": {reason}", {"reason": "a\n  b\tc"}, ": a b c"),
        (": {reason}", {"reason": "x" * 300}, ": " + "x" * 200),
        (" ({when_s})", {"when_s": "soon"}, " (soon)"),
    ],
)
def test_numbers_and_words_are_filled_in(template: str, detail: Detail, text: str) -> None:
    assert words.fill(template, detail) == text


@pytest.mark.parametrize(
    ("incident", "name", "who"),
    [
        (DOWN, "Acme", "Acme (997441)"),
        (DOWN, "997441", "997441"),
        (DOWN, "", "997441"),
        (replace(DOWN, subject=gateway("main")), "", "Gateway main"),
        (replace(DOWN, subject=gateway("main")), "Big", "Gateway Big (main)"),
        (replace(DOWN, subject=HOST), "anything", "This host"),
    ],
)
def test_how_a_subject_is_called(incident: Incident, name: str, who: str) -> None:
    assert words.who(incident, name) == who


@pytest.mark.parametrize(
    ("detail", "lasted_s"),
    [
        ({}, 1020),
        ({"since": AT - 600.0}, 1620),
        ({"since": int(AT) - 600}, 1620),
        ({"since": AT + 60}, 1020),
        ({"since": "x"}, 1020),
    ],
)
def test_how_long_it_was_wrong(detail: Detail, lasted_s: float) -> None:
    assert words.lasted_s(replace(DOWN, closed_at=AT + 1020, detail=detail)) == lasted_s
    assert words.lasted_s(replace(DOWN, updated_at=AT + 1020, detail=detail)) == lasted_s


def test_the_newest_running_attempt_is_what_to_wait_for() -> None:
    first = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, AT, "a1")
    ended = replace(first, ended_at=AT + 5, outcome=Outcome.FAILED)
    second = replace(first, rung=Rung.CLEANUP, action_id="a2")
    assert words.what_to_do(replace(DOWN, attempts=(first, second))) == "Wait. Backing up and cleaning the folder now."
    assert words.what_to_do(replace(DOWN, attempts=(second, ended))) == "Wait. Backing up and cleaning the folder now."
    assert words.what_to_do(replace(DOWN, attempts=(ended,))) == words.what_to_do(DOWN)
    answered = replace(DOWN, approval=Approval(Rung.RELINK, 3, AT, ApprovalState.REJECTED))
    assert words.what_to_do(answered) == words.what_to_do(DOWN)


@pytest.mark.parametrize(
    ("until", "more"),
    [
        (None, ""),
        (AT + 60, ""),
        (AT + 60.9, ""),
        (AT + 61, " Looking again in 1 s."),
        (AT + 180, " Looking again in 2 min."),
    ],
)
def test_when_it_looks_again_is_told_from_a_second_on(until: float | None, more: str) -> None:
    held = Decision(Verb.HOLD, Reason.COOLDOWN, Rung.RECONNECT, until)
    assert words.line_decision(held, DOWN) == f"Not going to reconnect now: {words.REASONS[Reason.COOLDOWN]}.{more}"


def test_an_ending_tells_its_note_in_one_line() -> None:
    done = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, AT, "a1", AT, Outcome.HEALED)
    plain = words.line_ended(done)
    assert words.line_ended(replace(done, note="  a\n b.. ")) == f"{plain[:-1]} (a b)."
    assert words.line_opened(replace(DOWN, detail={})) == "Disconnected."
    assert words.line_changed(DOWN) == "Now disconnected for 15 min."
    nobody = Approval(Rung.RELINK, 3, AT, ApprovalState.APPROVED)
    assert words.line_approval_answered(nobody) == "Approved: relink with a new QR code."


def test_where_no_login_is_left_no_phone_need_only_be_online() -> None:
    reset = Attempt(Rung.RESET, Cause.WAITING_QR, AT, "a1", AT, Outcome.FAILED)
    reconnect = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, AT, "a2", AT, Outcome.FAILED)
    again = words.BEGIN_AGAIN.replace("COMPANY", "997441")
    usual = words.WORDS[Cause.DISCONNECTED].what_to_do
    assert words.what_to_do(replace(DOWN, attempts=(reset, reconnect))) == again
    assert words.what_to_do(replace(DOWN, attempts=(replace(reset, outcome=Outcome.UNDONE), reconnect))) == usual
    healed = replace(reconnect, outcome=Outcome.HEALED)
    assert words.what_to_do(replace(DOWN, attempts=(reset, healed, reconnect))) == usual
    assert words.what_to_do(replace(DOWN, attempts=(reconnect,))) == usual


def test_a_full_folder_whose_window_will_clean_it_needs_nobody() -> None:
    full = Incident("w1", company("acme"), Topic.WATCH, Cause.FILES_HIGH, Severity.WARNING, AT, AT)
    assert words.what_to_do(full) == "Plan a cleanup in a maintenance window."
    seen_to = replace(full, detail={"window": "daily 02:00-04:00 UTC"})
    assert words.what_to_do(seen_to) == "Nothing. It is cleaned in its maintenance window (daily 02:00-04:00 UTC)."
