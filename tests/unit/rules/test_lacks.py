"""What a gateway cannot do is named in words, wherever a decision or a person would need it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.decisions import Decision, Reason, Verb
from baileykeep.model.incident import Cause, Rung
from baileykeep.model.limits import RelinkLimits
from baileykeep.model.symptoms import Severity
from baileykeep.rules import incidents, lacks, notify, words
from baileykeep.rules.lacks import Lacks, left, lines, why
from baileykeep.rules.ladder import Can, decide, incapable, incapable_of, may_request
from tests.unit.rules.cases import NOW, case, incident, inventory, view

FILES = "its auth files are not watched: it keeps its logins in Redis"
NO_FILES = Lacks(files=FILES, relink="it only logs out")
FOLDERLESS = Can(stop=False, relink=False, files=False, reset=False, lacks=replace(NO_FILES, reset="it has none"))


def test_every_rung_is_known_and_names_the_first_thing_it_misses() -> None:
    assert set(lacks.NEEDS) == set(Rung)
    assert why(Lacks(), Rung.RELINK) == ""
    assert why(NO_FILES, Rung.RELINK) == FILES
    assert why(replace(NO_FILES, files=""), Rung.RELINK) == "it only logs out"
    assert why(Lacks(process="nobody runs it"), Rung.RESTART_PROCESS) == "nobody runs it"


def test_rungs_that_miss_the_same_thing_share_a_line() -> None:
    found = lines(replace(NO_FILES, reconnect="no call"), (Rung.RECONNECT, Rung.CLEANUP, Rung.RELINK))
    assert found == (
        "Cannot reconnect: no call.",
        f"Cannot back up and clean the folder or relink with a new QR code: {FILES}.",
    )
    assert lines(Lacks(), tuple(Rung)) == ()


def test_what_is_not_watched_is_said_with_what_it_costs() -> None:
    assert Lacks().not_watched() == ()
    assert NO_FILES.not_watched() == (
        "auth files: not watched, it keeps its logins in Redis: no levels, no cleanup, no backups",
    )
    assert Lacks(state="it has no call for it").not_watched() == (
        "state: not asked for, it has no call for it: shown is what its webhooks said",
    )


@pytest.mark.parametrize(
    ("lacking", "cause", "advice"),
    [
        (Lacks(qr="x"), Cause.WAITING_QR, lacks.OWN_PAGE),
        (Lacks(), Cause.QR_SCAN_FAILED, ""),
        (Lacks(relink="x", reset="x"), Cause.LOGGED_OUT, lacks.PAIR_THERE),
        (Lacks(relink="x"), Cause.LOGGED_OUT, lacks.PAIR_BY_RESET),
        (Lacks(reset="x"), Cause.LOGGED_OUT, ""),
        (Lacks(stop="x"), Cause.FILES_DANGER, lacks.NEEDS_MANAGER),
        (Lacks(stop="x", files="x"), Cause.FILES_DANGER, ""),
        (Lacks(process="x"), Cause.GATEWAY_DOWN, lacks.START_IT),
        (Lacks(), Cause.GATEWAY_DOWN, ""),
        (Lacks(reconnect="x"), Cause.DISCONNECTED, lacks.RESTART_IT),
        (Lacks(), Cause.DISCONNECTED, ""),
        (Lacks(reconnect="x"), Cause.REPLACED, ""),
    ],
)
def test_what_is_left_is_said_where_the_usual_advice_leads_nowhere(lacking: Lacks, cause: Cause, advice: str) -> None:
    assert left(lacking, cause) == advice


def test_the_ladder_hands_over_with_what_is_missing_and_the_story_tells_it() -> None:
    decision = decide(case(Cause.LOGGED_OUT, can=FOLDERLESS, seen=view(inventory=None)))
    line = f"Cannot take a backup or relink with a new QR code: {FILES}."
    assert decision == Decision(Verb.HUMAN, Reason.CANNOT_DO, detail={"cannot": (line,)})
    story = incidents.decided(incident(Cause.LOGGED_OUT), decision, NOW)
    assert [told.text for told in story.story[1:]] == [line, "A human is needed: this gateway cannot do it."]
    assert incapable(Cause.LOGGED_OUT, FOLDERLESS) == (line,)


def test_a_rung_that_misses_nothing_is_not_told_as_missing() -> None:
    decision = decide(case(Cause.BAD_MAC, seen=view(), can=replace(FOLDERLESS, files=True, stop=True, lacks=Lacks())))
    assert decision.detail == {}


@pytest.mark.parametrize(
    ("rung", "can", "reason"),
    [
        (Rung.RECONNECT, Can(reconnect=False, lacks=Lacks(reconnect="no call")), Reason.CANNOT_DO),
        (Rung.RELINK, Can(relink=False, lacks=Lacks(relink="no call")), Reason.CANNOT_DO),
        (Rung.RESET, Can(reset=False, lacks=Lacks(reset="no call")), Reason.CANNOT_DO),
        (Rung.BACKUP, Can(files=False, lacks=Lacks(files="no call")), Reason.CANNOT_DO),
        (Rung.RESTORE, Can(stop=False, lacks=Lacks(stop="no call")), Reason.CANNOT_STOP),
        (Rung.CLEANUP, Can(stop=False, lacks=Lacks(stop="no call")), Reason.CANNOT_STOP),
    ],
)
def test_nobody_begins_by_hand_what_could_only_fail(rung: Rung, can: Can, reason: Reason) -> None:
    decision = may_request(case(can=can), rung, force=True)
    assert (decision.verb, decision.reason) == (Verb.HOLD, reason)
    assert words.why_not(decision) == f"{words.why_held(reason)}: no call"
    assert may_request(case(), rung, force=True).verb is Verb.ACT


def test_a_refusal_without_more_to_say_is_the_reason_alone() -> None:
    decision = may_request(case(can=Can(files=False)), Rung.CLEANUP)
    assert words.why_not(decision) == words.why_held(Reason.CANNOT_DO)


def test_people_get_no_button_that_would_only_be_refused() -> None:
    story = incident(Cause.LOGGED_OUT, needs_human=True, severity=Severity.CRITICAL)

    def buttons(lacking: Lacks) -> list[str]:
        return [button["do"] for button in notify.view(story, "Acme", RelinkLimits(), lacking)["buttons"]]

    assert buttons(Lacks()) == ["relink", "reset", "ack", "pause"]
    assert buttons(NO_FILES) == ["reset", "ack", "pause"]
    assert buttons(FOLDERLESS.lacks) == ["ack", "pause"]
    waits = replace(story, cause=Cause.WAITING_QR)
    seen = notify.view(waits, "Acme", RelinkLimits(), Lacks(qr="not handed out"))
    assert [button["do"] for button in seen["buttons"]] == ["reset", "ack", "pause"]
    assert seen["what_to_do"] == lacks.OWN_PAGE


def test_only_what_is_missing_for_a_rung_that_applies_is_named() -> None:
    lacking = Can(stop=False, lacks=Lacks(stop="there is no call for it"))
    small = case(Cause.DISCONNECTED, seen=view(), can=lacking)
    assert all("clean" not in line for line in incapable_of(small))
    full = case(Cause.DISCONNECTED, seen=view(inventory=inventory(160, 140)), can=lacking)
    assert any("clean" in line for line in incapable_of(full))
