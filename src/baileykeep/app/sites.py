"""Who there is and how to reach them: companies, gateways, processes and folders, in step with the configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio.to_thread

from baileykeep.actions.base import Pairing, Real, Site, Steps, Unseen, literal
from baileykeep.actions.stillness import At, Earlier, Row
from baileykeep.app.abilities import can_of, can_of_gateway
from baileykeep.app.carried import Carried, carried
from baileykeep.app.channels import tenant
from baileykeep.backups.vault import Vault
from baileykeep.clock import Clock
from baileykeep.config.discover import Oddity, Placement, Survey, possible_folders, survey
from baileykeep.config.logins import store_of
from baileykeep.config.settings import Settings
from baileykeep.engine.roster import Member
from baileykeep.fsys import Fsys
from baileykeep.gateways.base import Gateway
from baileykeep.gateways.hearing import Ear
from baileykeep.model.errors import BaileykeepError, UsageError
from baileykeep.model.inventory import Level
from baileykeep.model.limits import Limits
from baileykeep.model.overview import Heard
from baileykeep.model.symptoms import HOST, Scope, Subject, company, gateway
from baileykeep.processes.base import ProcessManager
from baileykeep.rules.ladder import Can
from baileykeep.rules.notify import Contact, Routes
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.base import AuthStore


@dataclass(frozen=True, slots=True)
class Door:
    """One gateway with the process that carries it. One that cannot be asked has an `ear` instead."""

    gateway: Gateway
    process: ProcessManager | None
    dialect: str
    url: str
    ear: Ear | None = None
    alive: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What the detectors know of a company and an action needs: filled in by the engine."""

    pool: PoolKnowledge = field(default_factory=PoolKnowledge)
    last_up_at: float | None = None
    level: Level | None = None


MakeDoor = Callable[[str, Settings], Door]
Know = Callable[[str], Knowledge]


