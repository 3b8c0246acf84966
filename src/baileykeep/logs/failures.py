"""One failure, told twice: by libsignal on standard error, without a name, and in the gateway's own JSON log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from baileykeep.logs.records import user_of
from baileykeep.logs.signs import Seen
from baileykeep.model.facts import DecryptKind

HOLD_S = 0.75
"""How long a half waits for the other one; both are written within milliseconds."""

LATE_S = 10.0
"""A half that comes this late still belongs to one that was already told, and is not told again."""

_MAX_HELD = 10_000
_ORDER = {DecryptKind.NO_MATCHING_SESSION: 0, DecryptKind.BAD_MAC: 1}
"""Records that may have a header on standard error; the first kind always has."""

_BESIDE = {
    "lid": ("phone", "none"),
    "phone": ("lid", "none"),
    "none": ("none", "phone", "lid", "both"),
    "both": ("none",),
}
"""Which names of a contact may stand for the same one when no name is shared."""


@dataclass(slots=True, eq=False)
class Failure:
    """One half, or both joined. `since` is when its first line was read (monotonic), `at` when it was true.

    `guess` is what an error said whose stack, and with it the certainty that it belongs here, never came.
    """

    console: bool
    why: DecryptKind
    since: float
    at: float
    address: str | None = None
    users: tuple[str, ...] = ()
    company: str | None = None
    guess: DecryptKind | None = None
    told: bool = False

    @property
    def naming(self) -> str:
        """Whether the contact is named by LID, by phone number, by both or not at all."""
        lids = sum(user.endswith("_1") for user in self.users)
        if not self.users:
            return "none"
        return "lid" if lids == len(self.users) else "both" if lids else "phone"

    def refine(self, why: DecryptKind) -> None:
        """Take in one error. A counter error makes it a duplicate: that session has read this very message before."""
        if why is DecryptKind.DUPLICATE or self.why is DecryptKind.NO_MATCHING_SESSION:
            self.why = why


class ConsoleBlocks:
    """Puts libsignal's many lines of one failure together: a header, then up to 40 errors with their stacks.

    The header makes the failure; errors and contact frames only refine it. Blocks of several processes may
    interleave, so a frame belongs to a failure without a contact (one with this very error, or the oldest), else to
    the newest one of its contact.
    """

    def __init__(self) -> None:
        self._open: deque[Failure] = deque(maxlen=64)
        self._errors: deque[DecryptKind] = deque(maxlen=64)

    def header(self, company: str | None, now: float, at: float) -> Failure:
        """A new failure begins."""
        self._errors.clear()
        self._open = deque((one for one in self._open if not one.told), maxlen=64)
        failure = Failure(True, DecryptKind.NO_MATCHING_SESSION, now, at, company=company)
        self._open.append(failure)
        return failure

    def error(self, why: DecryptKind) -> None:
        """One stored session did not fit, for this reason."""
        self._errors.append(why)
        if self._open and self._open[-1].guess is None:
            self._open[-1].guess = why

    def frame(self, address: str) -> None:
        """The stack of the oldest error that had none yet names its contact."""
        if not self._errors:
            return
        why = self._errors.popleft()
        failure = self._failure_of(address, why)
        if failure is not None:
            failure.address, failure.users = address, (user_of(address),)
            failure.refine(why)

    def _failure_of(self, address: str, why: DecryptKind) -> Failure | None:
        nameless = sorted((one for one in self._open if one.address is None), key=lambda one: one.guess is not why)
        same = next((one for one in reversed(self._open) if one.address == address), None)
        return nameless[0] if nameless else same or self._misnamed()

    def _misnamed(self) -> Failure | None:
        """The newest failure that bears an older one's contact: blocks interleaved, and it got the wrong name."""
        names = [one.address for one in self._open]
        return next((self._open[n] for n in range(len(names) - 1, 0, -1) if names[n] in names[:n]), None)


