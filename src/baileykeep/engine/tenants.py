"""Tells the companies themselves how their WhatsApp is. It decides nothing about sessions and waits for nobody.

What a company was told is stored together with the notice, so that a daemon killed in between says nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from baileykeep.clock import Clock
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member, Roster
from baileykeep.engine.units import CompanyUnit, Unit
from baileykeep.journal.base import Journal
from baileykeep.model import codec
from baileykeep.model.errors import JournalError
from baileykeep.model.facts import TenantTold
from baileykeep.model.incident import Topic
from baileykeep.model.moments import shifted
from baileykeep.model.records import Entry, EntryKind, Notice
from baileykeep.model.symptoms import Scope, Severity, Subject, SymptomKind, gateway
from baileykeep.rules import tenant_told, tenants
from baileykeep.rules.notify import Contact
from baileykeep.rules.tenants import Condition, Message, Seen, State, Tenant

log = structlog.get_logger(__name__)

DRAWER = "tenant"
LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Sees:
    """What it works with. `told` says that notices wait."""

    roster: Roster
    units: Callable[[Subject], Unit | None]
    ledger: Ledger
    holds: Holds
    journal: Journal
    clock: Clock
    told: Callable[[], None]


class Tenants:
    """One per daemon. `load`, then `run` until cancelled."""

    def __init__(self, sees: Sees):
        self._sees = sees
        self._states: dict[Subject, State] = {}

    async def load(self) -> None:
        """What companies were told by an earlier daemon."""
        for text, saved in (await self._sees.journal.recall(DRAWER)).items():
            try:
                self._states[Subject.parse(text)] = codec.decode(State, saved)
            except (TypeError, ValueError, KeyError) as error:
                log.warning("tenant_state_not_readable", subject=text, error=repr(error))
        self._forget_gone()

    def _forget_gone(self) -> None:
        """An address that was removed while no daemon ran takes no message any more, which is no trouble."""
        for subject, member in self._sees.roster.members().items():
            unit, now = self._sees.units(subject), self._sees.clock.now()
            if isinstance(unit, CompanyUnit):
                known: tenant_told.State = unit.state("tenant_told")
                contacts = member.tenant.contacts if member.tenant is not None else ()
                if not {channel for channel, _ in known.problems} <= set(map(str, contacts)):
                    unit.observe(TenantTold(at=now, company=subject.id), now)

    def clock_was_set(self, by_s: float, _now: float) -> None:
        """Waits keep their length."""
        self._states = {subject: shifted(state, by_s) for subject, state in self._states.items()}

    def moved(self) -> Mapping[tuple[str, str], Any]:
        """All that is remembered."""
        return {(str(subject), DRAWER): codec.encode(state) for subject, state in self._states.items()}

    async def run(self) -> None:
        """Look every few seconds."""
        while True:
            await self.look()
            await self._sees.clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look at every company that wants to be told, and tell it what is worth telling."""
        try:
            for subject, member in list(self._sees.roster.members().items()):
                if subject.scope is Scope.COMPANY and member.tenant is not None:
                    await self._look_at(member, member.tenant)
        except JournalError as error:
            log.warning("tenants_not_told", error=error.cause)

    async def _look_at(self, member: Member, tenant: Tenant) -> None:
        """The state that goes with a message becomes ours only once both are stored."""
        now, state = self._sees.clock.now(), self._states.get(member.subject, State())
        after, message = tenants.step(state, self._seen(member, now), now, member.limits.tenants)
        if message is not None:
            await self._tell(member, tenant, message, after, now)
        self._states[member.subject] = after

    def _seen(self, member: Member, now: float) -> Seen | None:
        """None while humans have their hands on it."""
        sees, unit = self._sees, self._sees.units(member.subject)
        paused = sees.holds.paused_until(member.subject, member.gateway, now) is not None
        if paused or not isinstance(unit, CompanyUnit):
            return None
        its_gateway = sees.units(gateway(member.gateway))
        gateway_down = its_gateway is not None and SymptomKind.GATEWAY_DOWN in its_gateway.symptoms
        story = sees.ledger.get(member.subject, Topic.HEALTH)
        return tenants.seen(unit.view(), story, gateway_down=gateway_down, now=now)

    async def _tell(self, member: Member, tenant: Tenant, message: Message, after: State, now: float) -> None:
        sees, condition = self._sees, message.seen.condition
        ident = sees.ledger.new_id(now, "t")
        notices = [notice(member.subject, tenant, contact, message, ident, now) for contact in tenant.contacts]
        text = f"Told the company that {SAID[condition]}."
        entry = Entry(now, EntryKind.TENANT_TOLD, member.subject, message.seen.incident or None, data={"text": text})
        await sees.journal.write([entry], notices, {(str(member.subject), DRAWER): codec.encode(after)})
        sees.told()


SAID: Mapping[Condition, str] = {
    Condition.CONNECTED: "it is connected again",
    Condition.DOWN: "it is not connected",
    Condition.NEEDS_SCAN: "it must be linked again",
    Condition.ELSEWHERE: "another program uses its login",
    Condition.REFUSED: "WhatsApp refuses its number",
    Condition.UNREADABLE: "some messages cannot be read",
}


def notice(subject: Subject, tenant: Tenant, contact: Contact, message: Message, ident: str, now: float) -> Notice:
    """One message at one address. It belongs to no story of staff, so it is never grouped with others."""
    condition, over = message.seen.condition, message.seen.condition is Condition.CONNECTED
    return Notice(
        at=now,
        channel=contact.channel,
        key=f"{DRAWER}:{subject.id}@{contact.address}",
        incident=None,
        subject=subject,
        severity=Severity.INFO if over else Severity.WARNING,
        sound=not over,
        data={
            "to": contact.address,
            "id": ident,
            "kind": condition.value,
            "after": message.after.value,
            "company": subject.id,
            "name": tenant.name,
            "language": tenant.language,
            "zone": tenant.zone,
            "scan_url": tenant.scan_url,
            "since": message.since,
            "at": now,
            "cause": message.seen.cause,
            "incident": message.seen.incident,
        },
    )
