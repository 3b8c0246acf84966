"""One subject's detectors: facts go in, symptoms come out, and the states in between survive a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from baileykeep.model import codec
from baileykeep.model.facts import (
    ConnectionSeen,
    ConnState,
    CredsSeen,
    Fact,
    FilesSeen,
    FolderSeen,
    NetworkSeen,
    PairingDone,
    StreamClosed,
    StreamOpened,
)
from baileykeep.model.incident import Cause
from baileykeep.model.inventory import Inventory
from baileykeep.model.limits import Limits
from baileykeep.model.moments import shifted
from baileykeep.model.symptoms import Subject, Symptom, SymptomKind
from baileykeep.rules import cause, creds_guard, disconnect, log_signs, presence, qr
from baileykeep.rules.view import CompanyView, Timer

Step = Callable[[Any, Subject, Fact, float, Limits], tuple[Any, tuple[Symptom, ...]]]


@dataclass(frozen=True, slots=True)
class Detector:
    """One pure rule with its state's type, found by name.

    It is given the facts of `folds` (and of their subclasses) and no other; one with a timer names `Tick` too.
    """

    name: str
    kind: type[Any]
    step: Step
    folds: tuple[type[Fact], ...]


def _silent(fold: Callable[[Any, Fact], Any]) -> Step:
    """A fold without symptoms as a detector."""
    return lambda state, _subject, fact, _now, _limits: (fold(state, fact), ())


CAUSES = (ConnectionSeen, StreamOpened, PairingDone, StreamClosed, CredsSeen)
BASICS = (
    Detector("presence", presence.State, _silent(presence.step), (ConnectionSeen, FilesSeen, CredsSeen)),
    Detector("cause", cause.State, _silent(cause.step), CAUSES),
    Detector("disconnect", disconnect.State, disconnect.step, (ConnectionSeen, NetworkSeen)),
)


class Unit:
    """The detectors of one subject. `changed` is set whenever a state differs from what was last saved."""

    def __init__(self, subject: Subject, detectors: tuple[Detector, ...], limits: Limits):
        self.subject = subject
        self.limits = limits
        self.symptoms: dict[SymptomKind, Symptom] = {}
        self.changed = False
        self._detectors = detectors
        self._states: dict[str, Any] = {d.name: d.kind() for d in detectors}
        self._saved: dict[str, tuple[Any, Any]] = {}
        self._by_kind: dict[type[Fact], tuple[Detector, ...]] = {}

    def observe(self, fact: Fact, now: float) -> list[Symptom]:
        """Fold one fact through the detectors that it concerns; returns the symptoms that came of it."""
        found: list[Symptom] = []
        for detector in self._concerned(type(fact)):
            before = self._states[detector.name]
            after, symptoms = detector.step(before, self.subject, fact, now, self.limits)
            if after is not before:
                self._states[detector.name] = after
                self.changed = True
            found.extend(symptoms)
        for symptom in found:
            self.note(symptom)
        return found

    def _concerned(self, kind: type[Fact]) -> tuple[Detector, ...]:
        """Most facts concern few detectors, and a tick hardly any."""
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = tuple(d for d in self._detectors if issubclass(kind, d.folds))
        return found

    @property
    def worth_a_look(self) -> bool:
        """Whether something is wrong."""
        return bool(self.symptoms)

    def note(self, symptom: Symptom) -> None:
        """Take a symptom up among the active ones, or out when it is over."""
        if symptom.active:
            self.symptoms[symptom.kind] = symptom
        else:
            self.symptoms.pop(symptom.kind, None)

    def state(self, name: str) -> Any:
        """A detector's state."""
        return self._states[name]

    def clock_was_set(self, by_s: float) -> None:
        """Everything remembered keeps its distance from now."""
        self._states = {name: shifted(state, by_s) for name, state in self._states.items()}
        self.symptoms = {kind: shifted(symptom, by_s) for kind, symptom in self.symptoms.items()}
        self.changed = True

    def reset(self) -> None:
        """Forget all states: a fresh start after a crash inside a detector."""
        self._states = {d.name: d.kind() for d in self._detectors}
        self.symptoms.clear()

    def save(self) -> dict[str, Any]:
        """All states and active symptoms as plain JSON."""
        self.changed = False
        return {
            "states": {name: self._encoded(name, state) for name, state in self._states.items()},
            "symptoms": [codec.encode(s) for s in self.symptoms.values()],
        }

    def _encoded(self, name: str, state: Any) -> Any:
        """States are frozen: one that is still the same is not turned into JSON again."""
        known = self._saved.get(name)
        if known is None or known[0] is not state:
            known = self._saved[name] = (state, codec.encode(state))
        return known[1]

    def load(self, saved: Mapping[str, Any]) -> None:
        """The inverse of `save`; a detector that is new since then starts afresh."""
        for detector in self._detectors:
            if detector.name in saved.get("states", {}):
                self._states[detector.name] = codec.decode(detector.kind, saved["states"][detector.name])
        for item in saved.get("symptoms", ()):
            self.note(codec.decode(Symptom, item))


