"""What a gateway let expire goes sooner, and never past any promise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.inventory import CleanupPlan, FileEntry, Listing
from baileykeep.model.limits import CleanupLimits, Limits
from baileykeep.rules import cleanup
from baileykeep.rules.pre_keys import PoolKnowledge
from tests.unit.rules.folders import GROUP, NOW, creds, entry

SESSION = "session-4915122222222.0.json"
OTHERS_KEY = f"sender-key-{GROUP}--4915122222222--0.json"
LIMITS = Limits(cleanup=CleanupLimits(min_age_days=7, session_age_days=60, sender_key_age_days=60))


def planned(*files: FileEntry) -> CleanupPlan:
    return cleanup.plan(Listing(files, "t"), creds(), PoolKnowledge(), LIMITS, now=NOW)


def gone(*files: FileEntry) -> set[str]:
    return {removal.name for removal in planned(*files).remove}


@pytest.mark.parametrize("name", [SESSION, OTHERS_KEY])
def test_what_expired_goes_past_the_floor(name: str) -> None:
    old = entry(name, 8)
    assert gone(old) == set()
    assert gone(replace(old, expires_at=NOW)) == set()
    assert gone(replace(old, expires_at=NOW - 1)) == {name}
    assert gone(replace(entry(name, 7), expires_at=NOW - 1)) == set()
    (removal,) = planned(replace(old, expires_at=NOW - 1)).remove
    assert "expired, and not used for 8 days" in removal.reason


@pytest.mark.parametrize(
    "name",
    [
        "creds.json",
        "app-state-sync-key-AAAA.json",
        "lid-mapping-4915122222222.json",
        "device-list-4915122222222.json",
        "tctoken-4915122222222@s.whatsapp.net.json",
        "identity-key-4915122222222.0.json",
        "pre-key-1.json",
        f"sender-key-memory-{GROUP}.json",
        "row=0123",
    ],
)
def test_expiry_takes_nothing_that_is_never_cleaned(name: str) -> None:
    assert gone(replace(entry(name, 400), expires_at=NOW - 1)) == set()
