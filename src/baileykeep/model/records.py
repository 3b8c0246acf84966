"""What the journal stores: entries (what happened) and notices (what people are to be told)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from baileykeep.model.symptoms import Severity, Subject


class EntryKind(StrEnum):
    """What a journal entry tells; `data` differs by kind."""

    DAEMON_STARTED = "daemon_started"
    DAEMON_STOPPED = "daemon_stopped"
    SYMPTOM = "symptom"
    INCIDENT = "incident"
    DECISION = "decision"
    ACTION_BEGUN = "action_begun"
    STEP_BEGUN = "step_begun"
    STEP_ENDED = "step_ended"
    ACTION_ENDED = "action_ended"
    OPERATOR = "operator"
    BACKUP = "backup"
    CONFIG = "config"
    BREACH = "breach"
    PAIRING = "pairing"
    PHONE_MISMATCH = "phone_mismatch"
    WEBHOOK = "webhook"
    TENANT_TOLD = "tenant_told"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal. `id` is 0 until it is stored. `operator` is the human's name on every act."""

    at: float
    kind: EntryKind
    subject: Subject
    incident: str | None = None
    action: str | None = None
    operator: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


class NoticeState(StrEnum):
    """Where a notice is in the outbox. COVERED: never sent itself, a newer or a grouped one says all of it."""

    PENDING = "pending"
    SENT = "sent"
    COVERED = "covered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell people, as stored in the outbox. Rendering is the channel's work.

    Per (`channel`, `incident`) notices are delivered in order of `id`. `key` groups the notices of one story;
    `sound` asks for a notification. `data` is what the channel renders: see `rules.notify`.
    """

    at: float
    channel: str
    key: str
    incident: str | None
    subject: Subject
    severity: Severity
    sound: bool
    data: Mapping[str, Any]
    id: int = 0
    attempts: int = 0
    not_before: float = 0.0
    state: NoticeState = NoticeState.PENDING
