"""What `inspect` and a cleanup's plan answer, the same from the daemon and from a command without one.

Of the login only whether it is paired, and the last digits of its phone, ever leave here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baileykeep.model.inventory import Category, CleanupPlan, Inventory
from baileykeep.rules.masking import mask_name, mask_phone


def inspect_answer(seen: Inventory) -> dict[str, Any]:
    """The contract of `inspect --json`."""
    return {
        "total": seen.total,
        "counted": seen.counted,
        "level": seen.level.value,
        "reclaimable": seen.reclaimable,
        "paired": seen.creds.paired,
        "phone": mask_phone(seen.creds.phone),
        "categories": _by_name(seen.categories),
        "pre_keys": {
            "count": seen.pre_keys.count,
            "newest": seen.pre_keys.newest,
            "next_id": seen.pre_keys.next_id,
            "pool_bound": seen.pre_keys.pool_bound,
            "anomalies": list(seen.pre_keys.anomalies),
        },
    }


def plan_answer(plan: CleanupPlan) -> dict[str, Any]:
    """The contract of `cleanup --dry-run --json`."""
    return {
        "remove": [
            {
                "name": mask_name(removal.name),
                "type": removal.category.value,
                "age_days": round(removal.age_days, 2),
                "reason": removal.reason,
            }
            for removal in plan.remove
        ],
        "kept": _by_name(plan.kept),
        "reclaimable": plan.reclaimable,
        "level_after": plan.level_after.value,
    }


def _by_name(counts: Mapping[Category, int]) -> dict[str, int]:
    return {category.value: counts[category] for category in Category}
