"""Staff hear of it when a company cannot be told."""

from __future__ import annotations

from collections.abc import Iterable

from baileykeep.model.codec import decode, encode
from baileykeep.model.facts import Fact, TenantTold, Tick
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Severity, SymptomKind, company
from baileykeep.rules.tenant_told import State, step

ACME = company("acme")


def told(channel: str = "", problem: str = "") -> TenantTold:
    return TenantTold(at=1.0, company="acme", channel=channel, problem=problem)


def run(facts: Iterable[Fact]) -> list[tuple[bool, Severity, object]]:
    """What is said: whether it is wrong, how grave, and with which channels."""
    state = State()
    found: list[tuple[bool, Severity, object]] = []
    for fact in facts:
        state, symptoms = step(state, ACME, fact, 5.0, Limits())
        found += [(s.active, s.severity, s.detail["problem"]) for s in symptoms]
        assert decode(State, encode(state)) == state
        assert all((s.at, s.subject, s.kind) == (5.0, ACME, SymptomKind.TENANT_UNTOLD) for s in symptoms)
    return found


GONE, REFUSED = told("webhook", "it is gone"), told("mail", "it is refused")
WRONG, RIGHT = Severity.WARNING, Severity.INFO


def test_what_arrives_and_what_is_of_no_concern_says_nothing() -> None:
    assert run([told("webhook"), told(), Tick(at=1.0)]) == []


def test_each_channel_that_takes_nothing_is_told_once() -> None:
    assert run([GONE, GONE, REFUSED]) == [(True, WRONG, "it is gone"), (True, WRONG, "it is refused; it is gone")]


def test_it_is_over_when_every_channel_took_a_message_again() -> None:
    ends = [told("mail"), told("webhook")]
    assert run([GONE, REFUSED, *ends])[2:] == [(True, WRONG, "it is gone"), (False, RIGHT, "")]


def test_it_is_over_when_the_addresses_changed() -> None:
    assert run([GONE, REFUSED, told()])[2:] == [(False, RIGHT, "")]
