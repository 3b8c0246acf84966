"""Shows people what a phone needs for pairing, wherever a company's stories are told, and takes it down again.

What stands in a chat is remembered by the channel, so that the next daemon finds it; what it says is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
import structlog
from anyio.abc import TaskGroup

from baileykeep.actions.base import FailedScan
from baileykeep.channels.base import Channel, Displays, Placard
from baileykeep.clock import Clock
from baileykeep.engine.desk import Desk
from baileykeep.engine.executor import RELINKING
from baileykeep.engine.ledger import Running
from baileykeep.engine.offers import ASK_EVERY_S, Offers
from baileykeep.engine.roster import Member, Roster
from baileykeep.engine.units import CompanyUnit, Unit
from baileykeep.gateways.base import Gateway
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Topic
from baileykeep.model.records import EntryKind
from baileykeep.model.symptoms import Subject, SymptomKind, company
from baileykeep.rules import words_pairing
from baileykeep.rules.notify import Contact
from baileykeep.rules.pairing import Offer
from baileykeep.rules.words_pairing import Shows, Wording

log = structlog.get_logger(__name__)

FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
"""Between two tries to show or to take down, doubled from the first to the longest."""

LAST_TRY_S = 5.0
"""Real seconds that pictures get to be taken down when the daemon ends."""

Place = tuple[str, str, str]
"""(company, channel, address)."""


@dataclass(frozen=True, slots=True)
class Sees:
    """What the board works with."""

    roster: Roster
    units: Callable[[Subject], Unit | None]
    running: Callable[[], Mapping[Subject, Running]]
    gateway: Callable[[str], Gateway | None]
    phone: Callable[[str], str | None]
    channels: Mapping[str, Channel]
    desk: Desk
    clock: Clock


class Board:
    """One per daemon. `run` shows and takes down until cancelled; everything else may be called before it runs.

    `ending` is set when the daemon is about to end.
    """

    ending = False

    def __init__(self, sees: Sees):
        self.sees = sees
        self.offers = Offers(sees.gateway, self._lock_s, sees.clock, self.nudge)
        self._posted: dict[Place, Placard | None] = {}
        self._busy: set[Place] = set()
        self._watched: set[str] = set()
        self._nudged = anyio.Event()
        self._group: TaskGroup | None = None

    def at(self, ident: str) -> AtCompany:
        """The same for one company: what its actions are given."""
        return AtCompany(self, ident)

    def _lock_s(self, ident: str) -> float:
        member = self.sees.roster.member(company(ident))
        return member.limits.relink.qr_lock_s if member is not None else 0.0

    # --- who waits -------------------------------------------------------------------------------------------

    @contextmanager
    def waiting(self, ident: str) -> Iterator[None]:
        """While this lasts people are shown what is offered; at its end it is taken down."""
        stand = self.offers.stand(ident)
        stand.waiting, stand.waited = stand.waiting + 1, True
        self.nudge()
        try:
            yield
        finally:
            stand.waiting -= 1
            self.offers.release(ident)

    def is_waiting(self, ident: str) -> bool:
        """Whether somebody's scan is waited for."""
        stand = self.offers.stands.get(ident)
        return stand is not None and stand.waiting > 0

    def hears_wishes(self, ident: str) -> bool:
        """Whether a wish for a code is still of use: not once the wait is over, though its action goes on."""
        stand = self.offers.stands.get(ident)
        return stand is None or not stand.waited or stand.waiting > 0

    def show(self, ident: str) -> None:
        """Somebody asks to see the QR of a session that waits for a scan by itself."""
        if self._group is not None and ident not in self._watched and not self.is_waiting(ident):
            self._watched.add(ident)
            self._group.start_soon(self._watch, ident)

    async def _watch(self, ident: str) -> None:
        """Show what is out until somebody scanned, nothing is out any more, or the time for a scan is over."""
        clock, member = self.sees.clock, self.sees.roster.member(company(ident))
        deadline = clock.monotonic() + (member.limits.relink.scan_within_s if member is not None else 0.0)
        try:
            with self.waiting(ident):
                while clock.monotonic() < deadline and self.waits_for_scan(ident):
                    await self.offers.look(ident)
                    await clock.sleep(ASK_EVERY_S)
        finally:
            self._watched.discard(ident)

    def waits_for_scan(self, ident: str) -> bool:
        """Whether its gateway says that a QR is out."""
        unit = self.sees.units(company(ident))
        return isinstance(unit, CompanyUnit) and unit.view().conn is ConnState.WAITING_QR

    def wish_code(self, ident: str, phone: str | None) -> None:
        """Somebody wants a code for this phone; None takes the wish back."""
        self.offers.stand(ident).wish = phone

    def failed_scan(self, ident: str) -> FailedScan | None:
        """The last scan in vain that is not over."""
        unit = self.sees.units(company(ident))
        symptom = unit.symptoms.get(SymptomKind.QR_SCAN_FAILED) if unit is not None else None
        if symptom is None:
            return None
        code, count = symptom.detail.get("code"), symptom.detail.get("count")
        return FailedScan(count if isinstance(count, int) else 1, code if isinstance(code, int) else None)

    async def look(self, ident: str) -> bool:
        """Ask for the QR of a session that is opened for a scan; whoever scans it in vain does so from now on."""
        self.offers.stand(ident).closed = False
        out = await self.offers.look(ident)
        offer, unit = self.offers.offered(ident), self.sees.units(company(ident))
        if offer is not None and not offer.code and isinstance(unit, CompanyUnit):
            unit.expect_scan(self.sees.clock.now())
        return out

    def closing(self, ident: str) -> None:
        """Its session is closed by us: whoever waits asks for no QR until an action looks for one again."""
        stand = self.offers.stands.get(ident)
        if stand is not None and stand.waiting:
            stand.closed = True
        unit = self.sees.units(company(ident))
        if isinstance(unit, CompanyUnit):
            unit.expect_close(self.sees.clock.now())

    async def tell(self, ident: str, text: str, kind: EntryKind = EntryKind.PAIRING) -> None:
        """Say it in the story, and beside what is shown."""
        self.offers.stand(ident).trouble = text
        self.nudge()
        await self.sees.desk.tell(company(ident), text, kind)

    def ended(self, ident: str) -> None:
        """An action of this company is over: nothing of it may stay."""
        self.offers.forget(ident)

    # --- what people see -------------------------------------------------------------------------------------

    def nudge(self) -> None:
        """Something may have to be shown or taken down."""
        self._nudged.set()

    async def run(self) -> None:
        """Show and take down until cancelled, first of all what an earlier daemon left."""
        try:
            async with anyio.create_task_group() as self._group:
                await self._find_left()
                while True:
                    self._nudged = anyio.Event()
                    self._look_around(self._group)
                    await self._nudged.wait()
        finally:
            self._group = None
            await self._last_try()

    async def _find_left(self) -> None:
        for name, channel in self._displays().items():
            for key in await self._shown(channel):
                ident, _, address = key.rpartition("@")
                self._posted[ident, name, address] = Placard(key, address, "")

    async def _shown(self, channel: Displays) -> Sequence[str]:
        while True:
            try:
                return await channel.shown()
            except BaileykeepError as error:
                log.warning("pictures_not_recalled", error=error.cause)
                await self.sees.clock.sleep(LONGEST_WAIT_S)

    def _displays(self) -> dict[str, Displays]:
        return {name: channel for name, channel in self.sees.channels.items() if isinstance(channel, Displays)}

    def _look_around(self, group: TaskGroup) -> None:
        for place in self._places():
            if place not in self._busy and self._wanted(place) != self._posted.get(place):
                self._busy.add(place)
                group.start_soon(self._serve, place)

    def _places(self) -> Iterable[Place]:
        """Where something stands or should."""
        found = dict.fromkeys(self._posted)
        for ident in filter(self.is_waiting, self.offers.stands):
            found.update(dict.fromkeys((ident, c.channel, c.address) for c in self._contacts(ident)))
        displays = self._displays()
        return [place for place in found if place[1] in displays]

    def _contacts(self, ident: str) -> tuple[Contact, ...]:
        """Who is told of this company: the second contact, too, once a question was passed on to it."""
        member = self.sees.roster.member(company(ident))
        if member is None:
            return ()
        incident = self.sees.desk.story(member.subject, Topic.HEALTH)
        approval = incident.approval if incident is not None else None
        passed_on = approval is not None and approval.escalated_at is not None
        return tuple(dict.fromkeys((*member.routes.first, *(member.routes.second if passed_on else ()))))

    def _wanted(self, place: Place) -> Placard | None:
        """What should stand there now: nothing any more in a chat that is no longer told of this company."""
        ident, channel, address = place
        if Contact(channel, address) not in self._contacts(ident):
            return None
        offer = self.offers.offered(ident) if self.is_waiting(ident) else None
        stands_there = self._posted.get(place) is not None
        if offer is None and not (stands_there and self._goes_on(ident)):
            return None
        return self._placard(ident, address, offer)

    def _goes_on(self, ident: str) -> bool:
        """Whether another QR may come, so that an old picture is made empty rather than removed."""
        running, stand = self.sees.running().get(company(ident)), self.offers.stands.get(ident)
        relinking = running is not None and running.attempt.rung in RELINKING
        return self.is_waiting(ident) or (relinking and (stand is None or not stand.waited))

    def _placard(self, ident: str, address: str, offer: Offer | None) -> Placard:
        member, running = self.sees.roster.member(company(ident)), self.sees.running().get(company(ident))
        stand = self.offers.stands.get(ident)
        shows = Shows.NOTHING if offer is None else Shows.CODE if offer.code else Shows.QR
        operator = running.attempt.operator if running is not None else None
        trouble = stand.trouble if stand is not None else ""
        wording = Wording(_who(ident, member), shows, self.sees.phone(ident), operator, trouble)
        return Placard(
            f"{ident}@{address}",
            address,
            words_pairing.headline(wording),
            words_pairing.lines(wording),
            self.offers.picture(ident, offer),
            offer.text if offer is not None and offer.code else "",
            (("code", ident),) if shows is not Shows.CODE and self.may_use_code(ident) else (),
        )

    def may_use_code(self, ident: str) -> bool:
        """Whether the gateway hands out pairing codes and the company's phone is known."""
        gateway = self.sees.gateway(ident)
        return gateway is not None and gateway.capabilities.pairing_code and self.sees.phone(ident) is not None

    async def _serve(self, place: Place) -> None:
        """Bring one place in step with what should stand there, however long its channel refuses."""
        wait_s = FIRST_WAIT_S
        try:
            while (wanted := self._wanted(place)) != self._posted.get(place):
                error = await self._tried(place, wanted)
                if error is None:
                    continue
                if wait_s == FIRST_WAIT_S:
                    log.warning("picture_not_changed", company=place[0], channel=place[1], error=error.cause)
                await self.sees.clock.sleep(getattr(error, "retry_after_s", None) or wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            if self._posted.get(place) is None:
                self._posted.pop(place, None)
        finally:
            self._busy.discard(place)
            self.nudge()

    async def _tried(self, place: Place, wanted: Placard | None) -> BaileykeepError | None:
        """One try; an error that is worth another one. What cannot work is not tried again until it changes."""
        try:
            await self._post(place, wanted)
        except BaileykeepError as error:
            if not error.permanent:
                return error
            log.warning("picture_refused", company=place[0], channel=place[1], error=error.cause)
        except Exception:
            # A bug in one channel must not end the daemon.
            log.exception("picture_crashed", company=place[0], channel=place[1])
        self._posted[place] = wanted
        return None

    async def _post(self, place: Place, wanted: Placard | None) -> None:
        ident, name, address = place
        channel = self._displays()[name]
        if wanted is None:
            await channel.take_down(f"{ident}@{address}")
        else:
            await channel.show(wanted)

    async def _last_try(self) -> None:
        """The daemon ends: a login should not stay on a screen until the next one starts."""
        with anyio.CancelScope(shield=True), anyio.move_on_after(LAST_TRY_S):
            for ident, name, address in self._posted:
                try:
                    await self._displays()[name].take_down(f"{ident}@{address}")
                except BaileykeepError as error:
                    log.warning("picture_left", company=ident, channel=name, error=error.cause)


def _who(ident: str, member: Member | None) -> str:
    name = member.name if member is not None else ident
    return ident if name in ("", ident) else f"{name} ({ident})"


class AtCompany:
    """Implements `actions.base.Pairing` for one company."""

    def __init__(self, board: Board, ident: str):
        self._board = board
        self._ident = ident

    @contextmanager
    def waiting(self) -> Iterator[None]:
        with self._board.waiting(self._ident):
            yield

    async def look(self) -> bool:
        return await self._board.look(self._ident)

    def offer(self, code: str | None) -> None:
        self._board.offers.offer_code(self._ident, code)

    def code_over(self) -> bool:
        return self._board.offers.code_over(self._ident)

    def wanted_code(self) -> str | None:
        stand = self._board.offers.stand(self._ident)
        wish, stand.wish = stand.wish, None
        return wish

    def failed_scan(self) -> FailedScan | None:
        return self._board.failed_scan(self._ident)

    def closing(self) -> None:
        self._board.closing(self._ident)

    def ending(self) -> bool:
        return self._board.ending

    async def tell(self, text: str, kind: EntryKind = EntryKind.PAIRING) -> None:
        await self._board.tell(self._ident, text, kind)
