"""Who is to be polled when: the book-keeping of one gateway's poller. No I/O, and time is an argument."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence


class PollPlan:
    """Due times of companies, in `monotonic` seconds. A company that is taken is not due until it is put back."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def __contains__(self, company: str) -> bool:
        return company in self._due

    def __len__(self) -> int:
        return len(self._due)

    @property
    def companies(self) -> list[str]:
        """All companies, whether due or not."""
        return list(self._due)

    def keep_only(self, companies: Sequence[str], now: float) -> list[str]:
        """Forget companies that are gone, and make new ones due at once; returns the forgotten ones."""
        wanted = set(companies)
        gone = [company for company in self._due if company not in wanted]
        for company in gone:
            del self._due[company]
        for company in companies:
            if company not in self._due:
                self.put(company, now)
        return gone

    def put(self, company: str, due: float) -> None:
        """Set when a company is due; infinite means not by time."""
        self._due[company] = due
        if due < math.inf:
            heapq.heappush(self._heap, (due, company))

    def put_back(self, company: str, due: float) -> None:
        """`put` for a company that was taken, unless it was forgotten or asked for again meanwhile."""
        if self._due.get(company) == math.inf:
            self.put(company, due)

    def spread(self, now: float, over_s: float) -> None:
        """Make all companies due, evenly over so many seconds."""
        for n, company in enumerate(self._due):
            self.put(company, now + over_s * n / len(self._due))

    def next_due(self) -> float:
        """When the next company is due; infinite when none is."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def take(self, now: float) -> str | None:
        """A company that is due now, the longest overdue first; it is not due again until it is put back."""
        if self.next_due() > now:
            return None
        company = heapq.heappop(self._heap)[1]
        self._due[company] = math.inf
        return company
