"""Signs that setting contact sessions aside is no cure: told in the story before the next repair, or instead of it.

None of them holds a repair back; that is the ladder's work. They say to a human that the same trouble keeps coming.
"""

from __future__ import annotations

from baileykeep.model.incident import Attempt, Cause, Outcome, Rung
from baileykeep.model.limits import DAY, HOUR
from baileykeep.rules.case import Case

NOTHING_DONE = frozenset({Outcome.SUPERSEDED, Outcome.REFUSED})
HELPED = frozenset({Outcome.HEALED, Outcome.DONE})


def signs(case: Case) -> tuple[str, ...]:
    """The sentences that hold for this case; their words do not change while it lasts, so each is told once."""
    if case.incident.cause is not Cause.BAD_MAC:
        return ()
    limits = case.limits.bad_mac
    repairs = [a for a in case.history if a.rung is Rung.REPAIR_SESSIONS and a.outcome not in NOTHING_DONE]
    found = (
        (_needed(case, repairs, HOUR) > limits.hourly_alert, f"{_more(limits.hourly_alert)} needed within an hour"),
        (_needed(case, repairs, DAY) > limits.daily_target, f"{_more(limits.daily_target)} needed within a day"),
        (_in_vain(repairs) > limits.in_a_row_alert, f"{_more(limits.in_a_row_alert)} in vain, one after the other"),
    )
    return tuple(f"Warning sign: {text}." for holds, text in found if holds)


def _more(number: int) -> str:
    return f"more than {number} {'repair was' if number == 1 else 'repairs were'}"


def _needed(case: Case, repairs: list[Attempt], within_s: float) -> int:
    """Repairs of the last while, and the one that this incident still asks for."""
    own = case.incident.tried(Rung.REPAIR_SESSIONS, Cause.BAD_MAC)
    asked_for = not any(a.outcome not in NOTHING_DONE for a in own)
    return sum(case.now - a.begun_at < within_s for a in repairs) + asked_for


def _in_vain(repairs: list[Attempt]) -> int:
    ended = [a.outcome in HELPED for a in repairs if a.outcome is not None]
    return next((n for n, helped in enumerate(reversed(ended)) if helped), len(ended))
