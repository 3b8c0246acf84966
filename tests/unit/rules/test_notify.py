from collections.abc import Sequence
from dataclasses import replace

import pytest

from baileykeep.model.incident import (
    Approval,
    ApprovalState,
    Attempt,
    Cause,
    Incident,
    Outcome,
    Rung,
    StoryLine,
    Topic,
)
from baileykeep.model.limits import RelinkLimits
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import HOST, Severity, company, gateway
from baileykeep.rules import words
from baileykeep.rules.notify import ApprovalStep, Contact, Routes, approval_clock, notices

AT = 1_800_000_000.0
ANNA, BORIS = Contact("telegram", "100"), Contact("telegram", "200")
ROUTES = Routes(first=(ANNA,), second=(BORIS,))
DOWN = Incident(
    id="i1",
    subject=company("997441"),
    topic=Topic.HEALTH,
    cause=Cause.DISCONNECTED,
    severity=Severity.WARNING,
    opened_at=AT,
    updated_at=AT,
    detail={"down_s": 600.0},
    story=(StoryLine(AT, "Disconnected for 10 min."),),
)
ASKED = replace(DOWN, revision=4, approval=Approval(Rung.RELINK, 4, AT))


def told(before: Incident | None, after: Incident, *, quiet: bool = False) -> Sequence[Notice]:
    return notices(before, after, name="Acme", routes=ROUTES, now=AT + 60, quiet=quiet)


def only(found: Sequence[Notice]) -> Notice:
    assert len(found) == 1
    return found[0]


def test_a_new_incident_sounds_at_the_first_contact_only() -> None:
    first = only(told(None, DOWN))
    assert (first.channel, first.key, first.incident, first.sound) == ("telegram", "i1@100", "i1", True)
    assert first.data["first"] is True
    assert first.data["to"] == "100"
    assert first.data["headline"] == "Acme (997441): disconnected for 10 min"
    assert first.data["story"] == [{"at": AT, "text": "Disconnected for 10 min."}]
    assert [b["do"] for b in first.data["buttons"]] == ["ack", "pause"]


def test_nothing_is_told_when_a_reader_would_see_no_difference() -> None:
    assert told(DOWN, DOWN) == ()
    ticked = replace(DOWN, updated_at=AT + 60, revision=2, detail={"down_s": 660.0}, hold="cooldown")
    assert told(DOWN, ticked) == ()


def test_an_edit_is_silent() -> None:
    edit = only(told(DOWN, replace(DOWN, story=(*DOWN.story, StoryLine(AT, "Reconnecting.")))))
    assert (edit.sound, edit.data["first"], edit.data["reply"]) == (False, False, "")


@pytest.mark.parametrize("severity", [Severity.CRITICAL, Severity.EMERGENCY])
def test_a_rise_in_severity_sounds_with_a_reply(severity: Severity) -> None:
    rise = only(told(DOWN, replace(DOWN, severity=severity)))
    assert rise.sound
    assert rise.data["reply"].startswith("Now ")
    assert not only(told(replace(DOWN, severity=severity), DOWN)).sound


def test_a_human_newly_needed_sounds_once() -> None:
    needed = replace(DOWN, needs_human=True)
    assert only(told(DOWN, needed)).sound
    again = only(told(needed, replace(needed, story=())))
    assert not again.sound


def test_information_never_sounds() -> None:
    info = replace(DOWN, severity=Severity.INFO)
    assert not only(told(None, info)).sound
    assert only(told(None, info)).data["buttons"] == []
    assert not only(told(info, replace(info, needs_human=True))).sound
    assert not only(told(info, replace(ASKED, severity=Severity.INFO))).sound


def test_a_warning_is_silent_at_night_and_nothing_worse_is() -> None:
    assert not only(told(None, DOWN, quiet=True)).sound
    assert not only(told(replace(DOWN, severity=Severity.INFO), DOWN, quiet=True)).sound
    assert only(told(replace(DOWN, severity=Severity.INFO), DOWN)).sound
    assert only(told(None, replace(DOWN, severity=Severity.CRITICAL), quiet=True)).sound
    assert only(told(DOWN, replace(DOWN, needs_human=True), quiet=True)).sound
    assert only(told(DOWN, ASKED, quiet=True)).sound


