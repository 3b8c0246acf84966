"""What bars or delays everybody: pauses, the network, the fleet brake, clock jumps, breaches, shutdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from baileykeep.model import codec
from baileykeep.model.evidence import Breach
from baileykeep.model.incident import Cause
from baileykeep.model.limits import Limits
from baileykeep.model.moments import shifted
from baileykeep.model.symptoms import HOST, Subject, Symptom, SymptomKind, gateway
from baileykeep.rules import brake
from baileykeep.rules.findings import SILENCED
from baileykeep.rules.ladder import Fleet

GATEWAY_OUT = frozenset({SymptomKind.GATEWAY_DOWN, SymptomKind.GATEWAY_MISCONFIGURED})


@dataclass(slots=True)
class Holds:
    """Mutable, owned by the orchestrator. `pauses` maps a subject (the host means everybody) to its end.

    `breached` holds those for which a promise was (nearly) broken, until an operator says to go on.
    """

    act: bool
    started_at: float
    shutting_down: bool = False
    jumped_at: float | None = None
    pauses: dict[Subject, float] = field(default_factory=dict)
    brakes: dict[Subject, brake.State] = field(default_factory=dict)
    breached: dict[Subject, Breach] = field(default_factory=dict)

    def clock_was_set(self, by_s: float, now: float, limits: Limits) -> None:
        """Pauses and brakes keep their length; after a far jump nothing that takes files away is begun for a while."""
        self.started_at += by_s
        self.pauses = {subject: until + by_s for subject, until in self.pauses.items()}
        self.brakes = {where: shifted(state, by_s) for where, state in self.brakes.items()}
        if abs(by_s) > limits.ladder.clock_jump_s:
            self.jumped_at = now
        elif self.jumped_at is not None:
            self.jumped_at += by_s

    def pause(self, subject: Subject, until: float) -> None:
        """Bar new actions for a company, a gateway or (with the host) everybody."""
        self.pauses[subject] = until

    def resume(self, subject: Subject) -> bool:
        """End a pause; False when there was none."""
        return self.pauses.pop(subject, None) is not None

    def paused_until(self, subject: Subject, its_gateway: str, now: float) -> float | None:
        """The latest end of the pauses that cover a subject."""
        covering = (self.pauses.get(s, 0.0) for s in {subject, gateway(its_gateway), HOST})
        latest = max(covering)
        return latest if latest > now else None

    def braked(self, where: Subject) -> bool:
        """Whether the brake of a gateway or the host is on."""
        state = self.brakes.get(where)
        return state is not None and state.on_since is not None

    def count_down(
        self, where: Subject, down: Iterable[str], total: int, now: float, limits: Limits
    ) -> tuple[Symptom, ...]:
        """Fold the companies that are down right now into the brake of a gateway or the host."""
        state = self.brakes.get(where, brake.State())
        self.brakes[where], symptoms = brake.step(state, where, frozenset(down), total, now, limits)
        return symptoms

    def fleet(
        self, subject: Subject, its_gateway: str, outside: Mapping[Subject, Iterable[SymptomKind]],
        limits: Limits, now: float, *, busy: bool,
    ) -> Fleet:  # fmt: skip
        """What one decision about a subject must take into account."""
        host = frozenset(outside.get(HOST, ()))
        places = (gateway(its_gateway), HOST)
        waits = [brake.stagger_until(self.brakes.get(p, brake.State()), subject.id, limits.brake) for p in places]
        return Fleet(
            act=self.act,
            started_at=self.started_at,
            shutting_down=self.shutting_down,
            online=SymptomKind.HOST_OFFLINE not in host,
            whatsapp=SymptomKind.WHATSAPP_UNREACHABLE not in host,
            paused=self.paused_until(subject, its_gateway, now) is not None,
            braked=any(self.braked(place) for place in places),
            not_before=max((w for w in waits if w is not None), default=None),
            gateway_down=bool(GATEWAY_OUT & frozenset(outside.get(gateway(its_gateway), ()))),
            store_down=SymptomKind.STORE_UNREACHABLE in outside.get(gateway(its_gateway), ()),
            jumped_at=self.jumped_at,
            busy=busy,
            breach=subject in self.breached,
        )

    def save(self, now: float) -> dict[str, Any]:
        """What must survive a restart, as plain JSON."""
        return {
            "pauses": {str(s): until for s, until in self.pauses.items() if until > now},
            "brakes": {str(s): codec.encode(state) for s, state in self.brakes.items()},
            "jumped_at": self.jumped_at,
            "breached": [codec.encode(breach) for breach in self.breached.values()],
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """The inverse of `save`."""
        self.pauses = {Subject.parse(s): until for s, until in saved.get("pauses", {}).items()}
        self.brakes = {Subject.parse(s): codec.decode(brake.State, v) for s, v in saved.get("brakes", {}).items()}
        self.jumped_at = saved.get("jumped_at")
        breaches = [_breach(item) for item in saved.get("breached", ())]
        self.breached = {breach.subject: breach for breach in breaches}


def _breach(saved: Mapping[str, Any]) -> Breach:
    """A stored breach; one that this version cannot read still holds its subject."""
    try:
        return codec.decode(Breach, saved)
    except (TypeError, ValueError, KeyError):
        subject = codec.decode(Subject, saved["subject"])
        return Breach(subject, "monitor", "a breach that another version stored", 0.0)


def silenced(cause: Cause, fleet: Fleet) -> bool:
    """Whether one alert about the host, the gateway or the fleet already speaks for this finding."""
    no_network = not fleet.online or not fleet.whatsapp
    if cause is Cause.FLEET_DOWN:
        return no_network
    return cause in SILENCED and (no_network or fleet.braked or fleet.gateway_down)


def without_brake(fleet: Fleet) -> Fleet:
    """The same for a gateway's own incident, which the brake on its companies does not concern."""
    return replace(fleet, braked=False, not_before=None, gateway_down=False)
