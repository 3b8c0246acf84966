"""When a company hears of its own WhatsApp: of a trouble that lasts, of another one, and of its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Cause, Incident, Topic
from baileykeep.model.limits import DAY, HOUR, MINUTE, TenantLimits
from baileykeep.model.symptoms import Severity, company
from baileykeep.rules.tenants import CONDITIONS, Condition, Message, Seen, State, seen, step
from baileykeep.rules.view import CompanyView, Timer

AT = 1_800_000_000.0
LIMITS = TenantLimits()
LAST_UP = AT - 20 * MINUTE
DOWN = CompanyView("7", ConnState.DISCONNECTED, unknown=False, timer=Timer(last_up_at=LAST_UP))
UP = replace(DOWN, conn=ConnState.CONNECTED)


def story(cause: Cause, severity: Severity = Severity.WARNING) -> Incident:
    return Incident("i1", company("7"), Topic.HEALTH, cause, severity, AT - MINUTE, AT)


def looked(view: CompanyView, of: Incident | None = None, *, gateway_down: bool = False) -> Seen | None:
    return seen(view, of, gateway_down=gateway_down, now=AT)


@pytest.mark.parametrize("cause", CONDITIONS)
def test_what_a_company_can_help_with_has_a_name_of_its_own(cause: Cause) -> None:
    found = looked(DOWN, story(cause))
    assert found is not None
    assert (found.condition, found.cause, found.incident) == (CONDITIONS[cause], cause.value, "i1")


@pytest.mark.parametrize(
    ("view", "of", "gateway_down", "expected"),
    [
        pytest.param(UP, None, False, Seen(Condition.CONNECTED, AT), id="connected"),
        pytest.param(UP, story(Cause.FILES_DANGER), False, Seen(Condition.CONNECTED, AT), id="files are ours to mind"),
        pytest.param(replace(UP, unknown=True), None, False, None, id="sources disagree"),
        pytest.param(DOWN, None, False, None, id="down for a moment"),
        pytest.param(DOWN, story(Cause.DISCONNECTED, Severity.INFO), False, None, id="a note is no trouble"),
        pytest.param(
            DOWN, story(Cause.DISCONNECTED), False, Seen(Condition.DOWN, LAST_UP, "disconnected", "i1"), id="down"
        ),
        pytest.param(
            replace(DOWN, conn=ConnState.UNKNOWN), None, True, Seen(Condition.DOWN, LAST_UP, "gateway_down"),
            id="its gateway is down",
        ),
        pytest.param(
            DOWN,
            story(Cause.WAITING_QR, Severity.INFO),
            False,
            Seen(Condition.NEEDS_SCAN, LAST_UP, "waiting_qr", "i1"),
            id="a scan is waited for",
        ),
        pytest.param(
            UP, story(Cause.BAD_MAC), False, Seen(Condition.UNREADABLE, AT - MINUTE, "bad_mac", "i1"),
            id="connected, and messages cannot be read",
        ),
        pytest.param(
            replace(DOWN, timer=Timer()), story(Cause.LOGGED_OUT), False, None, id="it never was connected"
        ),
    ],
)  # fmt: skip
def test_how_it_is(view: CompanyView, of: Incident | None, gateway_down: bool, expected: Seen | None) -> None:
    assert looked(view, of, gateway_down=gateway_down) == expected


class Life:
    """A company that is looked at again and again."""

    def __init__(self, limits: TenantLimits = LIMITS) -> None:
        self.state, self.now, self.limits = State(), AT, limits

    def look(self, condition: Condition | None, after_s: float = 0.0, since: float | None = None) -> Message | None:
        self.now += after_s
        found = None if condition is None else Seen(condition, self.now if since is None else since)
        self.state, message = step(self.state, found, self.now, self.limits)
        return message

    def told(self, condition: Condition, since: float | None = None) -> Message:
        """It is so for as long as it takes."""
        assert self.look(condition, 1, since) is None
        message = self.look(condition, LIMITS.settle_s, since)
        assert message is not None
        return message


def test_a_trouble_that_is_over_soon_is_told_to_nobody() -> None:
    life = Life()
    assert life.look(Condition.DOWN, since=AT) is None
    assert life.look(Condition.DOWN, LIMITS.tell_after_s - 1, since=AT) is None
    assert life.look(Condition.CONNECTED, 1) is None
    assert life.look(Condition.CONNECTED, HOUR) is None


def test_one_that_lasts_is_told_once_and_so_is_its_end() -> None:
    life = Life()
    life.look(Condition.DOWN, since=AT)
    message = life.look(Condition.DOWN, LIMITS.tell_after_s, since=AT)
    assert message == Message(Seen(Condition.DOWN, AT), AT, Condition.CONNECTED)
    assert life.look(Condition.DOWN, HOUR, since=AT) is None
    assert life.look(Condition.CONNECTED, 1) is None, "it may drop again at once"
    over = life.look(Condition.CONNECTED, LIMITS.settle_s)
    assert over == Message(Seen(Condition.CONNECTED, life.now), AT, Condition.DOWN)
    assert life.look(Condition.CONNECTED, HOUR) is None


def test_a_connection_that_flickers_ends_no_trouble() -> None:
    life = Life()
    life.told(Condition.NEEDS_SCAN)
    for _ in range(5):
        assert life.look(Condition.CONNECTED, LIMITS.settle_s - 1) is None
        assert life.look(Condition.NEEDS_SCAN, 1) is None


def test_a_time_in_which_nobody_can_tell_counts_for_nothing() -> None:
    life = Life()
    assert life.look(Condition.ELSEWHERE) is None
    assert life.look(None, 30) is None
    assert life.look(Condition.ELSEWHERE, 31) is None
    assert life.look(Condition.ELSEWHERE, LIMITS.settle_s) is not None


def test_more_is_told_when_there_is_something_to_do_and_never_less() -> None:
    life = Life()
    life.look(Condition.DOWN, since=AT)
    assert life.look(Condition.DOWN, LIMITS.tell_after_s, since=AT) is not None
    message = life.told(Condition.NEEDS_SCAN, since=AT + 5)
    assert (message.since, message.after) == (AT, Condition.DOWN), "it began when it was first told"
    assert life.look(Condition.DOWN, HOUR, since=AT) is None
    assert life.look(Condition.DOWN, HOUR, since=AT) is None


def test_messages_that_cannot_be_read_are_told_at_once() -> None:
    message = Life().look(Condition.UNREADABLE)
    assert message is not None
    assert message.seen.condition is Condition.UNREADABLE


def test_no_more_troubles_a_day_than_agreed_and_the_last_one_is_ended() -> None:
    life = Life(replace(LIMITS, most_a_day=2))
    for _ in range(2):
        life.told(Condition.NEEDS_SCAN)
        life.told(Condition.CONNECTED)
    assert life.look(Condition.NEEDS_SCAN, 1) is None
    assert life.look(Condition.NEEDS_SCAN, HOUR) is None
    assert life.look(Condition.CONNECTED, HOUR) is None, "what nobody heard of is not ended"
    assert life.look(Condition.NEEDS_SCAN, DAY) is None
    assert life.look(Condition.NEEDS_SCAN, LIMITS.settle_s) is not None, "another day"


def test_an_end_whose_beginning_is_not_known_is_told_all_the_same() -> None:
    state = State(told=Condition.DOWN, seen=Condition.CONNECTED, steady_since=AT - HOUR)
    after, message = step(state, Seen(Condition.CONNECTED, AT), AT, LIMITS)
    assert message == Message(Seen(Condition.CONNECTED, AT), AT, Condition.DOWN)
    assert after.told is Condition.CONNECTED