def test_a_question_sounds_and_its_buttons_name_its_own_revision() -> None:
    question = only(told(DOWN, replace(ASKED, revision=9)))
    assert question.sound
    assert question.data["reply"].startswith("Your answer is needed. May Baileykeep relink")
    assert question.data["approval"] == {"rung": "relink", "revision": 4, "state": "open", "expires_at": AT + 1800}
    assert question.data["buttons"] == [
        {"do": "approve", "incident": "i1", "revision": 4},
        {"do": "reject", "incident": "i1", "revision": 4},
        {"do": "ack", "incident": "i1", "revision": 9},
        {"do": "pause", "incident": "i1", "revision": 9},
    ]


def test_a_reminder_sounds_and_then_the_second_contact_joins_until_the_end() -> None:
    assert ASKED.approval is not None
    reminded = replace(ASKED, approval=replace(ASKED.approval, reminded_at=AT + 600))
    assert only(told(ASKED, reminded)).data["reply"].startswith("No answer yet, 29 min left.")
    assert reminded.approval is not None
    passed_on = replace(reminded, approval=replace(reminded.approval, escalated_at=AT + 1200))
    first, second = told(reminded, passed_on)
    assert (first.data["to"], first.data["first"], first.sound) == ("100", False, True)
    assert (second.data["to"], second.data["first"], second.sound, second.key) == ("200", True, True, "i1@200")
    edits = told(passed_on, replace(passed_on, acked_by="Anna"))
    assert [(n.data["to"], n.data["why"], n.sound) for n in edits] == [("100", "", False), ("200", "", False)]
    over = replace(passed_on, closed_at=AT + 1300)
    assert [(n.data["to"], n.sound, n.data["first"]) for n in told(passed_on, over)] == [
        ("100", False, False),
        ("200", False, False),
    ]


def test_the_answer_is_a_silent_edit_without_its_buttons() -> None:
    assert ASKED.approval is not None
    answered = replace(ASKED, approval=replace(ASKED.approval, state=ApprovalState.APPROVED, operator="Anna"))
    edit = only(told(ASKED, answered))
    assert not edit.sound
    assert [b["do"] for b in edit.data["buttons"]] == ["ack", "pause"]


def test_closing_is_silent_and_answers_only_where_a_human_was_needed() -> None:
    closed = only(told(DOWN, replace(DOWN, closed_at=AT + 60, severity=Severity.CRITICAL)))
    assert (closed.sound, closed.data["reply"], closed.data["buttons"]) == (False, "", [])
    needed = replace(DOWN, needs_human=True)
    resolved = only(told(needed, replace(needed, closed_at=AT + 60, needs_human=False)))
    assert not resolved.sound
    assert resolved.data["reply"] == "Resolved. Acme (997441): over after 1 min"


def test_an_acknowledged_incident_loses_that_button() -> None:
    edit = only(told(DOWN, replace(DOWN, acked_by="Anna")))
    assert not edit.sound
    assert [b["do"] for b in edit.data["buttons"]] == ["pause"]


@pytest.mark.parametrize(
    ("waited", "reminded", "escalated", "step"),
    [
        (599, False, False, None),
        (600, False, False, ApprovalStep.REMIND),
        (1199, True, False, None),
        (1200, True, False, ApprovalStep.ESCALATE),
        (1200, False, False, ApprovalStep.ESCALATE),
        (1799, False, True, None),
        (1800, True, True, ApprovalStep.EXPIRE),
        (9000, False, False, ApprovalStep.EXPIRE),
    ],
)
def test_the_clock_of_a_question(waited: float, reminded: bool, escalated: bool, step: ApprovalStep | None) -> None:
    asked = Approval(
        Rung.RELINK, 1, AT, reminded_at=AT + 600 if reminded else None, escalated_at=AT + 1200 if escalated else None
    )
    assert approval_clock(asked, AT + waited, RelinkLimits()) is step


