"""From a day that went wrong to the shortest story: as few faults as still break the same promise."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tests.simulation.day import Day, live
from tests.simulation.faults import Fault

AFTERWARDS_S = 3600.0
TOLD_LINES = 60


def rule_of(day: Day) -> str:
    """What was broken first, without names and numbers; empty for a good day."""
    return re.sub(r"[0-9]+|[a-z-]+-[0-9@.s_-]+json", "#", day.breaches[0].text) if day.breaches else ""


def shrink(day: Day, run: Callable[[int, Sequence[Fault]], Day] | None = None, *, most_runs: int = 60) -> Day:
    """The same breach with as few faults as can be found: halves, quarters and so on are left out (ddmin)."""
    again = run or live
    best, rule, runs, parts = day, rule_of(day), 0, 2
    while rule and len(best.faults) > 1 and runs < most_runs:
        size = max(1, len(best.faults) // parts)
        shorter = None
        for start in range(0, len(best.faults), size):
            left = best.faults[:start] + best.faults[start + size :]
            tried = again(best.seed, left)
            runs += 1
            if rule_of(tried) == rule:
                shorter = tried
                break
        if shorter is not None:
            best, parts = shorter, max(2, parts - 1)
        elif size == 1:
            break
        else:
            parts = min(len(best.faults), parts * 2)
    return best


def story(day: Day) -> str:
    """The breach, the faults behind it, and what happened to the companies concerned."""
    if not day.breaches:
        return f"seed {day.seed}: nothing went wrong"
    concerned = {breach.who for breach in day.breaches[:3]} | {"host", *(fault.target for fault in day.faults)}
    lines = [f"{at / 3600:9.4f} h {who:7} {text}" for at, who, text in day.lines if who in concerned]
    head = [f"seed {day.seed}: {len(day.breaches)} broken promises, {len(day.faults)} faults are enough"]
    head += [f"  {breach}" for breach in day.breaches[:5]]
    return "\n".join([*head, "faults:", *(f"  {fault}" for fault in day.faults), "trace:", *lines[-TOLD_LINES:]])
