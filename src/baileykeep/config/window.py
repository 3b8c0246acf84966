"""Maintenance windows: weekdays and a span of local time in one IANA zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Window:
    """Opens at `start` on each of `days` (0 is Monday) and closes at `end`, on the next day when that is earlier."""

    days: tuple[int, ...]
    start: time
    end: time
    zone: str

    def __str__(self) -> str:
        days = "daily" if len(self.days) == len(DAYS) else " ".join(DAYS[day] for day in self.days)
        return f"{days} {self.start:%H:%M}-{self.end:%H:%M} {self.zone}"

    def closes_at(self, now: float) -> float | None:
        """When the window that is open at `now` closes (epoch seconds); None while none is open."""
        today = datetime.fromtimestamp(now, ZoneInfo(self.zone)).date()
        for day in (today - timedelta(days=1), today):
            opens, closes = self._span(day)
            if day.weekday() in self.days and opens <= now < closes:
                return closes
        return None

    def opens_at(self, now: float) -> float | None:
        """When it opens next after `now` (epoch seconds); None when it does not within two weeks."""
        today = datetime.fromtimestamp(now, ZoneInfo(self.zone)).date()
        days = (today + timedelta(days=ahead) for ahead in range(-1, 15))
        spans = (self._span(day) for day in days if day.weekday() in self.days)
        return next((opens for opens, closes in spans if now < opens < closes), None)

    def _span(self, day: date) -> tuple[float, float]:
        zone = ZoneInfo(self.zone)
        last = day + timedelta(days=1) if self.end <= self.start else day
        return (
            datetime.combine(day, self.start, zone).timestamp(),
            datetime.combine(last, self.end, zone).timestamp(),
        )
