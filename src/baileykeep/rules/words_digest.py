"""The words of the daily digest: at most ten lines when all is well, and never more than one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from baileykeep.model.symptoms import Subject, company
from baileykeep.rules.digest import Past, stale_backup
from baileykeep.rules.words import duration

SHOWN = 12
"""Companies that get a line of their own."""

NAMED = 3
"""Companies that are named where many have one thing in common."""

MOST_NAME = 40
_HEALTHS = ("down", "trouble", "watch", "ok")
_NOTHING = Past()


def digest(
    views: Sequence[Mapping[str, Any]], days: Mapping[Subject, Past], installation: Mapping[str, Any], now: float
) -> dict[str, Any]:
    """`headline`, `lines` and `bad` (somebody needs a look) of these companies; plain text.

    `views` and `installation` are of `model.overview`; its `incidents` are those of gateways and of the host.
    """
    if not views:
        return {"headline": "Daily digest: no company is known yet.", "lines": [], "bad": False}
    of = {view["id"]: days.get(company(view["id"]), _NOTHING) for view in views}
    noted = [view for view in views if _noted(view, of[view["id"]])]
    noted.sort(key=lambda view: _worst_first(view, of[view["id"]]))
    wide = [_cut(incident["headline"], 160) for incident in installation.get("incidents", ())]
    problems = list(installation["config"]["problems"])
    lines = [*(f"Not of one company: {text}" for text in wide[:NAMED])]
    lines += [f"Configuration: {_cut(problem, 160)}" for problem in problems[:1]]
    lines += [_company_line(view, of[view["id"]]) for view in noted[:SHOWN]]
    if len(noted) > SHOWN:
        lines.append(f"… and {len(noted) - SHOWN} more: baileykeep health")
    lines += [_sum([*of.values()]), *_common(views, installation, now)]
    return {"headline": _headline(len(views), len(noted)), "lines": lines, "bad": bool(noted or wide or problems)}


def _headline(total: int, noted: int) -> str:
    if noted:
        return f"Daily digest: {noted} of {total} {_companies(total)} {'needs' if noted == 1 else 'need'} a look."
    return (
        f"Daily digest: {'all ' if total > 1 else ''}{total} {_companies(total)} {'are' if total > 1 else 'is'} well."
    )


def _companies(count: int) -> str:
    return "company" if count == 1 else "companies"


def _noted(view: Mapping[str, Any], day: Past) -> bool:
    """Unwell now, or one whose day missed a target or took a human."""
    asked = any(incident["approval"] for incident in view["incidents"])
    return view["health"] in ("down", "trouble") or bool(day.sign) or day.humans > 0 or asked


def _worst_first(view: Mapping[str, Any], day: Past) -> tuple[int, float, int, str]:
    return _HEALTHS.index(view["health"]), -day.trouble_s, -len(day.repairs), view["id"]


def _company_line(view: Mapping[str, Any], day: Past) -> str:
    incidents = view["incidents"]
    fine = view["health"] in ("watch", "ok")
    now = "well now" if fine else _cut(incidents[0]["headline"], 120) if incidents else _unwell(view)
    told = [f"{_title(view)}: {now}"] if fine or not incidents else [now]
    told += ["your answer is awaited"] if any(incident["approval"] for incident in incidents) else []
    told += [f"in trouble for {duration(day.trouble_s)}"] if day.trouble_s >= 60 else []
    told += [day.sign] if day.sign else []
    told += ["a human was called"] if day.humans else []
    return "; ".join(told) + "."


def _unwell(view: Mapping[str, Any]) -> str:
    """What is known of one that is not well and has no incident (yet)."""
    state = view["connection"]["state"].replace("_", " ")
    return _cut("; ".join(filter(None, (state, view["next"].rstrip(".")))), 120)


def _sum(days: Sequence[Past]) -> str:
    opened, closed = sum(day.opened for day in days), sum(day.closed for day in days)
    repairs, relinks = sum(len(day.repairs) for day in days), sum(day.relinks for day in days)
    humans, called = sum(day.humans for day in days), "a human was called"
    if not (opened or closed or repairs or relinks):
        return "Last 24 h: nothing happened."
    called = f"{called} {'once' if humans == 1 else f'{humans} times'}" if humans else "no human was called"
    did = f"{_count(repairs, 'automatic repair')}, {_count(relinks, 'relink')}; {called}"
    return f"Last 24 h: {_count(opened, 'incident')} opened, {closed} closed; {did}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _common(views: Sequence[Mapping[str, Any]], installation: Mapping[str, Any], now: float) -> list[str]:
    stale = [view for view in views if stale_backup(view, now)]
    full = [v for v in views if v["files"] is not None and v["files"]["level"] not in ("excellent", "healthy")]
    paused = [view for view in views if view["paused_until"]]
    unseen = [view for view in views if view["files"] is None]
    full.sort(key=lambda view: -view["files"]["counted"])
    fresh = "Backups: every login has one of the last 24 h."
    lines = [f"No backup of the last 24 h (none is taken while nothing changes): {_names(stale)}." if stale else fresh]
    lines += [f"Fullest folders: {_names(full)}."] if full else []
    lines += [f"Files not seen: {_names(unseen)}."] if unseen else []
    lines += [f"Paused: {_names(paused)}."] if paused else []
    lines += ["Baileykeep only observes: it does nothing by itself."] if installation["mode"] == "observe" else []
    return lines


def _names(views: Sequence[Mapping[str, Any]]) -> str:
    named = ", ".join(_title(view) for view in views[:NAMED])
    return named if len(views) <= NAMED else f"{named} and {len(views) - NAMED} more"


def _title(view: Mapping[str, Any]) -> str:
    return _cut(str(view["name"] or view["id"]), MOST_NAME)


def _cut(text: str, most: int) -> str:
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"
