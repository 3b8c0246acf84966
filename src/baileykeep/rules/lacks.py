"""What a company's gateway and process manager cannot do, in their own words, and what is left to do instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from baileykeep.model.incident import Cause, Rung
from baileykeep.rules.words import RUNGS


@dataclass(frozen=True, slots=True)
class Lacks:
    """Why something cannot be done, as half a sentence; empty where it can be done, or nobody said why.

    `process` is about restarting it, `files` about seeing them, `state` about asking for it.
    """

    reconnect: str = ""
    stop: str = ""
    relink: str = ""
    reset: str = ""
    files: str = ""
    process: str = ""
    qr: str = ""
    pairing_code: str = ""
    state: str = ""

    def not_watched(self) -> tuple[str, ...]:
        """What is not looked at here, and what cannot be had for that reason."""
        files = (
            f"auth files: not watched, {_reason(self.files)}: no levels, no cleanup, no backups" if self.files else ""
        )
        state = f"state: not asked for, {_reason(self.state)}: shown is what its webhooks said" if self.state else ""
        return tuple(text for text in (files, state) if text)


def _reason(text: str) -> str:
    return text.rpartition(": ")[2]


_FILES_AND_STOP = ("files", "stop")
NEEDS: Mapping[Rung, tuple[str, ...]] = {
    Rung.SNAPSHOT: ("files",),
    Rung.BACKUP: ("files",),
    Rung.RESTORE: _FILES_AND_STOP,
    Rung.RECONNECT: ("reconnect",),
    Rung.RESTART_PROCESS: ("process",),
    Rung.RESTORE_CREDS: _FILES_AND_STOP,
    Rung.REPAIR_SESSIONS: _FILES_AND_STOP,
    Rung.CLEANUP: _FILES_AND_STOP,
    Rung.PAIR_AGAIN: _FILES_AND_STOP,
    Rung.RELINK: (*_FILES_AND_STOP, "relink"),
    Rung.RESET: ("reset",),
}
"""What each rung cannot do without; the first that is missing is the reason."""


def why(lacks: Lacks, rung: Rung) -> str:
    """What is missing for a rung, in words; empty where nothing is."""
    return next((text for need in NEEDS[rung] if (text := str(getattr(lacks, need)))), "")


def lines(lacks: Lacks, rungs: Iterable[Rung]) -> tuple[str, ...]:
    """A line for each thing that is missing, with the rungs that need it."""
    by_reason: dict[str, list[str]] = {}
    for rung in rungs:
        reason = why(lacks, rung)
        if reason:
            by_reason.setdefault(reason, []).append(RUNGS[rung].to)
    return tuple(f"Cannot {' or '.join(what)}: {reason}." for reason, what in by_reason.items())


OWN_PAGE = "Scan the QR code on the gateway's own page, with the company's phone."
PAIR_THERE = "With the phone at hand pair this company anew on the gateway's own page."
PAIR_BY_RESET = "With the phone at hand run `baileykeep reset COMPANY`: the gateway forgets the login and shows a QR."
RESTART_IT = "See that the phone is online; then restart the gateway's process, on whose start it connects anew."
NEEDS_MANAGER = "Name what runs the gateway in its `process` table: then its process can be stopped for this."
START_IT = "Start the gateway's process, and name what runs it in its `process` table: then Baileykeep does it."

NEW_LOGIN = frozenset(
    {Cause.LOGGED_OUT, Cause.HALF_PAIRED, Cause.PHANTOM, Cause.NO_QR, Cause.BAD_MAC, Cause.AFTER_REPAIR}
    | {Cause.REPORTED_CORRUPT, Cause.PHONE_MISMATCH}
)
"""Causes whose last cure is a new login."""

SCANS = frozenset({Cause.WAITING_QR, Cause.QR_SCAN_FAILED})
FILES = frozenset({Cause.FILES_HIGH, Cause.FILES_CRITICAL, Cause.FILES_DANGER})


def left(lacks: Lacks, cause: Cause) -> str:
    """What a human can do where Baileykeep cannot; empty where the usual advice holds."""
    if cause in SCANS:
        return OWN_PAGE if lacks.qr else ""
    if cause in NEW_LOGIN and why(lacks, Rung.RELINK):
        return PAIR_THERE if lacks.reset else PAIR_BY_RESET
    if cause in FILES and lacks.stop and not lacks.files:
        return NEEDS_MANAGER
    if cause is Cause.GATEWAY_DOWN:
        return START_IT if lacks.process else ""
    return RESTART_IT if cause is Cause.DISCONNECTED and lacks.reconnect else ""
