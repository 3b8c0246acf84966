"""What the daemon tells about itself: the overview, one company, and why it acts or holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from baileykeep import __version__
from baileykeep.app.sites import Sites
from baileykeep.clock import Clock
from baileykeep.engine import windows
from baileykeep.engine.engine import Engine
from baileykeep.engine.holds import Holds
from baileykeep.engine.ledger import Ledger
from baileykeep.engine.roster import Member
from baileykeep.engine.units import CompanyUnit
from baileykeep.model.decisions import Reason
from baileykeep.model.facts import Problem, ProcessState
from baileykeep.model.incident import ApprovalState, Incident, Topic
from baileykeep.model.inventory import Inventory, Level
from baileykeep.model.overview import (
    ApprovalView,
    BackupsView,
    CompanyView,
    ConnectionView,
    CopiesView,
    FilesView,
    GatewayView,
    Health,
    IncidentView,
    Overview,
)
from baileykeep.model.symptoms import HOST, Severity, Subject, SymptomKind, company, gateway
from baileykeep.rules import lacks, ladder, words
from baileykeep.rules import view as rules_view
from baileykeep.rules.case import Can
from baileykeep.rules.disconnect import Phase
from baileykeep.rules.masking import mask_phone
from baileykeep.rules.reach import GatewayState

Copies = Callable[[str], BackupsView]

ALL_WELL = "Nothing to do."


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything a snapshot is taken from."""

    sites: Sites
    engine: Engine
    ledger: Ledger
    holds: Holds
    clock: Clock
    copies: Copies
    problems: Callable[[], Sequence[str]]
    copies_away: Callable[[], CopiesView]


def overview(of: Sources) -> Overview:
    """Everything at a glance, worst companies first."""
    companies = [company_view(of, ident) for ident in of.sites.companies()]
    return {**installation(of), "companies": sorted(companies, key=_worst_first)}


def installation(of: Sources) -> Overview:
    """The overview without its companies."""
    now = of.clock.now()
    host = of.engine.unit(HOST)
    symptoms = host.symptoms if host is not None else {}
    problems = list(of.problems())
    return {
        "version": __version__,
        "mode": "act" if of.holds.act else "observe",
        "started_at": of.holds.started_at,
        "now": now,
        "network": {
            "online": SymptomKind.HOST_OFFLINE not in symptoms,
            "whatsapp": SymptomKind.WHATSAPP_UNREACHABLE not in symptoms and SymptomKind.HOST_OFFLINE not in symptoms,
        },
        "config": {"ok": not problems, "problems": problems},
        "paused_until": of.holds.paused_until(HOST, "", now),
        "gateways": [_gateway(of, name) for name in of.sites.doors],
        "companies": [],
        "incidents": [incident_view(of, i) for i in of.ledger.all_open() if i.subject.scope != "company"],
        "copies": of.copies_away(),
    }


def _worst_first(view: CompanyView) -> tuple[int, float, str]:
    ranks: dict[Health, int] = {"down": 0, "trouble": 1, "watch": 2, "ok": 3}
    return ranks[view["health"]], -view["connection"]["down_s"], view["id"]


def _gateway(of: Sources, name: str) -> GatewayView:
    door, unit = of.sites.doors[name], of.engine.unit(gateway(name))
    reach: GatewayState = unit.state("reach") if unit is not None else GatewayState()
    return {
        "id": name,
        "dialect": door.dialect,
        "url": door.url,
        "problem": reach.problem.value if isinstance(reach.problem, Problem) else None,
        "process": {
            "manager": door.process.kind if door.process else "none",
            "state": (reach.process or ProcessState.UNKNOWN).value,
            "restarts": None,
        },
        "companies": len(of.sites.companies(name)),
        "carries": of.sites.carries(name) if _carries_more(of, name) else "",
        "braked": of.holds.braked(gateway(name)),
        "not_watched": list(of.sites.not_watched(name)),
    }


def _carries_more(of: Sources, name: str) -> bool:
    """Whether the process is known to carry others than the gateway's own watched companies."""
    has_process = of.sites.doors[name].process is not None
    return has_process and set(of.sites.carried(name).companies) != set(of.sites.companies(name))


def company_view(of: Sources, ident: str) -> CompanyView:
    """One company at this moment. Raises UsageError for one that is not known."""
    placement = of.sites.placement(ident)
    subject, now = company(ident), of.clock.now()
    unit, member = of.engine.unit(subject), of.sites.member(subject)
    seen = unit.view() if isinstance(unit, CompanyUnit) else rules_view.CompanyView(ident)
    incidents = [i for topic in Topic if (i := of.ledger.get(subject, topic)) is not None]
    can = member.can if member else Can()
    return {
        "id": ident,
        "name": member.name if member else ident,
        "gateway": placement.gateway,
        "connection": {**_connection(seen), **of.sites.heard(ident)},
        "files": _files(seen.inventory),
        "phone": _phone(seen.inventory),
        "backups": of.copies(ident),
        "incidents": [incident_view(of, i) for i in incidents],
        "paused_until": of.holds.paused_until(subject, placement.gateway, now),
        "stops_others": bool(member and member.can.stop_others and not member.can.stop),
        "others": can.others,
        "next": _next(incidents, seen, can) or _planned(of, member, seen) or ALL_WELL,
        "health": _health(incidents, seen, silent=bool(can.lacks.state and of.sites.heard(ident))),
        "not_watched": list(can.lacks.not_watched()),
        "cannot": [line for i in incidents for line in ladder.incapable(i.cause, can)],
    }


