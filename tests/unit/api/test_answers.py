from __future__ import annotations

import json

from baileykeep.api.answers import inspect_answer
from baileykeep.model.inventory import Category, Creds, CredsState, Inventory, Level, PreKeys


def test_nothing_of_the_login_leaves_but_its_last_digits() -> None:
    creds = Creds(CredsState.WHOLE, paired=True, phone="4915112345678", identity="abcdef", lid="100000000000555")
    seen = Inventory(3, 3, Level.EXCELLENT, 0, creds, dict.fromkeys(Category, 0), PreKeys(0, None, 1, 35))
    answer = inspect_answer(seen)
    assert set(answer) == {"total", "counted", "level", "reclaimable", "paired", "phone", "categories", "pre_keys"}
    assert (answer["paired"], answer["phone"]) == (True, "***5678")
    for secret in ("4915112345678", "abcdef", "100000000000555"):
        assert secret not in json.dumps(answer)
