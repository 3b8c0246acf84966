"""A webhook that did not survive a repair stands in the company's story and in the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from baileykeep.actions.base import Site, Steps, Unseen
from baileykeep.engine.desk import Desk
from baileykeep.model.facts import ConnState
from baileykeep.model.limits import DisconnectLimits
from baileykeep.model.records import EntryKind
from baileykeep.model.symptoms import Subject
from baileykeep.model.webhook import WebhookSetting
from tests.unit.engine.installation import ACME, Installation, Sessions, daemon, with_limits
from tests.unit.engine.test_monitor import FAST

pytestmark = pytest.mark.asyncio
SET = (WebhookSetting("url", ("hooks.test",), "digest"),)


class Forgetful(Sessions):
    """A gateway that forgets the webhook when it opens a session."""

    async def webhook_settings(self, company: str) -> tuple[WebhookSetting, ...]:
        return () if "reconnect" in self.of(company) else SET


class Telling(Unseen):
    """What an action says goes to the desk."""

    def __init__(self, desk: Desk, subject: Subject):
        self._desk, self._subject = desk, subject

    async def tell(self, text: str, kind: EntryKind = EntryKind.PAIRING) -> None:
        await self._desk.tell(self._subject, text, kind)


class WithWebhooks(Installation):
    """An installation whose gateway tells."""

    desk: Desk

    def __init__(self, root: Path):
        super().__init__(root)
        self.sessions = Forgetful("acme", "other")

    def site(
        self, subject: Subject, steps: Steps, still_wrong: Callable[[], Awaitable[bool]], *, by_human: bool
    ) -> Site:
        made = super().site(subject, steps, still_wrong, by_human=by_human)
        return replace(made, pairing=Telling(self.desk, subject))


async def test_it_is_told_once_where_people_look(tmp_path: Path) -> None:
    on = WithWebhooks(tmp_path)
    with_limits(on, ladder=FAST, disconnect=DisconnectLimits(warn_after_s=1, act_after_s=2))
    async with daemon(on) as d:
        on.desk = d.desk
        await d.see()
        on.sessions.states["acme"] = ConnState.DISCONNECTED
        await d.watch_for(100)
        entries = await on.journal.entries(subject=ACME, kinds=(EntryKind.WEBHOOK,), limit=10)
        notices = await on.journal.pending_notices(on.clock.now())
    told = "The gateway's webhook settings are gone (they led to hooks.test)."
    assert any(told in str(notice.data) for notice in notices)
    assert [entry.data["text"][: len(told)] for entry in entries] == [told]
    assert entries[0].incident is not None
    assert entries[0].action is not None
