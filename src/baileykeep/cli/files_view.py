"""How the daemon's answers to `inspect` and `plan` look to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baileykeep.cli.output import facts
from baileykeep.cli.words import count, human, plain
from baileykeep.rules.masking import mask_name

SHOWN_REMOVALS = 40


def inventory(view: Mapping[str, Any]) -> str:
    """One auth folder in a few lines."""
    return facts(
        {
            "login": f"paired, {plain(view['phone'])}" if view["paired"] else "not paired",
            "level": f"{human(view['level'])}, {view['counted']} counted of {view['total']} files",
            "cleanup": f"would free {count(view['reclaimable'], 'file')}"
            if view["reclaimable"]
            else "would free nothing",
            "files": _categories(view["categories"]),
            "pre-keys": _pre_keys(view["pre_keys"]),
            "anomalies": ", ".join(plain(name) for name in view["pre_keys"]["anomalies"]),
        }
    )


def _categories(categories: Mapping[str, int]) -> str:
    there = sorted(((number, name) for name, number in categories.items() if number), reverse=True)
    return ", ".join(f"{number} {human(name)}" for number, name in there) or "none"


def _pre_keys(keys: Mapping[str, Any]) -> str:
    return f"newest {keys['newest'] or '-'}, next {keys['next_id'] or '-'}, pool up to {keys['pool_bound']}"


def plan(view: Mapping[str, Any]) -> str:
    """A cleanup plan: what would go and why, and what stays."""
    lines = [_removal(removal) for removal in view["remove"][:SHOWN_REMOVALS]]
    hidden = len(view["remove"]) - len(lines)
    if hidden > 0:
        lines.append(f"… and {hidden} more; --json lists all")
    if not lines:
        lines.append("Nothing is old enough to go.")
    lines.append(f"stays: {_categories(view['kept'])}")
    lines.append(f"{count(view['reclaimable'], 'file')} would go; level after it: {human(view['level_after'])}")
    return "\n".join(lines)


def _removal(removal: Mapping[str, Any]) -> str:
    """File names carry contacts' numbers, so they are masked."""
    return f"{removal['age_days']:6.1f} d  {plain(mask_name(removal['name']))}  {plain(removal['reason'])}"
