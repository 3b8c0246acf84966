"""How long a daemon lives: it is killed at its n-th operation, or at the first one after something holds."""

from __future__ import annotations

from collections.abc import Callable


class KilledError(BaseException):
    """The daemon died here."""


class Life:
    """One daemon's: it ends at its `die_at`-th operation (0: never)."""

    def __init__(self, die_at: int = 0):
        self.die_at = die_at
        self.done: list[str] = []

    def operation(self, what: str) -> None:
        if self.over:
            raise KilledError
        self.done.append(what)
        if len(self.done) == self.die_at:
            raise KilledError

    @property
    def over(self) -> bool:
        return 0 < self.die_at <= len(self.done)


class Doomed(Life):
    """One that ends once something holds."""

    def __init__(self, holds: Callable[[], bool]):
        super().__init__()
        self._holds = holds

    def operation(self, what: str) -> None:
        if not self.die_at and self._holds():
            self.die_at = len(self.done) + 1
        super().operation(what)


def is_kill(error: BaseException) -> bool:
    """Whether it is the kill, and nothing else."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_kill(one) for one in error.exceptions)
    return isinstance(error, KilledError)