class FailureJoiner:
    """Brings the halves of one gateway together, over all its files; per contact, in the order in which they came."""

    def __init__(self) -> None:
        self._console: list[Failure] = []
        self._records: list[Failure] = []

    def add(self, failure: Failure) -> None:
        """Hold a half; a console half may still be refined until it is told."""
        (self._console if failure.console else self._records).append(failure)

    def due(self, now: float) -> list[Failure]:
        """Failures whose time is up, each once, joined or as they are."""
        if not self._console and not self._records:
            return []
        hold_s = HOLD_S if len(self._console) + len(self._records) <= _MAX_HELD else 0.0
        told = [*self._joined(now - hold_s), *self._alone(now - hold_s)]
        self._console = [one for one in self._console if one.since > now - LATE_S or not one.told]
        self._records = [one for one in self._records if one.since > now - LATE_S or not one.told]
        return told

    def held(self) -> list[Failure]:
        """Everything that was not told yet, joined as far as it is; nothing is told by that."""
        both = pairs(self._console, self._records)
        gone = {id(half) for pair in both for half in pair}
        alone = [one for one in (*self._console, *self._records) if not one.told and id(one) not in gone]
        return [*(_join(*pair) for pair in both if not any(half.told for half in pair)), *alone]

    def next_due(self) -> float | None:
        """When the oldest half that is still held must be told."""
        held = [one.since for one in (*self._console, *self._records) if not one.told]
        return min(held) + HOLD_S if held else None

    def flush(self) -> list[Failure]:
        """Everything that is held, at the end of a scan."""
        return self.due(float("inf"))

    def _joined(self, until: float) -> Iterator[Failure]:
        gone: set[int] = set()
        for console, record in pairs(self._console, self._records):
            if min(console.since, record.since) > until:
                continue
            gone |= {id(console), id(record)}
            if not (console.told or record.told):
                yield _join(console, record)
        self._console = [one for one in self._console if id(one) not in gone]
        self._records = [one for one in self._records if id(one) not in gone]

    def _alone(self, until: float) -> Iterator[Failure]:
        for one in (*self._console, *self._records):
            if not one.told and one.since <= until:
                one.told = True
                yield one


def pairs(console: Iterable[Failure], records: Iterable[Failure]) -> list[tuple[Failure, Failure]]:
    """Which halves are one failure: the same contact first, then a LID beside a phone number; each in order."""
    heard = sorted(console, key=lambda one: one.told)
    able = sorted((one for one in records if one.why in _ORDER), key=lambda one: (one.told, _ORDER[one.why]))
    found = list(_by_user(heard, able))
    taken = {id(one) for pair in found for one in pair}
    left: dict[str, deque[Failure]] = {naming: deque() for naming in _BESIDE}
    for record in able:
        if id(record) not in taken:
            left[record.naming].append(record)
    for one in heard:
        queue = next((left[naming] for naming in _BESIDE[one.naming] if left[naming]), None)
        if queue is not None and id(one) not in taken:
            found.append((one, queue.popleft()))
    return found


def _by_user(console: list[Failure], records: list[Failure]) -> Iterator[tuple[Failure, Failure]]:
    waiting: dict[str, deque[Failure]] = {}
    for one in console:
        for user in one.users:
            waiting.setdefault(user, deque()).append(one)
    for record in records:
        queue = next((waiting[user] for user in record.users if waiting.get(user)), None)
        if queue is not None:
            yield queue.popleft(), record


def _join(console: Failure, record: Failure) -> Failure:
    console_why = certain(console)
    return Failure(
        console=True,
        why=console_why if console_why is not DecryptKind.NO_MATCHING_SESSION else record.why,
        since=min(console.since, record.since),
        at=max(console.at, record.at),
        address=console.address or record.address,
        users=record.users,
        company=record.company or console.company,
    )


def certain(failure: Failure) -> DecryptKind:
    """The best that is known of why it failed."""
    if failure.why is DecryptKind.NO_MATCHING_SESSION and failure.guess is not None:
        return failure.guess
    return failure.why


def from_record(seen: Seen, company: str | None, now: float, at: float) -> Failure:
    """The half that the gateway's own log tells."""
    why = seen.why or DecryptKind.OTHER
    return Failure(False, why, now, at, address=seen.address, users=seen.users, company=company)