@pytest.mark.parametrize("state", [ApprovalState.APPROVED, ApprovalState.REJECTED, ApprovalState.EXPIRED])
def test_an_answered_question_has_no_clock(state: ApprovalState) -> None:
    assert approval_clock(Approval(Rung.RELINK, 1, AT, state), AT + 9000, RelinkLimits()) is None


def test_what_is_held_after_a_failed_safety_check_can_be_released_instead_of_paused() -> None:
    for cause, last in ((Cause.BREACH, "resume"), (Cause.OVER_BOUNDS, "pause")):
        assert [b["do"] for b in only(told(None, replace(DOWN, cause=cause))).data["buttons"]] == ["ack", last]


def test_the_host_cannot_be_paused() -> None:
    host = replace(DOWN, subject=HOST, cause=Cause.HOST_OFFLINE)
    found = only(told(None, host))
    assert [b["do"] for b in found.data["buttons"]] == ["ack"]
    assert (found.data["scope"], found.data["subject_id"], found.data["company"]) == ("host", "host", None)


def test_a_notice_is_whole() -> None:
    question = replace(ASKED, severity=Severity.CRITICAL, needs_human=True, acked_by="Anna", revision=9)
    assert only(told(DOWN, question)) == Notice(
        at=AT + 60, channel="telegram", key="i1@100", incident="i1", subject=company("997441"),
        severity=Severity.CRITICAL, sound=True,
        data={
            "to": "100", "first": False, "why": "approval",
            "reply": "Your answer is needed. May Baileykeep relink with a new QR code? "
            "Acme (997441): disconnected for 10 min",
            "scope": "company", "subject_id": "997441", "company": "997441", "name": "Acme",
            "headline": "Acme (997441): disconnected for 10 min", "cause": "disconnected", "title": "Disconnected",
            "meaning": words.WORDS[Cause.DISCONNECTED].what_it_means, "severity": "critical",
            "story": [{"at": AT, "text": "Disconnected for 10 min."}],
            "what_to_do": "Say yes or no: may Baileykeep relink with a new QR code?",
            "buttons": [
                {"do": "approve", "incident": "i1", "revision": 4}, {"do": "reject", "incident": "i1", "revision": 4},
                {"do": "pause", "incident": "i1", "revision": 9},
            ],
            "needs_human": True, "acked_by": "Anna", "closed": False, "revision": 9,
            "approval": {"rung": "relink", "revision": 4, "state": "open", "expires_at": AT + 1800},
        },
    )  # fmt: skip


def test_a_closed_notice_says_so() -> None:
    data = only(told(DOWN, replace(DOWN, closed_at=AT + 60))).data
    assert (data["closed"], data["what_to_do"], data["approval"], data["acked_by"]) == (True, "", None, None)


def test_the_second_contact_stays_when_the_question_is_gone() -> None:
    assert ASKED.approval is not None
    passed_on = replace(ASKED, approval=replace(ASKED.approval, escalated_at=AT + 1200))
    first, second = told(passed_on, replace(passed_on, approval=None, needs_human=True))
    assert (first.data["to"], second.data["to"], second.data["first"]) == ("100", "200", False)
    assert len(told(ASKED, replace(ASKED, needs_human=True))) == 1


def test_a_first_message_has_no_reply_whatever_made_it() -> None:
    for incident in (DOWN, ASKED, replace(DOWN, needs_human=True), replace(DOWN, severity=Severity.EMERGENCY)):
        assert only(told(None, incident)).data["reply"] == ""


def test_how_long_a_question_lives_is_a_limit() -> None:
    limits = RelinkLimits(approval_ttl_s=600)
    (asked,) = notices(DOWN, ASKED, name="Acme", routes=ROUTES, now=AT + 60, limits=limits)
    assert asked.data["approval"]["expires_at"] == AT + 600
    assert ASKED.approval is not None
    reminded = replace(ASKED, approval=replace(ASKED.approval, reminded_at=AT))
    (again,) = notices(ASKED, reminded, name="Acme", routes=ROUTES, now=AT + 60, limits=limits)
    assert again.data["reply"].startswith("No answer yet, 9 min left.")


