"""From a view to findings: what is wrong, most pressing first.

A subject has at most two open incidents. HEALTH is the story that the ladder acts on: when several things are wrong
at once, the most pressing one steers it. WATCH gathers what only needs to be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from baileykeep.model.incident import Cause, Topic
from baileykeep.model.inventory import Level
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Detail, Severity, Symptom, SymptomKind
from baileykeep.rules.cause import PROVED, USELESS_LOGIN
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.view import CompanyView, Finding

SEVERITY: Mapping[Cause, Severity] = {
    Cause.CREDS_DAMAGED: Severity.EMERGENCY,
    Cause.LOGGED_OUT: Severity.CRITICAL,
    Cause.HALF_PAIRED: Severity.WARNING,
    Cause.ACCOUNT_BLOCKED: Severity.CRITICAL,
    Cause.MULTI_DEVICE_MISMATCH: Severity.CRITICAL,
    Cause.CLIENT_TOO_OLD: Severity.CRITICAL,
    Cause.REPLACED: Severity.WARNING,
    Cause.WAITING_QR: Severity.WARNING,
    Cause.DISCONNECTED: Severity.WARNING,
}
"""Where the symptom does not bring its own severity."""

HEALTH: tuple[Cause, ...] = (
    Cause.HOST_OFFLINE,
    Cause.WHATSAPP_UNREACHABLE,
    Cause.GATEWAY_DOWN,
    Cause.GATEWAY_MISCONFIGURED,
    Cause.FLEET_DOWN,
    Cause.CREDS_DAMAGED,
    Cause.LOGGED_OUT,
    Cause.HALF_PAIRED,
    Cause.ACCOUNT_BLOCKED,
    Cause.MULTI_DEVICE_MISMATCH,
    Cause.CLIENT_TOO_OLD,
    Cause.REPLACED,
    Cause.PHANTOM,
    Cause.BAD_MAC,
    Cause.REPORTED_CORRUPT,
    Cause.QR_SCAN_FAILED,
    Cause.NO_QR,
    Cause.WAITING_QR,
    Cause.DISCONNECTED,
    Cause.FILES_DANGER,
    Cause.FLAPPING,
    Cause.FILES_CRITICAL,
    Cause.COMPANY_CRASHED,
    Cause.DISK_LOW,
    Cause.FILES_PLANNED,
)
"""Causes of the topic HEALTH, most pressing first."""

WATCH: tuple[Cause, ...] = (
    Cause.BREACH,
    Cause.CREDS_CHANGED,
    Cause.FOLDER_MISSING,
    Cause.PHONE_MISMATCH,
    Cause.STORE_UNREACHABLE,
    Cause.STORE_SLOW,
    Cause.CONFIG_BAD,
    Cause.COPIES_STAY,
    Cause.OVER_BOUNDS,
    Cause.FILES_HIGH,
    Cause.PRE_KEY_ANOMALY,
    Cause.AFTER_REPAIR,
    Cause.STALE_SESSIONS,
    Cause.WAITING_FOR_MESSAGE,
    Cause.TENANT_UNTOLD,
    Cause.FORECAST,
)
"""Causes that are only told; no rung belongs to them."""

SILENCED = frozenset(
    {Cause.DISCONNECTED, Cause.FLAPPING, Cause.PHANTOM, Cause.NO_QR, Cause.QR_SCAN_FAILED}
    | {Cause.GATEWAY_DOWN, Cause.FLEET_DOWN}
)
"""While something further out has an incident of its own, these open no further one: a company's while its gateway,
the fleet or the host has one, a gateway's while the host is offline."""

NEW_LOGIN = USELESS_LOGIN | {Cause.WAITING_QR}
"""With these a new login is on its way anyway: what the old creds look like is no finding of its own."""

OWN_DOING = frozenset({Cause.CREDS_CHANGED, Cause.FOLDER_MISSING, Cause.PHONE_MISMATCH})
"""What a relink of our own brings about for a while: a gateway may remove the folder, another phone may be linked."""

