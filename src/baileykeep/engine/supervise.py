"""Restart intensity: a company whose rules keep crashing is set aside and reported; all others go on."""

from __future__ import annotations

from collections import deque

import structlog

from baileykeep.engine.units import Unit
from baileykeep.model.facts import Fact
from baileykeep.model.symptoms import Severity, Symptom, SymptomKind

INTENSITY = 5
PERIOD_S = 600.0
"""So many crashes inside so many seconds, and the unit is set aside until the daemon or its config is reloaded."""

log = structlog.get_logger(__name__)


class Supervisor:
    """Runs one unit's detectors and keeps a crash inside the unit."""

    def __init__(self, unit: Unit):
        self.unit = unit
        self.set_aside = False
        self._crashes: deque[float] = deque(maxlen=INTENSITY)

    def observe(self, fact: Fact, now: float) -> list[Symptom]:
        """Like `Unit.observe`; a crash resets the unit and is told, it never spreads."""
        if self.set_aside:
            return []
        try:
            return self.unit.observe(fact, now)
        except Exception as error:
            log.exception("unit_crashed", subject=str(self.unit.subject), fact=type(fact).__name__)
            return self.crashed(error, now)

    def crashed(self, error: Exception, now: float) -> list[Symptom]:
        """Count a crash; beyond the intensity the unit is set aside, which is a symptom."""
        self._crashes.append(now)
        self.unit.reset()
        if len(self._crashes) < INTENSITY or now - self._crashes[0] > PERIOD_S:
            return []
        self.set_aside = True
        symptom = Symptom(
            self.unit.subject,
            SymptomKind.COMPANY_CRASHED,
            now,
            severity=Severity.CRITICAL,
            detail={"error": type(error).__name__, "crashes": INTENSITY},
        )
        self.unit.symptoms[symptom.kind] = symptom
        return [symptom]

    def release(self) -> None:
        """Another chance for a unit that was set aside."""
        self.set_aside = False
        self._crashes.clear()
        self.unit.symptoms.pop(SymptomKind.COMPANY_CRASHED, None)
