"""From detectors to the orchestrator: one slot per (subject, kind), so nothing blocks and nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from baileykeep.model.symptoms import Subject, Symptom, SymptomKind


@dataclass(frozen=True, slots=True)
class Delivery:
    """The newest symptom of a slot, and how many it stands for."""

    symptom: Symptom
    count: int


@dataclass(frozen=True, slots=True)
class Drained:
    """All that waited: deliveries in the order in which their slots were first filled, and subjects to look at."""

    deliveries: tuple[Delivery, ...]
    touched: frozenset[Subject]

    def symptomatic(self) -> list[Subject]:
        """Those with symptoms, each once, in order."""
        return list(dict.fromkeys(d.symptom.subject for d in self.deliveries))

    def subjects(self) -> list[Subject]:
        """Everybody concerned, each once, symptoms first."""
        seen = self.symptomatic()
        return [*seen, *sorted(self.touched - set(seen))]


class Bus:
    """Bounded by construction: at most subjects × kinds slots, however fast symptoms come."""

    def __init__(self) -> None:
        self._slots: dict[tuple[Subject, SymptomKind], Delivery] = {}
        self._touched: set[Subject] = set()
        self._filled = anyio.Event()

    def publish(self, symptom: Symptom) -> None:
        """Put a symptom into its slot; an older one still there is replaced and counted."""
        key = (symptom.subject, symptom.kind)
        waiting = self._slots.get(key)
        self._slots[key] = Delivery(symptom, waiting.count + 1 if waiting else 1)
        self._filled.set()

    def touch(self, subject: Subject) -> None:
        """Ask for a look at a subject although no symptom came or went."""
        self._touched.add(subject)
        self._filled.set()

    async def drain(self) -> Drained:
        """Wait for at least one delivery or touch, then take all."""
        await self._filled.wait()
        return self.take()

    def take(self) -> Drained:
        """Take all that waits now, be it nothing."""
        self._filled = anyio.Event()
        drained = Drained(tuple(self._slots.values()), frozenset(self._touched))
        self._slots.clear()
        self._touched.clear()
        return drained

    def __len__(self) -> int:
        return len(self._slots) + len(self._touched)
