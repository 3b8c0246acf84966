"""What the rounds did, as a table for people and as a summary for machines."""

from __future__ import annotations

from statistics import median
from typing import Any

from tests.crash.rounds import Tally


def summary(tally: Tally, seed: int, seconds: float) -> dict[str, Any]:
    """Everything that was counted; summaries of several runs add up."""
    return {
        "seed": seed,
        "seconds": round(seconds, 1),
        "rounds": tally.rounds,
        "rounds_per_s": round(tally.rounds / seconds, 3),
        "kills": tally.kills,
        "killed_in": dict(sorted(tally.killed.items())),
        "ended": [{"step": step, "outcome": end, "count": n} for (step, end), n in sorted(tally.outcomes.items())],
        "troubles": dict(sorted(tally.troubles.items())),
        "actions": tally.actions,
        "incidents": tally.incidents,
        "copies_read": tally.copies,
        "needed_a_human": tally.humans,
        "failures": tally.failures,
    }


def show(tally: Tally, seed: int, seconds: float) -> str:
    """The table, worst news last."""
    ends = sorted({end for _, end in tally.outcomes})
    lines = [
        f"{tally.rounds} rounds, {tally.kills} kills in {seconds:.0f} s ({tally.rounds / seconds:.2f} rounds/s), "
        f"seed {seed}",
        f"{tally.actions} actions, {tally.incidents} incidents, {tally.copies} copies read, "
        f"{tally.humans} rounds needed a human; well again after {_middle(tally.settled_s)} (median)",
        "",
        f"{'killed in':<26}{'times':>7}" + "".join(f"{end:>12}" for end in ends),
    ]
    for step, count in sorted(tally.killed.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"{step:<26}{count:>7}" + "".join(f"{tally.outcomes[step, end] or '':>12}" for end in ends))
    lines += ["", "troubles: " + ", ".join(f"{name} {count}" for name, count in sorted(tally.troubles.items()))]
    lines += [f"WRONG: {failure}" for failure in tally.failures] or ["nothing was wrong"]
    return "\n".join(lines)


def _middle(seconds: list[float]) -> str:
    return f"{median(seconds):.1f} s" if seconds else "no time"
