"""The board that shows QR codes, with a gateway, a channel, people and a clock of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import anyio

from baileykeep.channels.base import Placard
from baileykeep.clock import VirtualClock
from baileykeep.engine.desk import Desk
from baileykeep.engine.ledger import Running
from baileykeep.engine.pairing import Board, Sees
from baileykeep.engine.roster import Member, Roster
from baileykeep.gateways.base import Capabilities
from baileykeep.model.errors import GatewayError
from baileykeep.model.incident import Attempt, Cause, Incident, Rung, Topic
from baileykeep.model.limits import Limits
from baileykeep.model.records import EntryKind
from baileykeep.model.symptoms import Subject, company
from baileykeep.rules.notify import Contact, Routes
from tests.fakes.gateway import FakeGateway
from tests.fakes.virtual_time import advance, settled

ACME = company("acme")
ANN, BOB = Contact("chat", "1"), Contact("chat", "2")


class Gateway(FakeGateway):
    """Shows the QR that it is told to."""

    def __init__(self) -> None:
        super().__init__({})
        self.capabilities = Capabilities(qr=True, pairing_code=True)
        self.text: str | None = "2@one"
        self.failure: GatewayError | None = None
        self.qr_asked = 0
        self.free = anyio.Event()
        self.free.set()

    async def qr(self, company: str) -> str | None:
        self.qr_asked += 1
        await self.free.wait()
        if self.failure is not None:
            raise self.failure
        return self.text


@dataclass
class Wall:
    """A channel that shows; `wrong` are the errors of the next calls."""

    name: str = "chat"
    there: dict[str, Placard] = field(default_factory=dict)
    ever: list[Placard] = field(default_factory=list)
    wrong: list[Exception] = field(default_factory=list)
    left: tuple[str, ...] = ()
    removed: list[str] = field(default_factory=list)

    def _fail(self) -> None:
        if self.wrong:
            raise self.wrong.pop(0)

    async def deliver(self, notices: Sequence[Any]) -> None:
        raise AssertionError("no story is told here")

    async def show(self, placard: Placard) -> None:
        self._fail()
        self.there[placard.key] = placard
        self.ever.append(placard)

    async def take_down(self, key: str) -> None:
        self._fail()
        self.removed.append(key)
        self.there.pop(key, None)

    async def shown(self) -> Sequence[str]:
        self._fail()
        return self.left

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass
class People:
    """What the board sees of the rest of the daemon."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    gateway: Gateway = field(default_factory=Gateway)
    wall: Wall = field(default_factory=Wall)
    running: dict[Subject, Running] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    incident: Incident | None = None
    phone: str | None = "4915112345678"
    routes: Routes = field(default_factory=lambda: Routes((ANN,), (BOB,)))

    def member(self, subject: Subject) -> Member | None:
        return Member(ACME, "Acme", "main", Limits(), self.routes) if subject == ACME else None

    def story(self, _subject: Subject, _topic: Topic) -> Incident | None:
        return self.incident

    async def tell(self, _subject: Subject, text: str, _kind: EntryKind) -> None:
        self.told.append(text)

    def board(self) -> Board:
        return Board(
            Sees(
                cast(Roster, self), lambda _: None, lambda: self.running,
                lambda ident: self.gateway if ident == "acme" else None, lambda _: self.phone,
                {"chat": self.wall, "console": cast(Any, object())}, cast(Desk, self), self.clock,
            )
        )  # fmt: skip

    def relinking(self, operator: str | None = None) -> None:
        attempt = Attempt(Rung.RELINK, Cause.LOGGED_OUT, self.clock.now(), "a1", operator=operator)
        self.running[ACME] = Running(ACME, attempt, {}, "i1")

    async def look(self, board: Board) -> None:
        """Look as an action that waits for a scan does, and let what was found be put up."""
        await board.at("acme").look()
        await self.pass_time(1)

    async def look_at(self, board: Board, text: str | None) -> None:
        """The same once the gateway has another QR, or none."""
        self.gateway.text = text
        await self.pass_time(2)
        await self.look(board)

    async def pass_time(self, seconds: float) -> None:
        await advance(self.clock, seconds)


@asynccontextmanager
async def running(of: People) -> AsyncIterator[Board]:
    """The board at work until the daemon ends."""
    async with anyio.create_task_group() as group:
        board = of.board()
        group.start_soon(board.run)
        await settled()
        yield board
        group.cancel_scope.cancel()


@asynccontextmanager
async def waiting(of: People) -> AsyncIterator[Board]:
    """The same while a scan is waited for, with the first QR put up."""
    async with running(of) as board:
        with board.waiting("acme"):
            await of.look(board)
            yield board
