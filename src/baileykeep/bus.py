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


class Bus:
    """Bounded by construction: at most subjects × kinds slots, however fast symptoms come."""

    def __init__(self) -> None:
        self._slots: dict[tuple[Subject, SymptomKind], Delivery] = {}
        self._filled = anyio.Event()

    def publish(self, symptom: Symptom) -> None:
        """Put a symptom into its slot; an older one still there is replaced and counted."""
        key = (symptom.subject, symptom.kind)
        waiting = self._slots.get(key)
        self._slots[key] = Delivery(symptom, waiting.count + 1 if waiting else 1)
        self._filled.set()

    async def drain(self) -> list[Delivery]:
        """Wait for at least one delivery, then take all, in the order in which the slots were first filled."""
        await self._filled.wait()
        self._filled = anyio.Event()
        taken = list(self._slots.values())
        self._slots.clear()
        return taken

    def __len__(self) -> int:
        return len(self._slots)
