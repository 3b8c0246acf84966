"""A backup that somebody puts back is told in the story of what it cures, also where that is only watched."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.actions.base import Order
from baileykeep.model.backup import BackupKind
from baileykeep.model.facts import CredsSeen
from baileykeep.model.incident import Rung, Topic
from baileykeep.model.inventory import Creds, CredsState
from tests.unit.engine.installation import ACME, Daemon, Installation, daemon, with_limits
from tests.unit.engine.test_monitor import FAST

pytestmark = pytest.mark.asyncio


async def lose_creds(d: Daemon) -> None:
    """They were seen whole, then they are gone."""
    store, now = d.on.store("acme"), d.on.clock.now()
    d.engine.observe(CredsSeen(at=now, company="acme", creds=store.creds()))
    store.remove("creds.json")
    d.engine.observe(CredsSeen(at=now, company="acme", creds=Creds(CredsState.MISSING)))
    await d.see()


@pytest.mark.parametrize(("rung", "told"), [(Rung.RESTORE, True), (Rung.BACKUP, False)])
async def test_only_what_cures_lost_creds_is_told_in_their_story(tmp_path: Path, rung: Rung, told: bool) -> None:
    on = Installation(tmp_path)
    with_limits(on, ladder=FAST)
    backup = on.vault.create(on.store("acme"), BackupKind.HOT, on.clock.now() - 60).name
    async with daemon(on) as d:
        await lose_creds(d)
        story = d.desk.story(ACME, Topic.WATCH)
        assert story is not None
        assert d.causes() == {"creds_changed"}
        await d.desk.request(ACME, rung, Order(operator="ann", backup=backup))
        await on.pass_time(300)
        lines = " ".join(line.text for line in d.ledger.find(story.id).story)  # type: ignore[union-attr]
        assert ("Putting a backup back, asked for by ann." in lines) is told
        assert (f"Put a backup back: it works again ({backup}, identity mode)." in lines) is told
