"""Gateways on one process: their actions do not cross, and one restart counts for all of them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from baileykeep.engine import neighbours
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member
from baileykeep.model.facts import Problem
from baileykeep.model.incident import Attempt, Cause, Rung
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import HOST, Subject, SymptomKind, company, gateway
from baileykeep.rules.ladder import Can
from baileykeep.rules.reach import Beside, GatewayState

SHARED = frozenset({"main", "second"})


def member(subject: Subject, at: str, shares: frozenset[str] = SHARED, *, by_process: bool = False) -> Member:
    return Member(subject, subject.id, at, Limits(), can=Can(by_process=by_process), shares=shares)


MAIN, SECOND = member(gateway("main"), "main"), member(gateway("second"), "second")
ACME, BELLA = member(company("acme"), "main"), member(company("bella"), "second")
ELSEWHERE = member(gateway("third"), "third", frozenset({"third"}), by_process=True)
BY_PROCESS = replace(BELLA, can=Can(by_process=True))


@pytest.mark.parametrize(
    ("one", "other", "crossing"),
    [
        (MAIN, ACME, True),
        (MAIN, BELLA, True),
        (MAIN, SECOND, True),
        (ACME, SECOND, True),
        (ACME, BELLA, False),
        (ACME, BY_PROCESS, True),
        (MAIN, ELSEWHERE, False),
        (BY_PROCESS, ELSEWHERE, False),
        (ACME, member(HOST, ""), False),
    ],
)
def test_which_actions_cross(one: Member, other: Member, crossing: bool) -> None:
    assert neighbours.crosses(one, other) is neighbours.crosses(other, one) is crossing
    assert neighbours.busy(one, [None, other]) is crossing


def test_a_restart_on_behalf_of_another_gateway_counts() -> None:
    def attempt(rung: Rung, at: float) -> Attempt:
        return Attempt(rung, Cause.GATEWAY_DOWN, at, f"a{at}")

    known = {
        gateway("main"): (attempt(Rung.RESTART_PROCESS, 1.0), attempt(Rung.RESTART_PROCESS, 5.0)),
        gateway("second"): (attempt(Rung.RESTART_PROCESS, 3.0), attempt(Rung.SNAPSHOT, 4.0)),
    }
    ledger = cast(Ledger, SimpleNamespace(history=lambda subject: known.get(subject, ())))
    assert [a.begun_at for a in neighbours.history(MAIN, ledger)] == [1.0, 3.0, 5.0]
    assert neighbours.history(ACME, ledger) == ()
    assert neighbours.history(replace(MAIN, shares=frozenset({"main"})), ledger) == known[gateway("main")]


@pytest.mark.parametrize(
    ("second", "found"),
    [
        (GatewayState(), Beside.LIVE),
        (GatewayState(problem=Problem.REFUSED), Beside.WAITING),
        (GatewayState(problem=Problem.REFUSED, active=SymptomKind.GATEWAY_DOWN), Beside.DOWN),
    ],
)
def test_the_others_are_looked_at(second: GatewayState, found: Beside) -> None:
    states = {gateway("main"): GatewayState(problem=Problem.REFUSED), gateway("second"): second}
    units = cast(Any, lambda subject: SimpleNamespace(state=lambda _name: states[subject]))
    assert neighbours.on_its_process(MAIN, units) is found
