"""The one parser of gateway logs, used by the live tailer and by `baileykeep scan` alike."""

from __future__ import annotations

from collections.abc import Iterator

from baileykeep.logs.attribution import Attribution
from baileykeep.logs.lines import CandidateCutter
from baileykeep.logs.patterns import LITERALS, understand
from baileykeep.logs.reading import read
from baileykeep.logs.signs import Sighting


class LogParser:
    """Bytes of one file in, sightings out, in order. Any chunking of the same bytes gives the same sightings."""

    def __init__(self, attribution: Attribution) -> None:
        self.attribution = attribution
        self._cutter = CandidateCutter(list(LITERALS))

    @property
    def lines(self) -> int:
        """How many lines were ended so far."""
        return self._cutter.lines

    @property
    def pending(self) -> int:
        """Bytes of the unfinished last line; they do not count as read."""
        return self._cutter.pending

    def feed(self, data: bytes) -> list[Sighting]:
        """What the lines say that `data` completes."""
        return [sighting for raw in self._cutter.feed(data) for sighting in self._understand(raw)]

    def finish(self) -> list[Sighting]:
        """End an unfinished last line, as at the end of a file that will not grow."""
        return [sighting for raw in self._cutter.finish() for sighting in self._understand(raw)]

    def _understand(self, raw: bytes) -> Iterator[Sighting]:
        for line in read(raw):
            seen = understand(raw, line)
            company = self.attribution.company_of(line) if seen else None
            yield from (Sighting(one, company, line.time_s) for one in seen)
