"""Which rung is left out, and why; a rung that applies is never left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.decisions import Reason
from baileykeep.model.incident import ApprovalState, Cause, Rung
from baileykeep.model.limits import HOUR, CleanupLimits, Limits, RelinkLimits
from baileykeep.rules import ladder
from baileykeep.rules.ladder import Can
from tests.unit.rules.cases import approval, case, inventory, tried, view

FULL = view(inventory=inventory(160, 140))
ADDRESSES = {"addresses": ("4915100000001.0",)}


def test_a_repair_needs_names_files_a_stop_and_an_hour() -> None:
    skip = ladder.SKIPS[Rung.REPAIR_SESSIONS]
    assert skip(case(Cause.BAD_MAC, detail=ADDRESSES)) is None
    assert skip(case(Cause.BAD_MAC)) is Reason.CANNOT_DO
    assert skip(case(Cause.BAD_MAC, can=Can(stop=False))) is Reason.CANNOT_STOP
    assert skip(case(Cause.BAD_MAC, detail=ADDRESSES, can=Can(stop=False))) is Reason.CANNOT_STOP
    lately = (tried(Rung.REPAIR_SESSIONS, Cause.BAD_MAC, ago_s=HOUR - 1),)
    assert skip(case(Cause.BAD_MAC, detail=ADDRESSES, history=lately)) is Reason.COOLDOWN
    before = (tried(Rung.REPAIR_SESSIONS, Cause.BAD_MAC, ago_s=HOUR),)
    assert skip(case(Cause.BAD_MAC, detail=ADDRESSES, history=before)) is None


def test_a_cleanup_needs_a_seen_folder_that_is_full_enough() -> None:
    skip = ladder.SKIPS[Rung.CLEANUP]
    assert skip(case(seen=FULL)) is None
    assert skip(case(seen=view(inventory=None))) is Reason.CANNOT_DO
    assert skip(case(seen=FULL, can=Can(files=False))) is Reason.CANNOT_DO
    assert skip(case(seen=FULL, can=Can(stop=False))) is Reason.CANNOT_STOP
    falling = replace(inventory(149, 100), level=inventory(150).level)
    assert skip(case(seen=view(inventory=falling))) is Reason.LEVEL_TOO_LOW
    lately = (tried(Rung.CLEANUP, ago_s=6 * HOUR - 1),)
    assert skip(case(seen=FULL, history=lately)) is Reason.COOLDOWN
    assert skip(case(Cause.FILES_CRITICAL, seen=FULL, history=lately)) is None
    assert skip(case(seen=FULL, history=(tried(Rung.CLEANUP, ago_s=6 * HOUR),))) is None
    shorter = Limits(cleanup=CleanupLimits(cooldown_s=60))
    assert skip(case(seen=FULL, history=lately, limits=shorter)) is None


@pytest.mark.parametrize(
    ("cause", "counted", "after", "target"),
    [
        (Cause.DISCONNECTED, 160, 149, 150),
        (Cause.DISCONNECTED, 179, 149, 150),
        (Cause.DISCONNECTED, 180, 179, 180),
        (Cause.FILES_CRITICAL, 160, 149, 150),
        (Cause.FILES_CRITICAL, 180, 179, 180),
        (Cause.FILES_DANGER, 180, 179, 180),
        (Cause.FILES_DANGER, 178, 100, 180),
    ],
)
def test_a_cleanup_must_get_below_the_level_that_asks_for_it(
    cause: Cause, counted: int, after: int, target: int
) -> None:
    made = case(cause, seen=view(inventory=inventory(counted, after)))
    assert ladder.cleanup_target(made) == target
    assert ladder.cleanup_target(replace(made, view=view(inventory=None))) == (
        180 if cause is Cause.FILES_DANGER else 150
    )


def test_a_relink_is_left_out_where_it_cannot_or_must_not_be() -> None:
    skip = ladder.SKIPS[Rung.RELINK]
    assert skip(case(Cause.LOGGED_OUT)) is None
    assert skip(case(Cause.LOGGED_OUT, can=Can(relink=False))) is Reason.CANNOT_DO
    assert skip(case(Cause.LOGGED_OUT, can=Can(files=False))) is Reason.CANNOT_DO
    assert skip(case(Cause.LOGGED_OUT, can=Can(stop=False))) is Reason.CANNOT_STOP
    never = Limits(relink=RelinkLimits(approval="never"))
    assert skip(case(Cause.LOGGED_OUT, limits=never)) is Reason.APPROVAL_NEVER
    assert skip(case(seen=view(inventory=inventory(199)))) is Reason.LEVEL_TOO_LOW
    assert skip(case(seen=view(inventory=inventory(200)))) is None
    for state, reason in (
        (ApprovalState.OPEN, None),
        (ApprovalState.APPROVED, None),
        (ApprovalState.REJECTED, Reason.APPROVAL_REJECTED),
        (ApprovalState.EXPIRED, Reason.APPROVAL_EXPIRED),
    ):
        assert skip(case(Cause.LOGGED_OUT, approval=approval(Rung.RELINK, state))) is reason
        assert skip(case(Cause.LOGGED_OUT, approval=approval(Rung.CLEANUP, state))) is None


def test_what_a_gateway_cannot_do_is_left_out() -> None:
    for rung, can, reason in (
        (Rung.SNAPSHOT, Can(files=False), Reason.CANNOT_DO),
        (Rung.SNAPSHOT, Can(stop=False), None),
        (Rung.RECONNECT, Can(reconnect=False), Reason.CANNOT_DO),
        (Rung.RECONNECT, Can(files=False, stop=False), None),
        (Rung.RESTART_PROCESS, Can(), Reason.CANNOT_DO),
        (Rung.RESTART_PROCESS, Can(restart_process=True), None),
        (Rung.RESTORE_CREDS, Can(), None),
        (Rung.PAIR_AGAIN, Can(stop=False, stop_others=True), None),
        (Rung.PAIR_AGAIN, Can(stop=False), Reason.CANNOT_STOP),
    ):
        assert ladder.SKIPS[rung](case(can=can)) is reason, rung


def test_a_throw_out_of_the_past_bars_only_the_answer_to_another() -> None:
    skip = ladder.SKIPS[Rung.RECONNECT]
    before = tried(Rung.RECONNECT, Cause.REPLACED, ago_s=3600)
    assert skip(case(Cause.REPLACED, history=(before,))) is Reason.COOLDOWN
    assert skip(case(Cause.DISCONNECTED, history=(before,))) is None
    assert skip(case(Cause.REPLACED, history=(replace(before, rung=Rung.SNAPSHOT),))) is None
