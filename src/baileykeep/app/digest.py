"""Sends the daily digest: once a day to each first contact, whatever restarts or clocks do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import structlog

from baileykeep.app import snapshot
from baileykeep.journal.base import Journal
from baileykeep.model.errors import JournalError
from baileykeep.model.limits import DAY
from baileykeep.model.records import Entry, EntryKind, Notice
from baileykeep.model.symptoms import HOST, Severity, company
from baileykeep.rules import digest, words_digest
from baileykeep.rules.digest import Due
from baileykeep.rules.notify import Contact

log = structlog.get_logger(__name__)

LOOK_S = 20.0
DRAWER = "digest"


class Digests:
    """`run` looks at the clock ever so often: a zone that is edited or a clock that is set needs nothing else."""

    def __init__(self, sources: snapshot.Sources, journal: Journal, posted: Callable[[], None]):
        self._sources = sources
        self._journal = journal
        self._posted = posted

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self.look()
            await self._sources.clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Send what is due now; a journal that fails is tried again at the next look."""
        try:
            await self._look()
        except JournalError as error:
            log.warning("digest_not_made", error=error.cause)

    async def _look(self) -> None:
        installation = self._sources.sites.settings.installation
        table, now = installation.digest, self._sources.clock.now()
        known = (await self._journal.recall(DRAWER)).get(str(HOST))
        found = digest.due(now, table.at, table.zone or installation.timezone, _day(known))
        if found is None:
            if known is None:
                await self._journal.remember({(str(HOST), DRAWER): date.min.isoformat()})
            return
        what, today = found
        # whoever was never there before has no day to tell of
        wanted = table.enabled and known is not None
        notices = await self._notices(today, now) if wanted and what is Due.SEND else []
        text = f"The daily digest of {today} was {'made' if what is Due.SEND else 'left out: it came too late'}."
        entries = [Entry(now, EntryKind.CONFIG, HOST, data={"text": text})] if wanted else []
        await self._journal.write(entries, notices, {(str(HOST), DRAWER): today.isoformat()})
        self._posted()

    async def answer(self) -> dict[str, Any]:
        """The digest of all companies as of now."""
        return self._made(await self._days(), None)

    async def _days(self) -> Mapping[Any, digest.Past]:
        now = self._sources.clock.now()
        entries = await self._journal.entries(since=now - DAY, kinds=digest.KINDS)
        return digest.past(entries, self._sources.ledger.all_open(), now - DAY, now)

    async def _notices(self, today: date, now: float) -> list[Notice]:
        days = await self._days()
        return [_notice(contact, self._made(days, contact), today, now) for contact in self._contacts()]

    def _contacts(self) -> list[Contact]:
        """Everybody who is told of something first."""
        members = self._sources.sites.members().values()
        return list(dict.fromkeys(contact for member in members for contact in member.routes.first))

    def _made(self, days: Mapping[Any, digest.Past], contact: Contact | None) -> dict[str, Any]:
        """For a contact only what it is told of; for None everything."""
        sites = self._sources.sites
        told = [i for i in sites.companies() if contact is None or contact in sites.members()[company(i)].routes.first]
        around = dict(snapshot.installation(self._sources))
        if contact is not None and contact not in sites.members()[HOST].routes.first:
            around |= {"incidents": [], "config": {"ok": True, "problems": []}}
        views = [snapshot.company_view(self._sources, ident) for ident in told]
        return words_digest.digest(views, days, around, self._sources.clock.now())


def _day(known: Any) -> date | None:
    try:
        return date.fromisoformat(known)
    except (TypeError, ValueError):
        return None


def _notice(contact: Contact, made: Mapping[str, Any], today: date, now: float) -> Notice:
    """It never rings: what is urgent has rung when it happened."""
    severity = Severity.WARNING if made["bad"] else Severity.INFO
    data = {
        "to": contact.address, "first": False, "why": "", "headline": made["headline"], "lines": made["lines"],
        "name": "digest", "severity": severity.value, "closed": not made["bad"], "timed": True,
    }  # fmt: skip
    key = f"digest:{today}@{contact.address}"
    return Notice(now, contact.channel, key, None, HOST, severity, sound=False, data=data)
