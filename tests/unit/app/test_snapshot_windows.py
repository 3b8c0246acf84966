"""When something that waits for a maintenance window says that it opens."""

from datetime import time
from types import SimpleNamespace
from typing import Any

import pytest

from baileykeep.app.snapshot import _opens
from baileykeep.clock import VirtualClock
from baileykeep.config.window import Window
from baileykeep.engine.roster import Member
from baileykeep.model.decisions import Reason
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import company

ACME = company("acme")


def said(window: Window | None, reason: Reason = Reason.WAIT_FOR_WINDOW) -> str:
    sites = SimpleNamespace(
        member=lambda subject: Member(subject, "acme", "main", Limits(), window=window),
        settings=SimpleNamespace(installation=SimpleNamespace(timezone="Europe/Berlin")),
    )
    sources: Any = SimpleNamespace(sites=sites, clock=VirtualClock(1_800_000_000.0))  # Fri 15 Jan 2027, 09:00 there
    return _opens(sources, ACME, reason)


@pytest.mark.parametrize(("window", "text"), [
    (Window((0,), time(3), time(5), "Europe/Berlin"), " It opens Mon 18 Jan 03:00 (Europe/Berlin)."),
    (Window((0,), time(3), time(5), "America/New_York"), " It opens Mon 18 Jan 09:00 (Europe/Berlin)."),
    (None, ""),
])  # fmt: skip
def test_it_is_told_in_the_installations_zone(window: Window | None, text: str) -> None:
    assert said(window) == text


def test_only_who_waits_for_it_hears_of_it() -> None:
    assert said(Window((0,), time(3), time(5), "UTC"), Reason.COOLDOWN) == ""
