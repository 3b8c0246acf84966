"""How Telegram messages look: HTML in which only our own tags are tags, never longer than Telegram takes."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from baileykeep.channels.base import Placard
from baileykeep.rules.words import duration

MAX_UNITS = 4096
"""Telegram's bound for a message, in UTF-16 units after its tags are taken off; we count the tags too."""

MAX_CAPTION = 1024
"""The same for the words below a picture."""

MAX_ANSWER = 200
"""Telegram's bound for the answer to a pressed button."""

MAX_DATA = 64
"""Telegram's bound for what a button carries, in bytes."""

SHOWN_LINES = 5
"""Story lines that are shown at once; older ones are folded and open at a touch."""

_LINE = 240
_FOLD = "<blockquote expandable>{}</blockquote>"
_LEFT_OUT = "… {} lines left out …"
_EMOJI = {"info": "ℹ️", "warning": "🟡", "critical": "🔴", "emergency": "🚨"}
_LABELS = {
    "ack": "👀 Acknowledge",
    "approve": "✅ Approve",
    "reject": "✋ Reject",
    "pause": "⏸ Pause 1 h",
    "resume": "▶️ Let actions go on",
    "show_qr": "📷 Show the QR",
    "relink": "🔗 Relink …",
    "reset": "♻️ Reset …",
}
_ON_SUBJECT = frozenset({"pause", "resume", "show_qr", "relink", "reset"})
_ROWS = (("approve", "reject"), ("show_qr", "relink", "reset"), ("ack", "pause", "resume"))

Rows = tuple[tuple[tuple[str, str], ...], ...]
"""Buttons in rows: (label, callback data)."""


def escaped(text: object, limit: int = _LINE) -> str:
    """Any text on one line, cut to `limit` characters, harmless inside HTML."""
    plain = " ".join(_printable(str(text)).split())
    return html.escape(plain if len(plain) <= limit else plain[: limit - 1] + "…", quote=False)


def _printable(text: str) -> str:
    """Without control and direction characters, which can turn a line around or colour a terminal."""
    return "".join(c if c.isprintable() or c.isspace() else " " for c in text)


def units(text: str) -> int:
    """Length as Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def message(data: Mapping[str, Any], zone: tzinfo) -> str:
    """One incident (or one group of them) as it is now; long stories lose lines in their middle."""
    if data.get("lines"):
        return "\n".join(_fitting([_assembled(data, ()), *(escaped(line) for line in data["lines"])], MAX_UNITS))
    lines = _group_lines(data, zone) if data.get("members") else _story_lines(data.get("story", ()), zone)
    room = MAX_UNITS - units(_assembled(data, ())) - units(_FOLD.format(""))
    return _assembled(data, _fitting(lines, room))


def _assembled(data: Mapping[str, Any], lines: Sequence[str]) -> str:
    parts = [f"{_mark(data)} <b>{escaped(data['headline'])}</b>"]
    if data.get("closed") and not data.get("timed"):
        parts.append(f"It was: {escaped(data['title'])}." if data.get("title") else "")
    else:
        parts.append(escaped(data.get("meaning", "")))
    if len(lines) > SHOWN_LINES + 1:
        parts.append(_FOLD.format("\n".join(lines[:-SHOWN_LINES])))
        lines = lines[-SHOWN_LINES:]
    parts += lines
    if data.get("acked_by") and not data.get("closed"):
        parts.append(f"👀 {escaped(data['acked_by'])} is on it.")
    if data.get("what_to_do"):
        parts.append(f"<b>What to do:</b> {escaped(data['what_to_do'])}")
    return "\n".join(part for part in parts if part)


def _mark(data: Mapping[str, Any]) -> str:
    if data.get("closed"):
        return "✅"
    return _EMOJI.get(str(data.get("severity")), "🟡") + ("🙋" if data.get("needs_human") else "")


def _story_lines(story: Sequence[Mapping[str, Any]], zone: tzinfo) -> list[str]:
    """Each with its time of day; a line of another day than the newest also says which."""
    times = _times(story, zone)
    return [f"{at} {escaped(line['text'])}" for at, line in zip(times, story, strict=True)]


def _times(lines: Sequence[Mapping[str, Any]], zone: tzinfo) -> list[str]:
    found = [datetime.fromtimestamp(line["at"], zone) for line in lines]
    return [f"{at:%H:%M}" if at.date() == found[-1].date() else f"{at.day} {at:%b %H:%M}" for at in found]


def _group_lines(data: Mapping[str, Any], zone: tzinfo) -> list[str]:
    """One for each story; those that nobody heard of in time say when they began."""
    members = data["members"]
    marks = _times(members, zone) if data.get("timed") else [_mark(member) for member in members]
    return [
        f"{mark} {escaped(member['text'], 120)}{' → own message' if member['own'] else ''}"
        for mark, member in zip(marks, members, strict=True)
    ]


def _fitting(lines: Sequence[str], room: int) -> Sequence[str]:
    """As many lines as there is room for: the beginning, the newest, and how many are missing between them."""
    sizes = [units(line) + 1 for line in lines]
    if sum(sizes) <= room:
        return lines
    room -= units(_LEFT_OUT.format(len(lines))) + 1
    head = max(1, _count(sizes, room // 3))
    tail = _count(sizes[: head - 1 : -1], room - sum(sizes[:head]))
    missing = _LEFT_OUT.format(len(lines) - head - tail)
    return [*lines[:head], missing, *lines[len(lines) - tail :]]


def _count(sizes: Sequence[int], room: int) -> int:
    """How many of these fit, in their order."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > room:
            return count
    return len(sizes)


