"""From bytes to lines: in chunks of any size, in bounded memory, and only the lines that may say something."""

from __future__ import annotations

from collections.abc import Iterator

from ahocorasick_rs import BytesAhoCorasick, MatchKind

MAX_LINE = 1 << 20
"""A longer line is counted and skipped: nothing that matters is that long, and memory must stay bounded."""


class CandidateCutter:
    """Cuts out the lines that hold one of `literals`; all others are only counted.

    Feeding the same bytes in other chunks gives the same lines. Kept between two calls: the unfinished last line, up
    to `MAX_LINE` bytes.
    """

    def __init__(self, literals: list[bytes]) -> None:
        self._find = BytesAhoCorasick(literals, matchkind=MatchKind.LeftmostFirst).find_matches_as_indexes
        self._carry = b""
        self._too_long = False
        self.lines = 0

    @property
    def pending(self) -> int:
        """Bytes of the unfinished last line that are held back."""
        return len(self._carry)

    def feed(self, data: bytes) -> list[bytes]:
        """The candidate lines that `data` completes, without their line ends."""
        start, found = 0, []
        if self._carry or self._too_long:
            newline = data.find(b"\n")
            if newline < 0:
                self._keep(data)
                return []
            self._keep(data[:newline])
            found = self.finish()
            start = newline + 1
        end = max(start, data.rfind(b"\n", start) + 1)
        self.lines += data.count(b"\n", start, end)
        found.extend(self._cut(data, start, end))
        self._keep(data[end:])
        return found

    def finish(self) -> list[bytes]:
        """End the unfinished line, if there is one."""
        line, too_long = self._carry, self._too_long
        self._carry, self._too_long = b"", False
        self.lines += bool(line or too_long)
        return [line.rstrip(b"\r")] if not too_long and self._find(line) else []

    def drop(self) -> None:
        """Forget the unfinished line, as when the rest of it will never come."""
        self._carry, self._too_long = b"", False

    def _keep(self, tail: bytes) -> None:
        if self._too_long:
            return
        if len(self._carry) + len(tail) > MAX_LINE:
            self._carry, self._too_long = b"", True
        else:
            self._carry += tail

    def _cut(self, data: bytes, start: int, end: int) -> Iterator[bytes]:
        done = start
        for _, at, _ in self._find(memoryview(data)[start:end]):
            if start + at < done:
                continue
            first = data.rfind(b"\n", start, start + at) + 1 or start
            done = data.find(b"\n", start + at, end) + 1
            if done - first - 1 <= MAX_LINE:
                yield data[first : done - 1].rstrip(b"\r")
