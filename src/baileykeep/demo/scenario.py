"""What the demo breaks, and what must come of it: three companies, each with a trouble of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from baileykeep.clock import Clock
from baileykeep.demo.feed import Feed, Verb
from baileykeep.demo.folders import Shape
from baileykeep.demo.session import Heals, Session, State
from baileykeep.model.incident import Rung

STORM_EVERY_S = 6.0
NEW_CONTACTS = 50
GIVES_UP_AT = 150
NOTICED_S = 90.0
"""Between the files and the drop, so that the full folder is a story of its own first."""


class Scene(Protocol):
    """What a trouble may touch."""

    clock: Clock
    feed: Feed

    def session(self, company: str) -> Session:
        """The company's session in the stand-in gateway."""

    async def until_healed(self, company: str) -> None:
        """Return when the daemon's repair of this company was verified and its story is closed."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One company and what happens to it `after_s` seconds into the demo; `rung` is what must heal it."""

    company: str
    name: str
    shape: Shape
    after_s: float
    rung: Rung
    happen: Callable[[Scene, str], Awaitable[None]] = field(repr=False)
    heals: str


async def drop(scene: Scene, company: str) -> None:
    """The connection is lost and comes back only when somebody asks for it."""
    _breaks(scene, company, "The connection drops (code 428). It will not come back by itself.")
    scene.session(company).drop(heals=Heals.ASKED)


async def drop_for_good(scene: Scene, company: str) -> None:
    """The connection is lost and nothing brings it back: for tests of the demo itself."""
    _breaks(scene, company, "The connection drops (code 428). Nothing will bring it back.")
    scene.session(company).drop(heals=Heals.NEVER)


async def storm(scene: Scene, company: str) -> None:
    """Messages of two contacts cannot be decrypted any more, again and again, until their sessions are new."""
    session = scene.session(company)
    contacts = _contacts(session)[:2]
    _breaks(scene, company, "The sessions with two contacts are spoilt: every message from them is a Bad MAC.")
    number = 0
    while session.state is State.CONNECTED:
        session.bad_mac([contacts[number % 2]], count=1)
        number += 1
        await scene.clock.sleep(STORM_EVERY_S)
    await scene.until_healed(company)
    failed = sum(session.message(contacts[n % 2]) for n in range(4))
    scene.feed.say(scene.clock.now(), company, Verb.CHECKS, f"4 more messages from these contacts: {4 - failed} read.")


async def pile_up(scene: Scene, company: str) -> None:
    """Many new contacts fill the folder past what this gateway can take; then the connection is lost."""
    _breaks(scene, company, f"A newsletter goes out: {NEW_CONTACTS} new contacts answer, each with a file of its own.")
    scene.session(company).grow(NEW_CONTACTS)
    await scene.clock.sleep(NOTICED_S)
    _breaks(scene, company, f"The connection drops (428). With {GIVES_UP_AT} files or more it cannot come back.")
    scene.session(company).drop(heals=Heals.CLEANED, below=GIVES_UP_AT)


def _breaks(scene: Scene, company: str, text: str) -> None:
    scene.feed.say(scene.clock.now(), company, Verb.BREAKS, text)


def _contacts(session: Session) -> list[str]:
    """Contacts known by their phone, by address."""
    names = sorted(path.stem for path in session.folder.glob("session-*.json"))
    return [name.removeprefix("session-") for name in names if "_1." not in name]


TROUBLES = (
    Trouble("997441", "Harbor Dental", Shape.counting(64), 20, Rung.RECONNECT, drop, "dropped and did not come back"),
    Trouble("997442", "Bella Salon", Shape.counting(71), 125, Rung.REPAIR_SESSIONS, storm, "Bad MAC from two contacts"),
    Trouble("997443", "Kiosk 24", Shape.counting(112, 68), 150, Rung.CLEANUP, pile_up, "too many files, then dropped"),
)
"""In the order in which they begin. Never three drops inside two minutes: the fleet brake would rightly hold all."""
