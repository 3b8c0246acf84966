"""One event, printed on several lines: a close, an opening, a QR, a pairing, an upload of pre-keys.

Each source (the server's error, the socket's trace, the gateway's own update, hand-written words) prints an event at
most once. So a line joins the oldest event that its source has not told yet and that it does not contradict; else it
is a new event. Hand-written words repeat themselves: they join until the next sign of a new connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from baileykeep.logs.closes import KIND_BY_CODE
from baileykeep.logs.signs import Seen, Sign
from baileykeep.model.facts import CloseKind

HOLD_S = 0.5
"""How long an event waits for its other lines; the first one often tells neither the code nor the company."""

FORGET_S = 60.0
"""A line this long after the last one of an event is another event."""

MAX_OPEN = 64
"""Events of one sign that may still grow; older ones are closed."""

MOMENTS = (Sign.CLOSED, Sign.OPENED, Sign.QR, Sign.PAIRED, Sign.PRE_KEYS_UPLOAD)

_SAME = frozenset({CloseKind.DEVICE_REMOVED, CloseKind.LOGGED_OUT})


@dataclass(slots=True, eq=False)
class Moment:
    """One event so far. `first` and `last` are monotonic, `at` is when it was true."""

    sign: Sign
    company: str | None
    kind: CloseKind | None
    code: int | None
    first: float
    last: float
    at: float
    sources: set[str] = field(default_factory=set)
    told: bool = False

    @property
    def in_words_only(self) -> bool:
        """Nothing but hand-written words tells of it."""
        return all(source.startswith("words") for source in self.sources)

    @property
    def close_kind(self) -> CloseKind:
        """The kind, from the code alone where nothing else was said."""
        return self.kind or (KIND_BY_CODE.get(self.code, CloseKind.OTHER) if self.code else CloseKind.OTHER)

    def fits(self, seen: Seen, company: str | None) -> bool:
        """Whether a line may tell of this event."""
        if self.sign is not seen.sign or (seen.source in self.sources and not _repeats(seen)):
            return False
        if company is not None and self.company != company and (self.company is not None or self.told):
            return False
        same_code = self.code is None or seen.code is None or self.code == seen.code
        same_kind = self.kind is None or seen.kind is None or self.kind is seen.kind
        return same_code and (same_kind or {self.kind, seen.kind} == _SAME)

    def take(self, seen: Seen, company: str | None, now: float) -> None:
        """Add a line that fits."""
        self.sources.add(seen.source)
        self.company = self.company or company
        self.code = self.code if self.code is not None else seen.code
        if self.kind is None or seen.kind is CloseKind.DEVICE_REMOVED:
            self.kind = seen.kind
        self.last = max(self.last, now)


class Moments:
    """The events of one gateway, over all its files."""

    def __init__(self) -> None:
        self._open: list[Moment] = []
        self._done: list[Moment] = []

    def see(self, seen: Seen, company: str | None, now: float, at: float) -> Moment | None:
        """Take in a line; the event if it is a new one."""
        if seen.sign in (Sign.CONNECTING, Sign.OPENED):
            self._end(Sign.CLOSED, company)
        if seen.sign is Sign.CLOSED:
            self._end(Sign.OPENED, company)
        return self._take(seen, company, now, at) if seen.sign in MOMENTS else None

    def due(self, now: float) -> list[Moment]:
        """Events whose time is up, each once."""
        ripe = [one for one in self._open if not one.told and one.first <= now - HOLD_S]
        for one in ripe:
            one.told = True
        self._open = [one for one in self._open if one.last > now - FORGET_S]
        done, self._done = [*self._done, *ripe], []
        return done

    def next_due(self) -> float | None:
        """When the oldest event that is still held must be told."""
        held = [one.first for one in self._open if not one.told]
        return 0.0 if self._done else min(held) + HOLD_S if held else None

    def flush(self) -> list[Moment]:
        """Everything that was not told yet."""
        return self.due(float("inf"))

    def _take(self, seen: Seen, company: str | None, now: float, at: float) -> Moment | None:
        fitting = [one for one in self._open if one.fits(seen, company)]
        fitting.sort(key=lambda one: one.company != company)
        if fitting:
            fitting[0].take(seen, company, now)
            return None
        new = Moment(seen.sign, company, seen.kind, seen.code, now, now, at, {seen.source})
        self._open.append(new)
        self._bound(seen.sign)
        return new

    def _end(self, sign: Sign, company: str | None) -> None:
        self._finish(one for one in self._open if one.sign is sign and one.company == company)

    def _bound(self, sign: Sign) -> None:
        self._finish([one for one in self._open if one.sign is sign][:-MAX_OPEN])

    def _finish(self, ended: Iterable[Moment]) -> None:
        gone = list(ended)
        self._done.extend(one for one in gone if not one.told)
        for one in gone:
            one.told = True
            self._open.remove(one)


def _repeats(seen: Seen) -> bool:
    return seen.sign is Sign.CLOSED and seen.source.startswith("words")
