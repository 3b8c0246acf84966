"""Many companies in trouble within seconds, or over before anybody could be told: one grouped message, not one each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from baileykeep.model.limits import NotifyLimits
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import HOST, Severity
from baileykeep.rules.notify import Why


@dataclass(frozen=True, slots=True)
class Member:
    """One story inside a grouped message. `own`: it left and is told in a message of its own."""

    key: str
    at: float
    headline: str
    severity: Severity
    closed: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class Flood:
    """A grouped message's state; persisted, so that a restart goes on with the same message.

    `earlier` stories were already told one by one when it became a flood; `sounded` is the severity that was
    last delivered, None before the first message went out. `missed` groups what came and went while no message
    could be delivered: everything in it is over.
    """

    key: str
    opened_at: float
    last_at: float
    earlier: int = 0
    members: tuple[Member, ...] = ()
    sounded: Severity | None = None
    missed: bool = False

    @property
    def severity(self) -> Severity:
        """The worst of those that are still open and told here."""
        open_ones = [m.severity for m in self.members if not m.closed and not m.own]
        return max(open_ones, key=lambda severity: severity.rank, default=Severity.INFO)

    @property
    def over(self) -> bool:
        """Nothing in it can change any more."""
        return all(member.closed or member.own for member in self.members)


_AT_ONCE = "They began within seconds, so look for one reason behind them all."
_UNSEEN = "They were over before a message about them could be delivered."


def opened(first: Notice, at: float, earlier: int) -> Flood:
    """A new flood, named after the first story in it."""
    return Flood(key=f"flood:{first.key}", opened_at=at, last_at=at, earlier=earlier)


def missed(floods: Iterable[Flood], first: Notice, at: float) -> Flood:
    """The group of what nobody was told in time: one that still could not be delivered, else a new one."""
    waiting = [group for group in floods if group.missed and group.sounded is None]
    return waiting[-1] if waiting else Flood(key=f"missed:{first.key}", opened_at=at, last_at=at, missed=True)


def home_of(floods: Iterable[Flood], key: str) -> Flood | None:
    """The flood in which a story is told, None when it has (or will have) its own message."""
    for group in floods:
        if any(member.key == key and not member.own for member in group.members):
            return group
    return None


def running(floods: Iterable[Flood], at: float, limits: NotifyLimits) -> Flood | None:
    """The flood that a story opened at `at` still belongs to."""
    near = [
        group
        for group in floods
        if not group.missed and group.opened_at - limits.flood_window_s <= at <= group.last_at + limits.flood_window_s
    ]
    return near[-1] if near else None


def times(floods: Iterable[Flood]) -> tuple[float, ...]:
    """When the members of these floods were opened."""
    return tuple(member.at for group in floods if not group.missed for member in group.members)


def runs(candidates: Sequence[float], others: Sequence[float], limits: NotifyLimits) -> list[list[int]]:
    """Indexes of the candidates that came too fast, in runs that belong together, oldest first.

    A window of `flood_window_s` with at least `flood_companies` times in it, the `others` counted too, is a flood.
    """
    marks = sorted([*((at, index) for index, at in enumerate(candidates)), *((at, -1) for at in others)])
    flooded: set[int] = set()
    left = 0
    for right, (at, _) in enumerate(marks):
        while at - marks[left][0] > limits.flood_window_s:
            left += 1
        if right - left + 1 >= limits.flood_companies:
            flooded.update(range(left, right + 1))
    found: list[list[int]] = []
    previous: float | None = None
    for place in sorted(flooded):
        at, index = marks[place]
        if previous is None or at - previous > limits.flood_window_s:
            found.append([])
        previous = at
        if index >= 0:
            found[-1].append(index)
    return [run for run in found if run]


def with_member(group: Flood, notice: Notice, at: float) -> Flood:
    """The group with a story's newest state, at its old place or at the end."""
    data = notice.data
    headline = str(data.get("headline", ""))
    text = f"{headline} ({data.get('title', '')})" if group.missed else headline
    member = Member(notice.key, at, text, notice.severity, bool(data.get("closed")))
    if any(known.key == notice.key for known in group.members):
        return replace(group, members=tuple(member if m.key == member.key else m for m in group.members))
    return replace(group, members=(*group.members, member), last_at=max(group.last_at, at))


def without(group: Flood, key: str) -> Flood:
    """The group after a story left for its own message."""
    return replace(group, members=tuple(replace(m, own=True) if m.key == key else m for m in group.members))


def notice_of(group: Flood, newest: Notice, now: float, *, loud: bool) -> Notice:
    """The grouped message as a notice, on behalf of the newest one in it.

    It sounds when something `loud` joined and it is worse than what was told before.
    """
    first = group.sounded is None
    sound = loud and (group.sounded is None or group.severity.rank > group.sounded.rank)
    left = sum(not member.closed for member in group.members)
    headline = _headline(group, left)
    reply = f"Now {group.severity.value}: {headline}" if sound and not first else ""
    data = {
        "to": newest.data.get("to", ""),
        "first": first,
        "why": Why.OPENED.value if first else Why.SEVERITY.value if sound else Why.NOTHING.value,
        "reply": reply,
        "headline": headline,
        "title": "Many incidents at once",
        "meaning": _UNSEEN if group.missed else _AT_ONCE,
        "severity": group.severity.value,
        "story": [],
        "members": [_line(member) for member in group.members],
        "timed": group.missed,
        "what_to_do": "" if left == 0 else "Look at the gateway, the network and WhatsApp itself first.",
        "buttons": [],
        "needs_human": False,
        "closed": left == 0,
        "approval": None,
    }
    return replace(
        newest,
        at=now,
        key=group.key,
        incident=None,
        subject=HOST,
        severity=group.severity,
        sound=sound,
        data=data,
    )


def told(group: Flood) -> Flood:
    """The group after its newest state was delivered; a later rise beyond that sounds again."""
    sounded = max(group.severity, group.sounded or Severity.INFO, key=lambda severity: severity.rank)
    return replace(group, sounded=sounded)


def _headline(group: Flood, left: int) -> str:
    count = len(group.members)
    noun = "incident" if count == 1 else "incidents"
    if group.missed:
        return f"{count} {noun} came and went unseen"
    text = f"{count} more {noun}" if group.earlier else f"{count} {noun} at once"
    if left == count:
        return text
    return f"{text}, {left} still open" if left else f"{text}, all over"


def _line(member: Member) -> dict[str, object]:
    return {
        "at": member.at,
        "text": member.headline,
        "severity": member.severity.value,
        "closed": member.closed,
        "own": member.own,
    }