Units = Callable[[Subject], Unit | None]
"""The unit of a subject that is watched."""


class CompanyUnit(Unit):
    """A company's detectors, and the view that the ladder gets of them."""

    inventory: Inventory | None = None
    connection_seen = folder_seen = False
    """Whether it was looked at since this process began: what was loaded may be older than what happened last.

    Of a folder its creds are seen last, once they are settled.
    """

    def observe(self, fact: Fact, now: float) -> list[Symptom]:
        if isinstance(fact, FilesSeen):
            self.inventory = fact.inventory
        if isinstance(fact, ConnectionSeen):
            self.connection_seen = self.connection_seen or fact.state is not ConnState.UNKNOWN
        elif isinstance(fact, CredsSeen) or (isinstance(fact, FolderSeen) and not fact.present):
            self.folder_seen = True
        return super().observe(fact, now)

    @property
    def worth_a_look(self) -> bool:
        """Whether something is wrong, or waits for a maintenance window."""
        signs: log_signs.State = self.state("log_signs")
        return super().worth_a_look or signs.queued_at is not None

    def view(self) -> CompanyView:
        """All conclusions at this moment."""
        seen: presence.State = self.state("presence")
        timer: disconnect.State = self.state("disconnect")
        proof: cause.State = self.state("cause")
        signs: log_signs.State = self.state("log_signs")
        lost = presence.unknown(seen, self.limits)
        up = seen.conn is ConnState.CONNECTED and seen.paired is not False
        return CompanyView(
            company=self.subject.id,
            conn=ConnState.UNKNOWN if lost else seen.conn,
            paired=seen.paired,
            has_qr=seen.has_qr,
            unknown=lost or (up and proof.cause is not None),
            timer=Timer(timer.phase, timer.down_s, timer.since, timer.last_up_at),
            cause=self._cause(seen, proof),
            proved_at=proof.at,
            code=proof.code,
            device_removed=proof.device_removed,
            proof_holds=cause.holds_for_what_lies_there(proof),
            inventory=self.inventory,
            critical_since=seen.critical_since,
            stale_at=signs.queued_at,
            creds_sure=self._creds_sure(),
            symptoms=dict(self.symptoms),
        )

    def _creds_sure(self) -> bool:
        """Whether nothing happened since the last good creds that could have made their copy stale."""
        guard: creds_guard.GuardState = self.state("creds")
        damaged = guard.told is SymptomKind.CREDS_DAMAGED and guard.told_what in creds_guard.DAMAGED
        return damaged and not (guard.qr or guard.logged_out or guard.pairing)

    def remember_proof(self, proved: Cause, at: float) -> None:
        """Take up a cause that an open story knows and these states forgot."""
        known: cause.State = self.state("cause")
        if known.cause is not None:
            return
        self._states["cause"] = replace(known, cause=proved, at=at)
        if proved is Cause.LOGGED_OUT:
            self._states["creds"] = replace(self.state("creds"), logged_out=True)
        self.changed = True

    def remember_lost_login(self, proved: Cause, at: float) -> None:
        """The same at the end of a relink from which no login came: the folder holds none."""
        if self.inventory is None or not self.inventory.creds.paired:
            self.remember_proof(proved, at)

    def expect_new_login(self) -> None:
        """A relink of our own begins or ends: the creds that come, or are missing, are no surprise."""
        self._states["creds"] = creds_guard.forget(self.state("creds"))
        self.symptoms.pop(SymptomKind.CREDS_CHANGED, None)
        self.changed = True

    def expect_scan(self, now: float) -> None:
        """A QR is shown to people from now on."""
        self._states["qr"] = qr.put_out(self.state("qr"), now)
        self.changed = True

    def expect_close(self, now: float) -> None:
        """A session is closed by ourselves: that is no scan that failed."""
        self._states["qr"] = qr.taken_away(self.state("qr"), now)
        self.changed = True

    @staticmethod
    def _cause(seen: presence.State, proof: cause.State) -> Any:
        waiting = seen.conn is ConnState.WAITING_QR
        return cause.cause_of(proof, half_paired=seen.half_paired, waiting_qr=waiting)
