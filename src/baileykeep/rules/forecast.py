"""When a folder that grows steadily will reach its next bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from baileykeep.model.limits import DAY, HOUR
from baileykeep.model.moments import Moment
from baileykeep.model.symptoms import Detail, Severity, Subject, Symptom, SymptomKind

SAMPLE_EVERY_S = 3 * HOUR
MAX_SAMPLES = 56
"""A week of samples: older growth says little about the next fortnight."""
MIN_SPAN_S = DAY
MIN_SAMPLES = 5
MIN_GROWTH = 5
STEADY_R2 = 0.7
"""How much of the variation a straight line must explain for the growth to be called steady."""
HORIZON_DAYS = 14
_DROP = 5
_DRIFT_S = 2 * DAY

Samples = tuple[tuple[Moment, int], ...]


@dataclass(frozen=True, slots=True)
class ForecastState:
    """Samples of (time, counted), oldest first; and what was last foretold (None: nothing is)."""

    samples: Samples = ()
    threshold: int | None = None
    reached_at: Moment | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A least-squares line: files a second, and the share of variation that it explains."""

    per_s: float
    r2: float


def forecast(
    state: ForecastState, subject: Subject, counted: int, bounds: tuple[int, ...], now: float
) -> tuple[ForecastState, tuple[Symptom, ...]]:
    """Take one count in; a symptom when a forecast begins, ends, or moves by more than two days."""
    state = _sampled(state, counted, now)
    foretold = _foretold(state.samples, counted, [bound for bound in bounds if bound > counted])
    if foretold is None:
        return _over(state, subject, now)
    target, days = foretold
    reached_at = now + days * DAY
    before = state.reached_at if state.threshold == target else None
    if before is not None and abs(before - reached_at) <= _DRIFT_S:
        return state, ()
    detail: Detail = {"target": target, "days": max(1, round(days)), "counted": counted}
    symptom = Symptom(subject, SymptomKind.FORECAST, now, True, Severity.INFO, detail)
    return replace(state, threshold=target, reached_at=reached_at), (symptom,)


def _over(state: ForecastState, subject: Subject, now: float) -> tuple[ForecastState, tuple[Symptom, ...]]:
    if state.threshold is None:
        return state, ()
    symptom = Symptom(subject, SymptomKind.FORECAST, now, False, Severity.INFO)
    return replace(state, threshold=None, reached_at=None), (symptom,)


def _sampled(state: ForecastState, counted: int, now: float) -> ForecastState:
    """Samples begin anew after a cleanup (the count dropped) and after the clock went back."""
    if state.samples:
        at, last = state.samples[-1]
        if now < at or counted <= last - _DROP:
            return replace(state, samples=((now, counted),))
        if now - at < SAMPLE_EVERY_S:
            return state
    return replace(state, samples=(*state.samples, (now, counted))[-MAX_SAMPLES:])


def _foretold(samples: Samples, counted: int, ahead: Sequence[int]) -> tuple[int, float] | None:
    """The first bound ahead and the days until it is reached; None without steady growth towards it."""
    if not ahead or len(samples) < MIN_SAMPLES or samples[-1][0] - samples[0][0] < MIN_SPAN_S:
        return None
    line = fitted(samples)
    if line.per_s <= 0 or line.r2 < STEADY_R2 or samples[-1][1] - samples[0][1] < MIN_GROWTH:
        return None
    target = min(ahead)
    days = (target - counted) / line.per_s / DAY
    return (target, days) if days <= HORIZON_DAYS else None


def fitted(samples: Samples) -> Line:
    """The least-squares line through samples."""
    mean_t = math.fsum(t for t, _ in samples) / len(samples)
    mean_c = math.fsum(c for _, c in samples) / len(samples)
    spread = math.fsum((t - mean_t) ** 2 for t, _ in samples)
    variation = math.fsum((c - mean_c) ** 2 for _, c in samples)
    if spread == 0 or variation == 0:
        return Line(0.0, 0.0)
    together = math.fsum((t - mean_t) * c for t, c in samples)
    return Line(together / spread, together**2 / (spread * variation))
