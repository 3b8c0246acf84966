from dataclasses import replace

import pytest

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import Approval, ApprovalState, Attempt, Cause, Incident, Outcome, Rung, Topic
from baileykeep.model.symptoms import HOST, Severity, Subject, company, gateway
from baileykeep.rules import words

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
            "target",
            "days",
            "problem",
            "down",
            "total",
            "free_mb",
            "bound",
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
    asked = replace(running, approval=Approval(Rung.RELINK, 3, AT))
    assert words.what_to_do(asked) == "Say yes or no: may Baileykeep relink with a new QR code?"
    assert words.what_to_do(replace(asked, closed_at=AT)) == ""


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


@pytest.mark.parametrize("name", [*words.STEPS, "something_new"])
def test_every_step_reads_as_a_progress_line(name: str) -> None:
    assert words.step(name) == words.STEPS.get(name, "something new")


@pytest.mark.parametrize(("subject", "said"), [
    (company("acme"), "`baileykeep explain acme`. Then let actions go on: `baileykeep resume acme`."),
    (gateway("main"), "`baileykeep events`. Then let actions go on: `baileykeep resume --gateway main`."),
    (HOST, "`baileykeep explain COMPANY`. Then let actions go on: `baileykeep resume COMPANY`."),
])  # fmt: skip
def test_commands_in_what_to_do_name_whom_they_are_for(subject: Subject, said: str) -> None:
    held = replace(DOWN, cause=Cause.BREACH, subject=subject)
    assert words.what_to_do(held) == f"See what led to it: {said}"