QR_WAIT_S = 60.0
"""A session that waits for a QR this long is told about; before that somebody is probably just scanning."""

RANK: Mapping[Cause, int] = {cause: rank for rank, cause in enumerate((*HEALTH, *WATCH))}


def topic_of(cause: Cause) -> Topic:
    """Which of the two stories a cause belongs to."""
    return Topic.WATCH if cause in WATCH else Topic.HEALTH


def of_company(view: CompanyView, limits: Limits) -> dict[Topic, Finding]:
    """The most pressing finding of each topic; a topic without one is healthy."""
    return most_pressing(everything(view, limits))


def everything(view: CompanyView, limits: Limits) -> list[Finding]:
    """All findings, in no order: what is less pressing is wrong all the same."""
    told = _told(view.symptoms.values())
    if not view.up and view.cause in NEW_LOGIN:
        told = [finding for finding in told if finding.cause not in (Cause.CREDS_DAMAGED, Cause.CREDS_CHANGED)]
    if not view.up and view.cause in USELESS_LOGIN:
        told = [finding for finding in told if finding.cause is not Cause.FOLDER_MISSING]
    return [*_connection(view, limits), *_files(view), *told]


def of_symptoms(symptoms: Iterable[Symptom]) -> dict[Topic, Finding]:
    """The same for a gateway or the host, which have no view beyond their symptoms."""
    return most_pressing(_told(symptoms))


def most_pressing(found: Iterable[Finding]) -> dict[Topic, Finding]:
    """The first finding of each topic by rank."""
    result: dict[Topic, Finding] = {}
    for finding in sorted(found, key=lambda f: RANK[f.cause]):
        result.setdefault(topic_of(finding.cause), finding)
    return result


def _connection(view: CompanyView, limits: Limits) -> list[Finding]:
    if view.up:
        return []
    cause, timer = view.cause, view.timer
    if cause in PROVED or cause in (Cause.CLIENT_TOO_OLD, Cause.MULTI_DEVICE_MISMATCH):
        return [_down(cause, view, SEVERITY[cause])]
    if cause is Cause.WAITING_QR and timer.down_s >= QR_WAIT_S:
        return [_down(cause, view, SEVERITY[cause])]
    if cause is Cause.DISCONNECTED and timer.phase in (Phase.WARNED, Phase.OVERDUE):
        return [_down(cause, view, SEVERITY[cause])]
    return []


def _down(cause: Cause, view: CompanyView, severity: Severity) -> Finding:
    timer = view.timer
    detail: Detail = {
        "down_s": round(timer.down_s), "phase": timer.phase.value, "code": view.code, "since": timer.since,
        **({"device_removed": True} if view.device_removed else {}),
    }  # fmt: skip
    return Finding(cause, severity, detail)


def _files(view: CompanyView) -> list[Finding]:
    symptom = view.symptoms.get(SymptomKind.FILES)
    if symptom is None:
        return []
    level = view.level
    if level.rank >= Level.DANGER.rank:
        return [Finding(Cause.FILES_DANGER, Severity.EMERGENCY, symptom.detail)]
    if level is Level.CRITICAL:
        return [Finding(Cause.FILES_CRITICAL, Severity.WARNING, symptom.detail)]
    if level is Level.WARNING:
        return [Finding(Cause.FILES_HIGH, Severity.WARNING, symptom.detail)]
    return []


def _told(symptoms: Iterable[Symptom]) -> list[Finding]:
    """Symptoms whose kind is itself a cause."""
    return [Finding(_CAUSE_OF[s.kind], s.severity, s.detail) for s in symptoms if s.kind in _CAUSE_OF]


_OWN_FINDER = frozenset({SymptomKind.DOWN, SymptomKind.FILES})
_CAUSE_OF: Mapping[SymptomKind, Cause] = {kind: Cause(kind.value) for kind in SymptomKind if kind not in _OWN_FINDER}
