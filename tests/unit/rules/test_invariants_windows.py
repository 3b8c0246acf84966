"""The promise about maintenance windows, checked just before a cleanup is begun."""

from typing import Any

import pytest

from baileykeep.model.evidence import Situation
from baileykeep.model.incident import Cause, Rung
from baileykeep.model.limits import DAY
from tests.unit.rules.sights import NOW, agreed, begun, breached

MARGIN_S = 15 * 60


def cleaned(
    left_s: float,
    *neighbours: str,
    cause: Cause = Cause.FILES_CRITICAL,
    trouble: dict[str, Any] | None = None,
    **how: Any,
) -> list[str]:
    around = Situation(
        started_at=NOW - DAY, window=left_s > MARGIN_S, window_left_s=left_s, neighbours=neighbours, **(trouble or {})
    )  # fmt: skip
    return breached((begun(Rung.CLEANUP, cause, situation=around, **how), 0))


@pytest.mark.parametrize(("left_s", "found"), [
    (MARGIN_S + 1, []),
    (MARGIN_S, ["windows_kept"]),
    (0, ["windows_kept"]),
])  # fmt: skip
def test_nothing_is_begun_outside_a_window_or_in_its_last_minutes(left_s: float, found: list[str]) -> None:
    assert cleaned(left_s) == found


def test_one_company_of_a_gateway_at_a_time() -> None:
    assert cleaned(3600, "company:b") == ["windows_kept"]


@pytest.mark.parametrize("trouble", [{"unwell": ("creds_changed",)}, {"failed_near": ("company:b",)}])
@pytest.mark.parametrize("cause", [Cause.FILES_CRITICAL, Cause.FILES_PLANNED])
def test_nobody_with_other_trouble_and_nobody_after_one_that_did_not_come_back(
    trouble: dict[str, Any], cause: Cause
) -> None:
    assert cleaned(3600, cause=cause, trouble=trouble) == ["windows_kept"]


def test_what_was_only_planned_waits_for_its_window_whoever_agrees() -> None:
    planned = Cause.FILES_PLANNED
    assert cleaned(MARGIN_S + 1, cause=planned) == []
    assert cleaned(MARGIN_S, cause=planned) == ["windows_kept"]
    assert cleaned(3600, "company:b", cause=planned) == ["windows_kept"]
    assert cleaned(0, cause=planned, operator="ann", approval=agreed(Rung.CLEANUP, planned)) == ["windows_kept"]


def test_a_humans_fresh_word_needs_no_window() -> None:
    assert cleaned(0, operator="ann", approval=agreed(Rung.CLEANUP, Cause.FILES_CRITICAL)) == []
    assert cleaned(0, approval=agreed(Rung.CLEANUP, Cause.FILES_CRITICAL)) == ["windows_kept"], (
        "who acted must be known"
    )
    stale = agreed(Rung.CLEANUP, Cause.FILES_CRITICAL, answered_at=NOW - 3600)
    assert cleaned(0, operator="ann", approval=stale) == ["windows_kept"]


def test_what_waits_for_no_window_is_no_matter_of_it() -> None:
    assert cleaned(0, "company:b", cause=Cause.FILES_DANGER) == []
    assert cleaned(0, manual=True, operator="ann") == []