def reply(data: Mapping[str, Any]) -> str:
    """What sounds below the message; empty when nothing should."""
    lines = [escaped(line) for line in str(data.get("reply") or "").splitlines() if line.strip()]
    if not lines:
        return ""
    return f"{_mark(data)} " + "\n".join(lines[:5])


def buttons(data: Mapping[str, Any]) -> Rows:
    """The answer to a question first and beside each other, then the rest."""
    made: dict[str, tuple[str, str]] = {}
    for button in data.get("buttons", ()):
        target = _subject(data) if button["do"] in _ON_SUBJECT else button["incident"]
        payload = f"{button['do']}|{target}|{button['revision']}"
        if payload.isprintable() and len(payload.encode()) <= MAX_DATA:
            made[button["do"]] = (_LABELS[button["do"]], payload)
    rows = [[made[do] for do in row if do in made] for row in _ROWS]
    return tuple(tuple(row) for row in rows if row)


def placard(shown: Placard) -> str:
    """What stands beside a QR, or with a code that can be copied at a touch."""
    code = [f"<code>{escaped(shown.code, 40)}</code>"] if shown.code else []
    head = f"{'🔢' if shown.code else '📷'} <b>{escaped(shown.headline)}</b>"
    return "\n".join(_within(MAX_CAPTION, [head, *code, *(escaped(line) for line in shown.lines)]))


def _within(room: int, lines: Sequence[str]) -> Sequence[str]:
    """As many of the first lines as there is room for."""
    return lines[: _count([units(line) + 1 for line in lines], room)]


def _subject(data: Mapping[str, Any]) -> str:
    """`c:` and a company's id, or `g:` and a gateway's."""
    if data.get("company"):
        return f"c:{data['company']}"
    return f"g:{data.get('subject_id', '')}"


def overview(answer: Mapping[str, Any]) -> str:
    """The answer to /status: who is not well, worst first."""
    companies = answer.get("companies", [])
    sick = [view for view in companies if view.get("health") != "ok"]
    lines = [f"<b>{len(companies) - len(sick)} of {len(companies)} companies are fine.</b>"]
    if answer.get("mode") == "observe":
        lines.append("Baileykeep only observes: it does nothing by itself.")
    if answer.get("paused_until"):
        lines.append("⏸ All actions are paused.")
    lines += [f"🔴 {escaped(problem)}" for problem in answer.get("config", {}).get("problems", [])[:3]]
    lines += [f"{_mark(incident)} {escaped(incident['headline'])}" for incident in answer.get("incidents", [])[:5]]
    sick.sort(key=lambda view: _HEALTH.index(view["health"]) if view.get("health") in _HEALTH else 0)
    lines += [_company_line(view) for view in sick[:15]]
    if len(sick) > 15:
        lines.append(f"… and {len(sick) - 15} more.")
    return "\n".join(_fitting(lines, MAX_UNITS))


_HEALTH = ["down", "trouble", "watch", "ok"]
_DOTS = {"down": "🔴", "trouble": "🟠", "watch": "🟡", "ok": "🟢"}


def digest(answer: Mapping[str, Any]) -> str:
    """The answer to /digest: how the day was."""
    return message({"severity": "warning", "closed": not answer["bad"], "timed": True, **answer}, UTC)


def _title(view: Mapping[str, Any]) -> str:
    name, ident = view.get("name") or view["id"], view["id"]
    return escaped(name if name == ident else f"{name} ({ident})", 80)


def _company_line(view: Mapping[str, Any]) -> str:
    incidents = view.get("incidents", [])
    told = escaped(incidents[0]["headline"]) if incidents else f"{_title(view)}: {escaped(view.get('next', ''))}"
    paused = " ⏸" if view.get("paused_until") else ""
    return f"{_DOTS.get(str(view.get('health')), '🟡')} {told}{paused}"


def company(view: Mapping[str, Any]) -> str:
    """The answer to /company: one company in a few lines."""
    connection, files, backups = view.get("connection") or {}, view.get("files"), view.get("backups") or {}
    lines = [f"{_DOTS.get(str(view.get('health')), '🟡')} <b>{_title(view)}</b>"]
    if connection:
        down = f" for {duration(connection['down_s'])}" if connection.get("down_s") else ""
        ago = f" (heard {duration(connection['heard_s'])} ago)" if "heard_s" in connection else ""
        heard = f", last word {escaped(connection['heard'])}{ago}" if connection.get("heard") else ""
        lines.append(f"Connection: {escaped(connection.get('state', 'unknown'))}{down}{heard}")
    if files:
        lines.append(f"Files: {files['counted']} counted, {escaped(files['level'])}, {files['reclaimable']} to clean")
    left_out = [f"{text[:1].upper()}{text[1:]}." for text in view.get("not_watched", ())]
    if files or backups.get("count") or not left_out:
        lines.append(f"Backups: {backups.get('count', 0)}")
    lines += [escaped(text) for text in left_out]
    if view.get("paused_until"):
        lines.append("⏸ Actions are paused.")
    lines += [f"{_mark(incident)} {escaped(incident['headline'])}" for incident in view.get("incidents", [])[:5]]
    lines += [escaped(text) for text in view.get("cannot", ())]
    if view.get("next"):
        lines.append(f"<b>Next:</b> {escaped(view['next'])}")
    return "\n".join(_fitting(lines, MAX_UNITS))
