"""What many polls of one gateway say about the gateway itself. No I/O, and time is an argument."""

from __future__ import annotations

import math
from collections import Counter

from baileykeep.model.facts import Problem

UNREACHABLE = frozenset({Problem.REFUSED, Problem.TIMEOUT, Problem.TLS, Problem.UNAUTHORIZED})
"""Problems of the way to the gateway: polling each company adds nothing but load."""

CERTAIN = frozenset({Problem.REFUSED, Problem.TLS})
"""Nobody is there for anybody. The others may be about single sessions as long as some answer."""

TRIES = 3
"""So many lost polls in a row, with no answer between them, and the gateway counts as unreachable."""


class GatewayHealth:
    """Folds the outcomes of polls. Any answer to any company proves that the gateway answers."""

    def __init__(self) -> None:
        self._row: list[Problem] = []
        self._round_problems: Counter[Problem] = Counter()
        self._round_answered = False
        self._round_began: float | None = None
        self._answered_at = -math.inf
        self._told: Problem | None = None
        self._ever_told = False

    def add(self, problem: Problem | None, now: float, companies: int, quiet_s: float) -> bool:
        """Fold one poll; True when the gateway has just proved unreachable.

        Where the problem may be one of single sessions, nobody must have got an answer for `quiet_s`.
        """
        if self._round_began is None:
            self._round_began = now
        if problem is None:
            self._row, self._answered_at, self._round_answered = [], now, True
            return False
        self._round_problems[problem] += 1
        self._row = [*self._row, problem][-TRIES:] if problem in UNREACHABLE else []
        enough = len(self._row) >= max(1, min(TRIES, companies))
        return enough and (CERTAIN.issuperset(self._row) or now - self._answered_at >= quiet_s)

    def verdict(self, now: float, round_s: float, *, close: bool = False) -> tuple[bool, Problem | None]:
        """Whether it is time to tell, and what: at the end of a round, and at once when it answers again."""
        again = self._round_answered and (self._told is not None or not self._ever_told)
        over = self._round_began is not None and now - self._round_began >= round_s
        if not (again or over or close):
            return False, None
        problem = None if self._round_answered else self._most_common()
        self._told, self._ever_told = problem, True
        self._round_problems.clear()
        self._round_answered, self._round_began = False, None
        return True, problem

    def _most_common(self) -> Problem | None:
        return self._round_problems.most_common(1)[0][0] if self._round_problems else None
