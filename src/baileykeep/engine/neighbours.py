"""Who shares a process with whom: which actions would cross, and what a restart would do to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member
from baileykeep.engine.units import Units
from baileykeep.model.incident import Attempt, Rung
from baileykeep.model.symptoms import Scope, Subject, gateway
from baileykeep.rules.reach import Beside, beside


def crosses(one: Member, other: Member) -> bool:
    """Whether an action on one must not run beside an action on the other: a gateway's own and any of its companies',
    and any two on a shared process of which one stops it."""
    if other.gateway != one.gateway and other.gateway not in one.shares:
        return False
    scopes = (one.subject.scope, other.subject.scope)
    return Scope.GATEWAY in scopes or one.can.by_process or other.can.by_process


def busy(member: Member, running: Iterable[Member | None]) -> bool:
    """Whether one of the running actions would be crossed by one on this member."""
    return any(other is not None and crosses(member, other) for other in running)


def on_its_process(member: Member, units: Units) -> Beside:
    """How the other gateways on a gateway's process are: a restart of one is a restart of all."""
    own, others = units(member.subject), [units(gateway(name)) for name in sorted(member.shares - {member.gateway})]
    if own is None or not others:
        return Beside.DOWN
    return beside(own.state("reach"), [unit.state("reach") for unit in others if unit is not None])


def history(member: Member, ledger: Ledger) -> tuple[Attempt, ...]:
    """The attempts at a subject; for a gateway also every restart of its process on behalf of another one."""
    own = ledger.history(member.subject)
    if member.subject.scope is not Scope.GATEWAY:
        return own
    others: Mapping[Subject, tuple[Attempt, ...]] = {
        gateway(name): ledger.history(gateway(name)) for name in member.shares - {member.gateway}
    }
    restarts = [a for attempts in others.values() for a in attempts if a.rung is Rung.RESTART_PROCESS]
    return tuple(sorted((*own, *restarts), key=lambda attempt: attempt.begun_at)) if restarts else own
