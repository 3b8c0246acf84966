"""One event, printed on several lines: a close, an opening, a QR, a pairing, an upload of pre-keys.

Each source (the server's error, the socket's trace, the gateway's own update, hand-written words) prints an event at
most once. So a line joins the oldest event that its source has not told yet and that it does not contradict; else it
is a new event. Hand-written words repeat themselves: they join until the next sign of a new connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from baileykeep.logs.closes import KIND_BY_CODE
from baileykeep.logs.signs import Seen, Sign
from baileykeep.model.facts import CloseKind

HOLD_S = 0.5
"""How long an event waits for its other lines; the first one often tells neither the code nor the company."""

FORGET_S = 60.0
"""A line this long after the last one of an event is another event."""

MAX_OPEN = 64
"""Events of one sign and company that may still grow; older ones are closed."""

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
    over: bool = False

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
        if company != self.company and self._would_believe_words(seen, company):
            return False
        same_code = self.code is None or seen.code is None or self.code == seen.code
        same_kind = self.kind is None or seen.kind is None or self.kind is seen.kind
        return same_code and (same_kind or {self.kind, seen.kind} == _SAME)

    def _would_believe_words(self, seen: Seen, company: str | None) -> bool:
        """Whether words that name nobody, and may be a customer's, would tell of a company what nothing else tells."""
        if self.company is None and not self.in_words_only:
            return False
        if company is None and not seen.source.startswith("words"):
            return False
        of_words, other = ((self.kind, self.code), (seen.kind, seen.code))
        if company is None:
            of_words, other = other, of_words
        return any(word is not None and word != known for word, known in zip(of_words, other, strict=True))

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
        self._open: dict[tuple[Sign, str | None], list[Moment]] = {}
        self._recent: dict[Sign, deque[Moment]] = {sign: deque(maxlen=MAX_OPEN) for sign in MOMENTS}
        self._held: list[Moment] = []
        self._ended: list[Moment] = []

    def see(self, seen: Seen, company: str | None, now: float, at: float) -> Moment | None:
        """Take in a line; the event if it is a new one."""
        if seen.sign in (Sign.CONNECTING, Sign.OPENED):
            self._end(Sign.CLOSED, company)
        if seen.sign is Sign.CLOSED:
            self._end(Sign.OPENED, company)
        return self._take(seen, company, now, at) if seen.sign in MOMENTS else None

    def due(self, now: float) -> list[Moment]:
        """Events whose time is up, each once."""
        told = [*self._ended, *(one for one in self._held if not one.told and one.first <= now - HOLD_S)]
        for one in told:
            one.told = True
        self._held = [one for one in self._held if not one.told]
        self._ended.clear()
        self._forget(now - FORGET_S)
        return told

    def held(self) -> list[Moment]:
        """Everything that was not told yet, as it is so far; nothing is told by that."""
        return [*self._ended, *(one for one in self._held if not one.told)]

    def next_due(self) -> float | None:
        """When the oldest event that is still held must be told."""
        return 0.0 if self._ended else min((one.first + HOLD_S for one in self._held if not one.told), default=None)

    def flush(self) -> list[Moment]:
        """Everything that was not told yet."""
        return self.due(float("inf"))

    def _take(self, seen: Seen, company: str | None, now: float, at: float) -> Moment | None:
        found = next((one for one in self._candidates(seen.sign, company) if one.fits(seen, company)), None)
        if found is None:
            return self._begin(Moment(seen.sign, company, seen.kind, seen.code, now, now, at, {seen.source}))
        before = found.company
        found.take(seen, company, now)
        if found.company != before:
            self._open[found.sign, before].remove(found)
            self._add(found)
        return None

    def _candidates(self, sign: Sign, company: str | None) -> Iterator[Moment]:
        """Of the line's own company first; a line without one may tell of anybody's."""
        yield from self._open.get((sign, company), ())
        if company is not None:
            yield from self._open.get((sign, None), ())
        else:
            yield from (one for one in self._recent[sign] if one.company is not None and not one.over)

    def _begin(self, new: Moment) -> Moment:
        self._recent[new.sign].append(new)
        self._held.append(new)
        self._add(new)
        return new

    def _add(self, one: Moment) -> None:
        mine = self._open.setdefault((one.sign, one.company), [])
        mine.append(one)
        if len(mine) > MAX_OPEN:
            self._finish(mine.pop(0))

    def _end(self, sign: Sign, company: str | None) -> None:
        for one in self._open.pop((sign, company), ()):
            self._finish(one)

    def _finish(self, one: Moment) -> None:
        """Nothing joins it any more; it is told now, before what comes after it."""
        one.over = True
        if not one.told:
            one.told = True
            self._ended.append(one)

    def _forget(self, until: float) -> None:
        for key, mine in list(self._open.items()):
            for one in mine:
                one.over = one.last <= until
            self._open[key] = [one for one in mine if not one.over]
            if not self._open[key]:
                del self._open[key]


def _repeats(seen: Seen) -> bool:
    return seen.sign is Sign.CLOSED and seen.source.startswith("words")