class Sites:
    """Implements `engine.roster.Roster`. A company that was once there stays known until it is forgotten."""

    def __init__(self, settings: Settings, clock: Clock, vault: Vault, make_door: MakeDoor, fsys: Fsys | None = None):
        self.settings = settings
        self._fsys = fsys or Fsys()
        self.know: Know = lambda _company: Knowledge()
        self.real: Real = literal
        self.pairing: Callable[[str], Pairing] = lambda _company: Unseen()
        self.still: Callable[[str], Row | None] = lambda _company: None
        self.oddities: tuple[Oddity, ...] = ()
        self._clock = clock
        self._vault = vault
        self._make_door = make_door
        self._doors: dict[str, Door] = {name: make_door(name, settings) for name in settings.gateways}
        self._placed: dict[str, Placement] = {}
        self._members: dict[Subject, Member] = {}
        self._found = Survey({}, (), {}, frozenset())
        self._carried: Mapping[str, Carried] = {}
        self._listed: dict[str, frozenset[str]] = {}

    # --- who there is ---------------------------------------------------------------------------------------

    async def look_around(self) -> bool:
        """Discover companies again; True when somebody came, moved or went."""
        before, found = self._found, await anyio.to_thread.run_sync(self._survey, self.settings)
        self._found, self.oddities = found, found.oddities
        placed = {**self._gone(found.placed), **found.placed}
        same_lodgers = (before.lodgers, before.blind) == (found.lodgers, found.blind)
        if placed == self._placed and self._members and same_lodgers:
            return False
        self._placed = placed
        self._renew()
        return True

    def _survey(self, settings: Settings) -> Survey:
        return survey(settings, listed=dict(self._listed))

    def note_list(self, name: str, idents: Collection[str]) -> None:
        """A gateway listed these companies: they are known from the next look around."""
        self._listed[name] = frozenset(idents)

    def _gone(self, found: Mapping[str, Placement]) -> dict[str, Placement]:
        """Companies that were there before and are not found any more: reported, not forgotten.

        Of those who share a folder nobody may touch it.
        """
        sharing = {ident for odd in self.oddities for ident in odd.companies}
        return {
            ident: replace(old, folder=None if ident in sharing else old.folder, present=False)
            for ident, old in self._placed.items()
            if ident not in found and self.settings.enabled(ident) and old.gateway in self._doors
        }

    def recall(self, known: Mapping[str, Mapping[str, str | None]]) -> None:
        """Companies (with gateway and folder) that an earlier daemon knew: gone ones are reported, not forgotten.

        An action that it had begun may have emptied the folder, and must find it. One that is not configured any more
        is none of ours.
        """
        for ident, was in known.items():
            name = was["gateway"] or ""
            if name in self._doors:
                places = possible_folders(self.settings, name, ident)
                folder = next((p for p in places if str(p) == was["folder"] and not p.is_symlink()), None)
                row = was.get("row") if was.get("row") == self._row(name, ident) else None
                self._placed.setdefault(ident, Placement(ident, name, folder, present=False, row=row))

    def _row(self, name: str, ident: str) -> str | None:
        """A company's id in its gateway's tables; None where the gateway keeps none."""
        table = self.settings.gateways[name].postgres
        return table.row_of(ident) if table is not None else None

    def known(self) -> dict[str, dict[str, str | None]]:
        """What `recall` takes."""
        return {
            ident: {"gateway": placed.gateway, "folder": str(placed.folder) if placed.folder is not None else None}
            | ({"row": placed.row} if placed.row is not None else {})
            for ident, placed in self._placed.items()
        }

    def forget(self, ident: str) -> None:
        """Drop a company whose folder is gone for good."""
        placement = self._placed.get(ident)
        if placement is not None and placement.present:
            raise UsageError(f"company {ident} is still there", next_step="disable it in its company file instead")
        self._placed.pop(ident, None)
        self._renew()

    async def change(self, settings: Settings, renewed: frozenset[str], gone: frozenset[str]) -> list[Door]:
        """Take over a new configuration in one go; gateways in `renewed` get new connections.

        Returns the doors that are out of use: to be closed by the caller when no action uses them any more.
        """
        made = {name: self._make_door(name, settings) for name in renewed}
        found = await anyio.to_thread.run_sync(self._survey, settings)
        outdated = [self._doors[name] for name in (renewed | gone) & self._doors.keys()]
        self._doors = {name: door for name, door in self._doors.items() if name not in gone} | made
        self.settings, self._found, self.oddities = settings, found, found.oddities
        self._placed = {**self._gone(found.placed), **found.placed}
        self._renew()
        return outdated

    def _renew(self) -> None:
        """Make the members anew, once, from settings and placements."""
        self._carried = carried(
            {name: door.process for name, door in self._doors.items()}, self._lodgers(), self._found.blind
        )
        installation = Routes(self._contacts(None), self._second(None))
        members = {HOST: Member(HOST, "this host", "", self.settings.limits, installation)}
        for name, door in self._doors.items():
            subject = gateway(name)
            can = replace(can_of_gateway(door.process), others=self._beside(name))
            shares = self._carried[name].gateways
            members[subject] = Member(subject, name, name, self.settings.limits, installation, can, shares=shares)
        for ident, placement in self._placed.items():
            members[company(ident)] = self._company_member(ident, placement)
        self._members = members

    def _company_member(self, ident: str, placement: Placement) -> Member:
        settings = self.settings.company(ident)
        routes = Routes(self._contacts(ident), self._second(ident))
        can = self._can(placement)
        return Member(
            company(ident), settings.label, placement.gateway, self._limits(ident), routes, can, settings.window,
            self._carried[placement.gateway].gateways,
            tenant(self.settings, ident),
        )  # fmt: skip

    def _limits(self, ident: str) -> Limits:
        return self.settings.limits_for(ident)

    def _can(self, placement: Placement) -> Can:
        door, name = self._doors[placement.gateway], placement.gateway
        crew, dialect = self._carried[name], self.settings.dialects.get(name)
        alone = crew.only(placement.company)
        can = can_of(
            door.gateway.capabilities, door.process, dialect, placement,
            alone=alone, process_only=self._needs_process(name),
        )  # fmt: skip
        return replace(can, others=crew.others(placement.company, self._label)) if can.stop_others else can

    def not_watched(self, name: str) -> tuple[str, ...]:
        """What is not looked at on a gateway, whichever company of it, in sentences."""
        folder = None if self.settings.gateways[name].auth_store == "none" else Path()
        return self._can(Placement("", name, folder)).lacks.not_watched()

    def _lodgers(self) -> dict[str, set[str]]:
        """By gateway everybody who lives there, or did until a moment ago."""
        at = {name: set(self._found.lodgers.get(name, ())) for name in self._doors}
        for ident, placement in self._placed.items():
            at[placement.gateway].add(ident)
        return at

    def _beside(self, name: str) -> str:
        """The companies of other gateways on a gateway's process, as words."""
        lodgers = self._lodgers()
        others = self._carried[name].gateways - {name}
        idents = sorted({ident for other in others for ident in lodgers[other]})
        return Carried(others, tuple(idents)).told(self._label)

    def _label(self, ident: str) -> str:
        return self.settings.company(ident).label

    def carried(self, name: str) -> Carried:
        """Whom a gateway's process carries."""
        return self._carried[name]

    def carries(self, name: str) -> str:
        """The same as words."""
        return self._carried[name].told(self._label)

    def _cached(self, name: str) -> bool:
        """Whether a gateway keeps in memory what its store holds."""
        return self.settings.gateways[name].postgres is not None

    def _needs_process(self, name: str) -> bool:
        """Whether a closed session proves nothing: the gateway may still write what it has in memory."""
        return self._cached(name) and not self._doors[name].gateway.capabilities.clear_cache

    def _contacts(self, ident: str | None) -> tuple[Contact, ...]:
        chats = tuple(Contact("telegram", str(chat)) for chat in self.settings.chats(ident))
        return chats or (Contact("console"),)

    def _second(self, ident: str | None) -> tuple[Contact, ...]:
        return tuple(Contact("telegram", str(chat)) for chat in self.settings.second_chats(ident))

    # --- how to reach them ----------------------------------------------------------------------------------

    def members(self) -> Mapping[Subject, Member]:
        """Everybody who is watched now: companies, gateways and the host."""
        return self._members

    def member(self, subject: Subject) -> Member | None:
        """What holds for one of them; None for one who is not watched any more."""
        return self._members.get(subject)

    @property
    def doors(self) -> Mapping[str, Door]:
        """All gateways by name."""
        return self._doors

    def companies(self, of_gateway: str | None = None) -> list[str]:
        """The ids of all companies, or of one gateway's."""
        return [i for i, placement in self._placed.items() if of_gateway in (None, placement.gateway)]

    def folders(self) -> dict[str, Path]:
        """Every company's folder, where it has one that we can see."""
        return {i: p.folder for i, p in self._placed.items() if p.folder is not None}

    def rows(self) -> dict[str, dict[str, str]]:
        """Of each gateway that keeps logins in tables, every company with its id there."""
        found: dict[str, dict[str, str]] = {name: {} for name in self._doors if self._cached(name)}
        for ident, placed in self._placed.items():
            if placed.row is not None and placed.gateway in found:
                found[placed.gateway][ident] = placed.row
        return found

    def placement(self, ident: str) -> Placement:
        """Where a company lives. Raises UsageError for one that is not known."""
        placement = self._placed.get(ident)
        if placement is None:
            raise UsageError(
                f"no company {ident} is known", code="unknown_company", next_step="see `baileykeep health`"
            )
        return placement

    def store(self, ident: str) -> AuthStore | None:
        """A company's auth store; None where its gateway keeps the logins out of reach."""
        return store_of(self.settings, self.placement(ident), self._fsys)

    def reach(self, ident: str) -> At:
        """Who knows whether a company's session is stopped."""
        name = self.placement(ident).gateway
        door = self._doors[name]
        return At(ident, door.gateway, door.process, process_only=self._needs_process(name))

    def gateway_of(self, ident: str) -> Gateway | None:
        """The gateway of a company; None for one that is not known."""
        placement = self._placed.get(ident)
        return self._doors[placement.gateway].gateway if placement is not None else None

    def heard(self, ident: str) -> Heard:
        """What the gateway of a company said last, where it only tells by webhooks; empty where nothing was heard."""
        ear = self._doors[self.placement(ident).gateway].ear
        last = ear.last(ident) if ear is not None else None
        return {"heard": last[0].value, "heard_s": round(last[1], 1)} if last is not None else {}

    def phone(self, ident: str) -> str | None:
        """The phone that is configured for exactly this company."""
        return self.settings.company(ident).facts.phone

    def baileys(self, ident: str) -> str | None:
        """The generation that is configured for a company; None lets the folder and the log tell."""
        generation = self.settings.generation(ident, self.placement(ident).gateway)
        return None if generation == "auto" else generation

    def site(
        self, subject: Subject, steps: Steps, still_wrong: Callable[[], Awaitable[bool]], *, by_human: bool
    ) -> Site:
        """All that an action needs to work on this subject. Raises `BaileykeepError` where nothing can be done."""
        if subject.scope is Scope.HOST:
            raise BaileykeepError("nothing can be done to the host itself", code="cannot_do", permanent=True)
        ident = subject.id if subject.scope is Scope.COMPANY else next(iter(self.companies(subject.id)), "")
        name = self.placement(ident).gateway
        known, door = self.know(ident), self._doors[name]
        return Site(
            company=ident,
            gateway=door.gateway,
            process=door.process,
            alone=self._carried[name].only(ident),
            cached=self._cached(name),
            store=self.store(ident),
            vault=self._vault,
            clock=self._clock,
            limits=self._limits(ident),
            steps=steps,
            still_wrong=still_wrong,
            pool=known.pool,
            last_up_at=known.last_up_at,
            may_stop_others=by_human,
            baileys=self.baileys(ident),
            real=self.real,
            phone=self.phone(ident),
            pairing=self.pairing(ident),
            earlier=Earlier(self.still(ident)),
            ear=door.ear,
            alive=door.alive,
        )

    async def aclose(self) -> None:
        """Close every gateway's connections."""
        for door in self._doors.values():
            await door.gateway.aclose()
