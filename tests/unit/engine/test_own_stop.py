"""A session that an action of our own stopped is no outage to wake people for; one that stays down after it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.actions.base import Order
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Outcome, Rung
from baileykeep.model.limits import DisconnectLimits
from tests.unit.engine.installation import ACME, Installation, daemon, with_limits
from tests.unit.engine.test_monitor import FAST

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("opens_again", [True, False])
async def test_a_stop_for_a_cleanup_by_hand_is_told_only_if_the_session_stays_down(
    tmp_path: Path, opens_again: bool
) -> None:
    on = Installation(tmp_path)
    with_limits(on, ladder=FAST, disconnect=DisconnectLimits(warn_after_s=1, act_after_s=3600))
    if not opens_again:
        on.sessions.dead.add("acme")
    async with daemon(on) as d:
        await d.see()
        await d.desk.request(ACME, Rung.CLEANUP, Order(operator="ann", force=True))
        seen_down = 0
        while ACME in d.orchestrator.running:
            await d.watch_for(5)
            seen_down += on.sessions.states["acme"] is ConnState.DISCONNECTED
            assert d.causes() == set() or ACME not in d.orchestrator.running
        assert seen_down
        [attempt] = d.ledger.history(ACME)
        assert attempt.outcome is (Outcome.HEALED if opens_again else Outcome.FAILED)
        await d.watch_for(10)
        assert d.causes() == (set() if opens_again else {"disconnected"})
