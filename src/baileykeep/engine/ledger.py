"""Open incidents and recent attempts in memory, each change on disk before anybody acts on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar

import structlog

from baileykeep.journal.base import Journal
from baileykeep.model import codec
from baileykeep.model.incident import Attempt, Incident, Outcome, Topic
from baileykeep.model.limits import DAY
from baileykeep.model.moments import shifted
from baileykeep.model.records import Entry, EntryKind, Notice
from baileykeep.model.symptoms import Subject
from baileykeep.rules.gates import BY_WINDOW

log = structlog.get_logger(__name__)

T = TypeVar("T")

HISTORY_DAYS = 8
"""Attempts older than this steer nothing any more."""

TRIES = "tries"
"""The drawer of attempts that began before the clock was set."""

_NOTHING: Mapping[tuple[str, str], Any] = MappingProxyType({})

Tell = Callable[[Incident | None, Incident], Sequence[Notice]]


@dataclass(frozen=True, slots=True)
class Running:
    """An action that was begun: all that is needed to finish or undo it after a crash."""

    subject: Subject
    attempt: Attempt
    order: dict[str, Any]
    incident: str | None = None
    manual: bool = False


@dataclass(frozen=True, slots=True)
class _Tries:
    attempts: tuple[Attempt, ...] = ()


class Ledger:
    """The engine's memory of what is open and what was tried; the journal holds the same."""

    def __init__(self, journal: Journal, tell: Tell, posted: Callable[[], None] = lambda: None):
        self._journal = journal
        self._tell = tell
        self._posted = posted
        self._open: dict[tuple[Subject, Topic], Incident] = {}
        self._history: dict[Subject, tuple[Attempt, ...]] = {}
        self.failed_windows: dict[Subject, float] = {}
        """When a company's session last did not come back from a cleanup in its maintenance window."""
        self._ids = itertools.count(1)

    async def load(self, now: float) -> list[Running]:
        """Rebuild everything from the journal; returns the actions that have no outcome."""
        for topic in Topic:
            for text, value in (await self._journal.recall(f"incident.{topic}")).items():
                incident = _readable(Incident, value, text)
                if incident is not None:
                    self._open[(incident.subject, topic)] = incident
        for entry in await self._journal.entries(kinds=(EntryKind.ACTION_ENDED,), since=now - HISTORY_DAYS * DAY):
            attempt = _readable(Attempt, entry.data.get("attempt"), str(entry.subject))
            if attempt is not None:
                self._remember(entry.subject, attempt)
        begun = (await self._journal.recall("action")).items()
        running = [r for text, value in begun if (r := _readable(Running, value, text)) is not None]
        for action in running:
            self._remember(action.subject, action.attempt)
        for text, value in (await self._journal.recall(TRIES)).items():
            self._recall_moved(text, value)
        return running

    def _recall_moved(self, text: str, saved: Any) -> None:
        """Attempts that were there when the clock was set: they began when they say here, not when their entries do."""
        tries, subject = _readable(_Tries, saved, text), Subject.parse(text)
        moved = {a.action_id: a for a in tries.attempts} if tries is not None else {}
        for attempt in self.history(subject):
            if (then := moved.get(attempt.action_id)) is not None:
                ended_at = then.ended_at if then.ended_at is not None else attempt.ended_at
                self._remember(subject, replace(attempt, begun_at=then.begun_at, ended_at=ended_at))

    def known(self, subject: Subject, attempt: Attempt) -> Attempt:
        """The attempt as it stands in memory, where the clock may have been set since it began."""
        return next((a for a in self.history(subject) if a.action_id == attempt.action_id), attempt)

    def clock_was_set(self, by_s: float, _now: float) -> None:
        """Everything remembered keeps its distance from now."""
        self._open = {key: shifted(incident, by_s) for key, incident in self._open.items()}
        self._history = {who: tuple(shifted(a, by_s) for a in tried) for who, tried in self._history.items()}
        self.failed_windows = {who: at + by_s for who, at in self.failed_windows.items()}

    def moved(self) -> dict[tuple[str, str], Any]:
        """Open stories, and when attempts began; entries in the journal stay as they were written."""
        stories = {(str(i.subject), f"incident.{i.topic}"): codec.encode(i) for i in self._open.values()}
        tries = {(str(who), TRIES): codec.encode(_Tries(attempts)) for who, attempts in self._history.items()}
        return {**stories, **tries}

    def _remember(self, subject: Subject, attempt: Attempt) -> None:
        kept = [a for a in self._history.get(subject, ()) if a.action_id != attempt.action_id]
        oldest = attempt.begun_at - HISTORY_DAYS * DAY
        self._history[subject] = tuple(
            sorted((*(a for a in kept if a.begun_at > oldest), attempt), key=lambda a: a.begun_at)
        )
        if attempt.cause in BY_WINDOW and attempt.outcome is Outcome.FAILED and not attempt.untouched:
            self.failed_windows[subject] = attempt.begun_at

    def get(self, subject: Subject, topic: Topic) -> Incident | None:
        """The open incident of a topic."""
        return self._open.get((subject, topic))

    def all_open(self) -> list[Incident]:
        """Every open incident."""
        return list(self._open.values())

    def find(self, ident: str) -> Incident | None:
        """An open incident by its id."""
        return next((i for i in self._open.values() if i.id == ident), None)

    def history(self, subject: Subject) -> tuple[Attempt, ...]:
        """The subject's attempts of the last days, oldest first."""
        return self._history.get(subject, ())

    def attempt(self, action_id: str) -> tuple[Subject, Attempt] | None:
        """An attempt of the last days by the id of its action."""
        pairs = ((subject, a) for subject, attempts in self._history.items() for a in attempts)
        return next((pair for pair in pairs if pair[1].action_id == action_id), None)

    def new_id(self, now: float, letter: str) -> str:
        """A short id that sorts by time and never repeats within one journal."""
        return f"{letter}{int(now * 1000):x}{next(self._ids) % 4096:03x}"

    def refresh(self, incident: Incident) -> None:
        """Take over numbers that merely tick; they are stored with the next real change."""
        self._open[(incident.subject, incident.topic)] = incident

    async def commit(self, before: Incident | None, after: Incident, entries: Iterable[Entry] = ()) -> None:
        """Store an incident's new state with what led to it, and post its notices, in one transaction."""
        key = (after.subject, after.topic)
        memory = None if after.closed_at is not None else codec.encode(after)
        await self._journal.write(
            (*entries, *self._story(before, after)),
            self._tell(before, after),
            {(str(after.subject), f"incident.{after.topic}"): memory},
        )
        if after.closed_at is not None:
            self._open.pop(key, None)
        else:
            self._open[key] = after
        self._posted()

    async def note(self, entry: Entry) -> None:
        """An entry that belongs to no story."""
        await self._journal.write((entry,))

    @staticmethod
    def _story(before: Incident | None, after: Incident) -> list[Entry]:
        if before is not None and before.revision == after.revision:
            return []
        last = after.story[-1].text if after.story else ""
        data = {"incident": codec.encode(after), "text": last, "closed_at": after.closed_at}
        return [Entry(after.updated_at, EntryKind.INCIDENT, after.subject, incident=after.id, data=data)]

    async def action_begun(
        self,
        running: Running,
        before: Incident | None,
        after: Incident | None,
        why: Entry | None = None,
        beside: Mapping[tuple[str, str], Any] = _NOTHING,
    ) -> None:
        """The intent is on disk, with the decision behind it, when this returns; only then may the effect happen.

        `beside` is remembered in the same transaction, here and when the action ends.
        """
        attempt, subject = running.attempt, running.subject
        entry = self._entry(EntryKind.ACTION_BEGUN, running, attempt.begun_at)
        memories = {**beside, (str(subject), "action"): codec.encode(running)}
        await self._write([e for e in (why, entry) if e is not None], memories, before, after)
        self._remember(subject, attempt)

    async def action_ended(
        self,
        running: Running,
        before: Incident | None,
        after: Incident | None,
        beside: Mapping[tuple[str, str], Any] = _NOTHING,
    ) -> None:
        """The outcome is on disk when this returns; `running.attempt` carries it."""
        entry = self._entry(EntryKind.ACTION_ENDED, running, running.attempt.ended_at or running.attempt.begun_at)
        await self._write([entry], {**beside, (str(running.subject), "action"): None}, before, after)
        self._remember(running.subject, running.attempt)

    @staticmethod
    def _entry(kind: EntryKind, running: Running, at: float) -> Entry:
        attempt = running.attempt
        data = {"attempt": codec.encode(attempt), "rung": attempt.rung.value}
        return Entry(at, kind, running.subject, running.incident, attempt.action_id, attempt.operator, data)

    async def _write(
        self,
        entries: list[Entry],
        memories: dict[tuple[str, str], Any],
        before: Incident | None,
        after: Incident | None,
    ) -> None:
        if after is None:
            await self._journal.write(entries, (), memories)
            return
        memories = {**memories, (str(after.subject), f"incident.{after.topic}"): codec.encode(after)}
        await self._journal.write((*entries, *self._story(before, after)), self._tell(before, after), memories)
        self._open[(after.subject, after.topic)] = after
        self._posted()


def _readable(kind: type[T], value: Any, what: str) -> T | None:
    """A stored value; None, and a word in the log, for one that this version cannot read."""
    try:
        return codec.decode(kind, value)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        log.warning("journal_value_not_readable", what=what, kind=kind.__name__, error=repr(error))
        return None
