"""All faults, found by name."""

from __future__ import annotations

from tests.simulation import happen_company, happen_outside
from tests.simulation.happening import HAPPEN, schedule

ROOMS = (happen_company, happen_outside)

__all__ = ["HAPPEN", "ROOMS", "schedule"]
