from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from baileykeep.clock import VirtualClock
from baileykeep.model.errors import StoreError
from baileykeep.model.facts import CredsSeen, Fact, FilesSeen, FolderSeen, StoreSeen
from baileykeep.model.inventory import Creds, CredsState, Inventory, Level, PreKeys
from baileykeep.model.limits import DatabaseLimits
from baileykeep.watchers.auth_rows import TRUTH_LOOKS, AuthRows

pytestmark = pytest.mark.asyncio
PAIRED = Creds(CredsState.WHOLE, paired=True, identity="x")


def away(code: str = "unreachable") -> StoreError:
    return StoreError("it is not there", code=code)


@dataclass
class World:
    """Two gateways' tables, as they are answered for."""

    glances: dict[str, dict[str, object]] = field(default_factory=lambda: {"g": {"company_1": 1, "company_2": 1}})
    creds: Creds = PAIRED
    failing: Callable[[str], StoreError | None] = lambda _what: None
    facts: list[Fact] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)

    def glance(self, name: str) -> dict[str, object]:
        if (error := self.failing(name)) is not None:
            raise error
        return dict(self.glances[name])

    def look(self, company: str) -> Inventory:
        if (error := self.failing(company)) is not None:
            raise error
        self.looked.append(company)
        return Inventory(1, 1, Level.EXCELLENT, 0, self.creds, {}, PreKeys(0, None, None, 35))

    def watcher(self, wanted: dict[str, dict[str, str]]) -> AuthRows:
        return AuthRows(
            lambda: wanted, self.glance, self.look,
            clock=VirtualClock(), limits=DatabaseLimits, emit=lambda fact: self.facts.append(fact),
        )  # fmt: skip

    def taken(self) -> list[str]:
        """What was told since the last call, in short."""
        found, self.facts = self.facts, []
        return [_short(fact) for fact in found]


def _short(fact: Fact) -> str:
    if isinstance(fact, StoreSeen):
        return "answered" if fact.took_s is not None else "silent"
    assert isinstance(fact, FilesSeen | CredsSeen | FolderSeen)
    assert not isinstance(fact, FolderSeen) or fact.present
    return f"{ {FilesSeen: 'files', CredsSeen: 'creds', FolderSeen: 'place'}[type(fact)] } {fact.company}"


WANTED = {"g": {"1": "company_1", "2": "company_2"}}


async def test_only_what_changed_is_looked_at_in_full() -> None:
    world = World()
    rows = world.watcher(WANTED)
    await rows.look_around()
    assert world.taken() == ["place 1", "files 1", "creds 1", "place 2", "files 2", "creds 2", "answered"]
    await rows.look_around()
    assert world.taken() == ["answered"]
    world.glances["g"]["company_2"] = 2
    await rows.look_around()
    assert world.taken() == ["files 2", "answered"]
    world.creds = Creds(CredsState.MISSING)
    rows.mark("1")
    await rows.look_around()
    assert world.taken() == ["files 1", "creds 1", "answered"]
    await rows.look_now("1")
    await rows.look_now("stranger")
    assert world.taken() == ["files 1", "answered"]


async def test_everybody_is_looked_at_once_in_a_while() -> None:
    world = World()
    rows = world.watcher(WANTED)
    for _ in range(TRUTH_LOOKS + 1):
        await rows.look_around()
    assert sorted(world.looked) == ["1", "1", "2", "2"]


async def test_a_company_without_rows_holds_no_login_and_is_seen_when_it_comes_back() -> None:
    world = World()
    rows = world.watcher(WANTED)
    await rows.look_around()
    world.taken()
    there, gone = world.creds, world.glances["g"].pop("company_1")
    world.creds = Creds(CredsState.MISSING)
    for _ in range(2):
        await rows.look_around()
    assert world.taken() == ["files 1", "creds 1", "answered", "answered"]
    world.glances["g"]["company_1"], world.creds = gone, there
    await rows.look_around()
    assert world.taken() == ["files 1", "creds 1", "answered"]


async def test_a_database_that_cannot_be_asked_tells_nothing_of_any_login() -> None:
    world = World()
    rows = world.watcher(WANTED)
    await rows.look_around()
    world.taken()
    world.failing = lambda what: away() if what == "g" else None
    for _ in range(3):
        await rows.look_around()
    assert world.taken() == ["silent"] * 3
    world.failing = lambda what: away("timed_out") if what == "2" else None
    world.glances["g"]["company_2"] = 2
    await rows.look_around()
    assert world.taken() == ["silent"]
    world.failing = lambda _what: None
    await rows.look_around()
    assert world.taken() == ["files 2", "answered"]


async def test_one_sick_company_keeps_nobody_else_from_being_seen() -> None:
    world = World(failing=lambda what: away("store") if what == "1" else None)
    await world.watcher(WANTED).look_around()
    assert world.taken() == ["place 2", "files 2", "creds 2", "answered"]


async def test_one_silent_gateway_keeps_no_other_from_being_seen() -> None:
    world = World(failing=lambda what: away() if what == "h" else None)
    await world.watcher({"h": {"9": "company_9"}, "g": {"1": "company_1"}}).look_around()
    assert set(world.taken()) == {"silent", "place 1", "files 1", "creds 1", "answered"}
