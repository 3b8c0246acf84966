"""What is shown, to whom, and for how long; the gateway, the channel and the clock are the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import anyio
import pytest
import structlog

from baileykeep.channels.base import Placard
from baileykeep.channels.qr_image import blank, png
from baileykeep.clock import VirtualClock
from baileykeep.engine.desk import Desk
from baileykeep.engine.detectors import COMPANY
from baileykeep.engine.ledger import Running
from baileykeep.engine.pairing import Board, Sees
from baileykeep.engine.roster import Member, Roster
from baileykeep.engine.units import CompanyUnit
from baileykeep.gateways.base import Capabilities
from baileykeep.model.errors import ChannelError, GatewayError, JournalError
from baileykeep.model.facts import CloseKind, FilesSeen, Problem, QrShown, StreamClosed
from baileykeep.model.incident import Approval, Attempt, Cause, Incident, Rung, Topic
from baileykeep.model.inventory import Creds, CredsState
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, Subject, SymptomKind, company
from baileykeep.rules.notify import Contact, Routes
from tests.fakes.gateway import FakeGateway
from tests.fakes.virtual_time import settled
from tests.unit.rules.cases import inventory

pytestmark = pytest.mark.asyncio

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

    async def tell(self, _subject: Subject, text: str) -> None:
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

    async def pass_time(self, seconds: float) -> None:
        end = self.clock.monotonic() + seconds
        await settled()
        while (wake := self.clock.next_wake()) is not None and wake <= end:
            self.clock.step_to(wake)
            await settled()
        self.clock.step_to(end)
        await settled()


@asynccontextmanager
async def running(of: People) -> AsyncIterator[Board]:
    async with anyio.create_task_group() as group:
        board = of.board()
        group.start_soon(board.run)
        await settled()
        yield board
        group.cancel_scope.cancel()


async def test_all_who_ask_get_the_same_qr_and_the_gateway_is_asked_once() -> None:
    of = People()
    board = of.board()
    of.gateway.free = anyio.Event()
    got: list[Any] = []

    async def ask() -> None:
        got.append(await board.offers.qr("acme"))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask)
        await settled()
        of.gateway.free.set()
    assert len(got) == 5
    assert len({id(offer) for offer in got}) == 1
    assert of.gateway.qr_asked == 1
    await of.pass_time(2)
    assert await board.offers.qr("acme") is got[0]
    assert of.gateway.qr_asked == 2


async def test_the_lock_is_released_by_a_newer_qr_by_its_end_by_age_and_by_hand() -> None:
    of = People()
    board = of.board()
    first = await board.offers.qr("acme")
    assert first is not None
    of.gateway.text = "2@two"
    await of.pass_time(2)
    second = await board.offers.qr("acme")
    assert second is not None
    assert (second.text, second.number) == ("2@two", 2)
    of.gateway.text = None
    await of.pass_time(2)
    assert await board.offers.qr("acme") is None
    of.gateway.text = "2@three"
    await of.pass_time(2)
    assert await board.offers.qr("acme") is not None
    board.offers.release("acme")
    assert board.offers.offered("acme") is None
    assert await board.offers.qr("acme") is not None
    await of.pass_time(60)
    assert await board.offers.qr("acme") is None


async def test_a_gateway_that_does_not_answer_takes_no_qr_away_that_is_still_good() -> None:
    of = People()
    board = of.board()
    first = await board.offers.qr("acme")
    of.gateway.failure = GatewayError("no answer in time", code=Problem.TIMEOUT.value)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await of.pass_time(2)
            assert await board.offers.qr("acme") is first
            assert await board.offers.look("acme")
    assert [line["event"] for line in logs] == ["qr_not_to_be_had"]
    assert "2@one" not in str(logs)
    await of.pass_time(60)
    with pytest.raises(GatewayError):
        await board.offers.qr("acme")
    await of.pass_time(2)
    assert not await board.offers.look("acme")


async def test_who_cannot_be_asked_has_no_qr() -> None:
    of = People()
    board = of.board()
    assert not await board.offers.look("nobody")
    assert await board.offers.qr("nobody") is None
    of.gateway.capabilities = Capabilities()
    assert not await board.offers.look("acme")
    assert of.gateway.qr_asked == 0


async def test_a_qr_stands_where_the_company_is_told_of_until_nobody_waits_any_more() -> None:
    of = People()
    of.relinking("Ann")
    async with running(of) as board:
        with board.waiting("acme"):
            await settled()
            assert of.wall.there == {}
            await board.at("acme").look()
            await of.pass_time(1)
            shown = of.wall.there["acme@1"]
            assert (shown.to, shown.headline, shown.code) == ("1", "Acme (acme): scan this QR code now", "")
            assert shown.picture == png("2@one")
            assert shown.buttons == (("code", "acme"),)
            assert "Asked for by Ann." in shown.lines
            of.gateway.text = "2@two"
            await of.pass_time(2)
            await board.at("acme").look()
            await of.pass_time(1)
            assert of.wall.there["acme@1"].picture == png("2@two")
            of.gateway.text = None
            await of.pass_time(2)
            await board.at("acme").look()
            await of.pass_time(1)
            assert of.wall.there["acme@1"].picture == blank()
        await of.pass_time(1)
        assert of.wall.there == {}
    assert {p.key for p in of.wall.ever} == {"acme@1"}


async def test_the_second_contact_sees_it_once_the_question_was_passed_on() -> None:
    of = People()
    asked = Approval(Rung.RELINK, 1, of.clock.now())
    now = of.clock.now()
    of.incident = Incident("i1", ACME, Topic.HEALTH, Cause.LOGGED_OUT, Severity.CRITICAL, now, now, approval=asked)
    async with running(of) as board:
        with board.waiting("acme"):
            await board.at("acme").look()
            await of.pass_time(1)
            assert set(of.wall.there) == {"acme@1"}
            of.incident = replace(of.incident, approval=replace(asked, escalated_at=now))
            board.nudge()
            await of.pass_time(1)
            assert set(of.wall.there) == {"acme@1", "acme@2"}


async def test_a_chat_that_is_no_longer_told_of_the_company_sees_no_further_qr() -> None:
    of = People()
    async with running(of) as board:
        with board.waiting("acme"):
            await board.at("acme").look()
            await of.pass_time(1)
            assert set(of.wall.there) == {"acme@1"}
            of.routes = Routes((BOB,), ())
            of.gateway.text = "2@two"
            await of.pass_time(2)
            await board.at("acme").look()
            await of.pass_time(1)
            assert set(of.wall.there) == {"acme@2"}
            assert [p.picture for p in of.wall.ever if p.to == "1"] == [png("2@one")]


async def test_a_wish_for_a_code_is_of_no_use_once_the_wait_is_over() -> None:
    of = People()
    of.relinking()
    async with running(of) as board:
        assert board.hears_wishes("acme")
        with board.waiting("acme"):
            assert board.hears_wishes("acme")
        assert not board.hears_wishes("acme")
        board.ended("acme")
        assert board.hears_wishes("acme")


async def test_a_code_takes_the_place_of_the_qr_and_nothing_else_is_asked_meanwhile() -> None:
    of = People()
    async with running(of) as board:
        at = board.at("acme")
        with at.waiting():
            await at.look()
            at.offer("ABCD1234")
            asked = of.gateway.qr_asked
            assert await at.look()
            await of.pass_time(1)
            assert of.gateway.qr_asked == asked
            assert (of.wall.there["acme@1"].code, of.wall.there["acme@1"].buttons) == ("ABCD1234", ())
            assert not at.code_over()
            await of.pass_time(180)
            assert at.code_over()
            at.offer(None)
            assert not at.code_over()
            await at.look()
            await of.pass_time(1)
            assert of.wall.there["acme@1"].picture == png("2@one")


async def test_a_wish_for_a_code_is_heard_once_and_can_be_taken_back() -> None:
    of = People()
    board = of.board()
    board.wish_code("acme", "4915112345678")
    assert board.at("acme").wanted_code() == "4915112345678"
    assert board.at("acme").wanted_code() is None
    board.wish_code("acme", "4915112345678")
    board.wish_code("acme", None)
    assert board.at("acme").wanted_code() is None
    board.wish_code("acme", "4915112345678")
    assert "4915112345678" not in repr(board.offers.stands)
    board.ended("acme")
    assert board.at("acme").wanted_code() is None


async def test_no_code_is_offered_without_a_phone_or_where_the_gateway_has_none() -> None:
    of = People()
    board = of.board()
    assert board.may_use_code("acme")
    assert not board.may_use_code("nobody")
    of.phone = None
    assert not board.may_use_code("acme")
    of.phone, of.gateway.capabilities = "4915112345678", Capabilities(qr=True)
    assert not board.may_use_code("acme")


async def test_what_is_said_stands_in_the_story_and_beside_the_qr() -> None:
    of = People()
    async with running(of) as board:
        with board.waiting("acme"):
            await board.at("acme").look()
            await board.at("acme").tell("The last scan failed (code 403).")
            await of.pass_time(1)
            assert of.told == ["The last scan failed (code 403)."]
            assert of.wall.there["acme@1"].lines[0] == "The last scan failed (code 403)."


async def test_what_an_earlier_daemon_left_is_taken_down_or_made_empty_while_its_relink_goes_on() -> None:
    of = People()
    of.wall.left = ("acme@1", "gone@1")
    of.relinking()
    async with running(of) as board:
        await of.pass_time(1)
        assert of.wall.removed == ["gone@1"]
        assert of.wall.there["acme@1"].picture == blank()
        assert board.at("acme").wanted_code() is None
        board.nudge()
        await of.pass_time(1)
        assert of.wall.removed == ["gone@1"]
        of.running.clear()
        board.ended("acme")
        await of.pass_time(1)
        assert of.wall.there == {}


async def test_a_picture_goes_when_the_wait_is_over_though_the_relink_goes_on() -> None:
    of = People()
    of.relinking()
    async with running(of) as board:
        with board.waiting("acme"):
            await board.at("acme").look()
            await of.pass_time(1)
        await of.pass_time(1)
        assert of.wall.there == {}


@pytest.mark.parametrize("error", [ChannelError("away"), JournalError("locked"), ChannelError("x", retry_after_s=9)])
async def test_a_picture_is_put_up_and_taken_down_however_often_that_fails(error: Exception) -> None:
    of = People()
    async with running(of) as board:
        of.wall.wrong = [error, error]
        with board.waiting("acme"):
            await board.at("acme").look()
            await of.pass_time(20)
            assert set(of.wall.there) == {"acme@1"}
            of.wall.wrong = [error, error, error]
        await of.pass_time(40)
        assert of.wall.there == {}


@pytest.mark.parametrize("error", [ChannelError("no such chat", permanent=True), LookupError("a bug")])
async def test_what_cannot_work_is_not_tried_again_and_ends_nothing(error: Exception) -> None:
    of = People()
    async with running(of) as board:
        of.wall.wrong = [error]
        with board.waiting("acme"):
            await board.at("acme").look()
            await of.pass_time(20)
            assert of.wall.there == {}
            assert of.wall.wrong == []
            of.gateway.text = "2@two"
            await of.pass_time(2)
            await board.at("acme").look()
            await of.pass_time(1)
            assert of.wall.there["acme@1"].picture == png("2@two")


async def test_a_memory_that_cannot_be_read_is_tried_again() -> None:
    of = People()
    of.wall.left, of.wall.wrong = ("gone@1",), [JournalError("locked")]
    async with running(of):
        assert of.wall.removed == []
        await of.pass_time(61)
        assert of.wall.removed == ["gone@1"]


async def test_at_its_end_the_daemon_takes_everything_down() -> None:
    of = People()
    async with running(of) as board:
        with board.waiting("acme"):
            await board.at("acme").look()
            await of.pass_time(1)
            assert set(of.wall.there) == {"acme@1"}
            board.offers.stand("acme").waiting += 1
    assert of.wall.there == {}


async def test_a_text_that_no_qr_can_hold_is_an_empty_picture_and_a_line_in_the_log() -> None:
    of = People()
    of.gateway.text = "x" * 5000
    with structlog.testing.capture_logs() as logs:
        async with running(of) as board:
            with board.waiting("acme"):
                await board.at("acme").look()
                await of.pass_time(1)
                assert of.wall.there["acme@1"].picture == blank()
    assert [line["event"] for line in logs] == ["qr_not_drawn"]
    assert "xxx" not in str(logs)


@pytest.mark.parametrize("paired", [True, False, None])
async def test_a_relink_without_a_login_leaves_the_old_one_dead(paired: bool | None) -> None:
    unit = CompanyUnit(ACME, COMPANY, Limits())
    if paired is not None:
        seen = replace(inventory(), creds=Creds(CredsState.WHOLE, paired=paired))
        unit.observe(FilesSeen(at=1.0, company="acme", inventory=seen), 1.0)
    unit.remember_lost_login(Cause.LOGGED_OUT, 1.0)
    assert (unit.view().cause is Cause.LOGGED_OUT) is not paired


async def test_a_session_that_we_close_is_no_scan_in_vain() -> None:
    of = People()
    unit = CompanyUnit(ACME, COMPANY, Limits())
    board = of.board()
    board = Board(replace(board.sees, units=lambda _: unit))

    def a_qr_is_out_and_it_closes(between: Callable[[], None]) -> list[SymptomKind]:
        unit.observe(QrShown(at=1.0, gateway="main", company="acme"), 1.0)
        between()
        closed = StreamClosed(at=2.0, gateway="main", company="acme", kind=CloseKind.LOST)
        return [symptom.kind for symptom in unit.observe(closed, 2.0)]

    assert SymptomKind.QR_SCAN_FAILED not in a_qr_is_out_and_it_closes(board.at("acme").closing)
    assert SymptomKind.QR_SCAN_FAILED in a_qr_is_out_and_it_closes(lambda: None)


async def test_a_scan_in_vain_is_known_before_any_poll_told_of_the_qr() -> None:
    of = People()
    unit = CompanyUnit(ACME, COMPANY, Limits())
    board = Board(replace(of.board().sees, units=lambda _: unit))
    closed = StreamClosed(at=of.clock.now() + 1, gateway="main", company="acme", kind=CloseKind.LOST, code=403)
    assert unit.observe(closed, closed.at) == []
    assert await board.at("acme").look()
    assert [symptom.kind for symptom in unit.observe(closed, closed.at)] == [SymptomKind.QR_SCAN_FAILED]