def _connection(seen: rules_view.CompanyView) -> ConnectionView:
    timer = seen.timer
    return {
        "state": seen.conn.value,
        "since": timer.since,
        "paired": seen.paired if seen.paired is not None or seen.inventory is None else seen.inventory.creds.paired,
        "down_s": round(timer.down_s, 1),
        "cause": seen.cause.value if not seen.up and timer.phase is not Phase.UP else None,
    }


def _files(inventory: Inventory | None) -> FilesView | None:
    if inventory is None:
        return None
    return {
        "total": inventory.total,
        "counted": inventory.counted,
        "level": inventory.level.value,
        "reclaimable": inventory.reclaimable,
    }


def _phone(inventory: Inventory | None) -> str | None:
    phone = inventory.creds.phone if inventory is not None else None
    return mask_phone(phone) if phone else None


def incident_view(of: Sources, incident: Incident) -> IncidentView:
    """One open incident as everybody outside sees it."""
    member = of.sites.member(incident.subject)
    name = member.name if member else incident.subject.id
    return {
        "id": incident.id,
        "subject": str(incident.subject),
        "cause": incident.cause.value,
        "severity": incident.severity.value,
        "headline": words.headline(incident, name),
        "opened_at": incident.opened_at,
        "hold": incident.hold.partition(":")[0] if incident.hold else None,
        "needs_human": incident.needs_human,
        "approval": _approval(of, incident),
    }


def _approval(of: Sources, incident: Incident) -> ApprovalView | None:
    approval = incident.approval
    if approval is None or approval.state is not ApprovalState.OPEN:
        return None
    member = of.sites.member(incident.subject)
    ttl_s = member.limits.relink.approval_ttl_s if member else 0.0
    return {
        "rung": approval.rung.value,
        "revision": approval.revision,
        "asked_at": approval.asked_at,
        "expires_at": approval.asked_at + ttl_s,
    }


def _next(incidents: Sequence[Incident], seen: rules_view.CompanyView, can: Can) -> str:
    for incident in incidents:
        todo = words.what_to_do(incident, lacks.left(can.lacks, incident.cause))
        if todo:
            return todo
    if seen.unknown and can.lacks.state:
        return "Waiting for a word from its webhook; there is none that counts."
    if seen.unknown:
        return "Waiting for the gateway's answer."
    if seen.timer.phase is Phase.WAITING:
        return "Waiting for the gateway's own reconnect."
    return ""


def _planned(of: Sources, member: Member | None, seen: rules_view.CompanyView) -> str:
    """That the next maintenance window has something to do, and when it opens."""
    now = of.clock.now()
    wanted = windows.wanted(member, seen, of.ledger, now) if member is not None else None
    if member is None or wanted is None:
        return ""
    opens = " It is open." if member.window_at(now) else _opens(of, member)
    planned = "A cleanup is planned" if of.holds.act else "In act mode a cleanup would be planned"
    return f"Nothing. {planned} for its maintenance window ({wanted.detail['counted']} files).{opens}"


def _health(incidents: Sequence[Incident], seen: rules_view.CompanyView, *, silent: bool = False) -> Health:
    """`silent`: nobody can ask, and its last word is too old to count; that is no trouble yet."""
    acting = [i for i in incidents if i.topic is Topic.HEALTH]
    if seen.timer.phase in (Phase.WARNED, Phase.OVERDUE) or (acting and not seen.up):
        return "down"
    if acting or (seen.unknown and not silent):
        return "trouble"
    watched = seen.unknown or seen.timer.phase is Phase.WAITING or seen.level.rank >= Level.MONITOR.rank
    loud = [i for i in incidents if i.severity is not Severity.INFO]
    return "watch" if watched or loud else "ok"


def explain(of: Sources, ident: str) -> dict[str, Any]:
    """Why it acted and why it did not: the open stories of a company, and what is true now."""
    view = company_view(of, ident)
    subject = company(ident)
    lines = [
        {"at": line.at, "text": line.text}
        for topic in Topic
        if (incident := of.ledger.get(subject, topic)) is not None
        for line in incident.story
    ]
    return {"company": ident, "lines": lines, "now": _now(of, subject, view), "cannot": view["cannot"]}


def _now(of: Sources, subject: Subject, view: CompanyView) -> str:
    breach = of.holds.breached.get(subject)
    if breach is not None:
        barred = f", so this was barred: {breach.barred}" if breach.barred else ""
        return f"Held, a safety check failed ({breach.invariant}): {breach.text}{barred}. {view['next']}"
    health = of.ledger.get(subject, Topic.HEALTH)
    if health is None:
        files = view["files"]
        level = f", folder {files['level']} ({files['counted']} counted files)" if files else ""
        return f"No open incident: {view['connection']['state']}{level}. {view['next']}"
    if health.hold:
        reason = Reason(health.hold.partition(":")[0])
        opens = _opens(of, of.sites.member(subject)) if reason is Reason.WAIT_FOR_WINDOW else ""
        return f"Holding: {words.why_held(reason)}.{opens} {view['next']}"
    return view["next"]


def _opens(of: Sources, member: Member | None) -> str:
    """When the maintenance window that something waits for opens next."""
    if member is None or member.window is None:
        return ""
    opens_at = member.window.opens_at(of.clock.now())
    if opens_at is None:
        return " It does not open within two weeks."
    zone = ZoneInfo(of.sites.settings.installation.timezone)
    return f" It opens {datetime.fromtimestamp(opens_at, zone):%a %d %b %H:%M} ({zone.key})."