@pytest.mark.parametrize(
    ("before", "after", "why", "reply"),
    [
        (None, DOWN, "opened", ""),
        (DOWN, replace(DOWN, severity=Severity.CRITICAL), "severity", "Now critical. "),
        (DOWN, replace(DOWN, severity=Severity.EMERGENCY, needs_human=True), "human", "A human is needed. "),
        (DOWN, replace(DOWN, acked_by="Anna"), "", None),
        (replace(DOWN, needs_human=True), replace(DOWN, closed_at=AT), "resolved", "Resolved. "),
        (DOWN, replace(DOWN, closed_at=AT), "", None),
        (None, replace(DOWN, closed_at=AT), "", None),
        (DOWN, replace(ASKED, approval=Approval(Rung.RELINK, 4, AT, ApprovalState.APPROVED, "Anna")), "", None),
        (replace(ASKED, revision=4), replace(ASKED, approval=Approval(Rung.RELINK, 5, AT)), "approval", "Your answer"),
        (ASKED, replace(ASKED, approval=Approval(Rung.CLEANUP, 4, AT)), "approval", "Your answer is needed. "),
    ],
)
def test_why_a_notice_is_more_than_an_edit(
    before: Incident | None, after: Incident, why: str, reply: str | None
) -> None:
    notice = only(told(before, after))
    assert notice.data["why"] == why
    assert notice.sound is (why not in ("", "resolved"))
    assert notice.data["reply"].startswith(reply) if reply else notice.data["reply"] == ""


@pytest.mark.parametrize(
    "change",
    [{"cause": Cause.PHANTOM}, {"severity": Severity.CRITICAL}, {"story": ()}, {"approval": ASKED.approval},
     {"needs_human": True}, {"acked_by": "Anna"}, {"closed_at": AT}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_a_reader_sees(change: dict[str, object]) -> None:
    assert len(told(DOWN, replace(DOWN, **change))) == 1  # type: ignore[arg-type]


def begun_by_hand(incident: Incident, limits: RelinkLimits | None = None) -> list[str]:
    first = only(notices(None, incident, name="Acme", routes=ROUTES, now=AT, limits=limits or RelinkLimits()))
    return [b["do"] for b in first.data["buttons"] if b["do"] not in ("ack", "pause")]


def test_pairing_anew_is_offered_once_the_ladder_has_nothing_left() -> None:
    lost = replace(DOWN, cause=Cause.LOGGED_OUT)
    assert begun_by_hand(lost) == []
    left_to_humans = replace(lost, needs_human=True)
    assert begun_by_hand(left_to_humans) == ["relink", "reset"]
    assert begun_by_hand(replace(left_to_humans, cause=Cause.ACCOUNT_BLOCKED)) == []
    assert begun_by_hand(left_to_humans, RelinkLimits(approval="never")) == []
    asked = replace(left_to_humans, approval=Approval(Rung.RELINK, 4, AT))
    assert begun_by_hand(asked) == ["approve", "reject"]
    relinking = Attempt(Rung.RELINK, Cause.LOGGED_OUT, AT, "a1")
    assert begun_by_hand(replace(left_to_humans, attempts=(relinking,))) == []
    failed = replace(relinking, outcome=Outcome.FAILED)
    assert begun_by_hand(replace(left_to_humans, attempts=(failed,))) == ["relink", "reset"]
    assert begun_by_hand(replace(left_to_humans, subject=gateway("main"))) == []


@pytest.mark.parametrize("cause", [Cause.WAITING_QR, Cause.QR_SCAN_FAILED])
def test_a_qr_that_is_out_is_offered_at_once(cause: Cause) -> None:
    assert begun_by_hand(replace(DOWN, cause=cause)) == ["show_qr", "reset"]


def test_a_contact_is_named_by_its_channel_and_its_address_in_it() -> None:
    assert str(Contact("webhook", "7")) == "webhook 7"
