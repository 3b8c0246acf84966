"""What must hold after every round, whatever was killed when. Each check returns what it found wrong, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.crash.archives import Copy, leftovers, lock_holders
from tests.crash.installation import Installation
from tests.crash.troubles import Struck
from tests.crash.watched import KEPT, Company, Folder, sha

OPENS = frozenset({"start", "initialize", "reconnect", "relink"})
START_TRIES = 3
_TIME = re.compile(r"(\d+ \w+ )?\d\d:\d\d ")


@dataclass(frozen=True, slots=True)
class Before:
    """An installation before a round: folders as they were when all was well, and where its records ended."""

    folders: dict[str, Folder]
    entry: int
    calls: int
    messages: int


@dataclass(frozen=True, slots=True)
class After:
    """The same after it settled again. `kills` were made in this round, `all_kills` in all."""

    companies: dict[str, Company]
    entries: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    struck: list[Struck]
    scanned: dict[str, float]
    kills: int
    all_kills: int
    notices: list[dict[str, Any]] = field(default_factory=list)
    posts: dict[str, Any] = field(default_factory=dict)


def problems(place: Installation, before: Before, after: After) -> list[str]:
    """Everything that is not as promised; empty when all is."""
    found: list[str] = []
    for company in place.companies:
        mine = [one for one in after.struck if one.company == company]
        scanned = company in after.scanned
        found += _files(company, before.folders[company], after.companies[company], mine, scanned)
        found += [f"{company}: backup {c.name}: {c.problem}" for c in after.companies[company].copies if c.problem]
        found += _calls(company, after)
    found += [f"left over: {name}" for name in leftovers(place.gateway.root, place.backups)]
    found += _alerts(place, before, after)
    found += _locks(place)
    if not place.journal.whole():
        found.append("the journal's database is damaged")
    return found


# --- no lost file -----------------------------------------------------------------------------------------------


def _files(company: str, before: Folder, now: Company, struck: list[Struck], scanned: bool) -> Iterator[str]:
    folder = now.folder
    if not folder.paired:
        yield f"{company}: the creds are not those of a paired login"
        return
    if folder.identity != before.identity and not scanned:
        yield f"{company}: another identity lies there, and nobody scanned"
        return
    if folder.identity == before.identity and folder.next_pre_key < before.next_pre_key:
        yield f"{company}: the pre-key ids went back from {before.next_pre_key} to {folder.next_pre_key}"
    if folder.owner != before.owner or any(folder.modes[n] != m for n, m in before.modes.items() if n in folder.modes):
        yield f"{company}: owner or mode of something changed"
    renewed = folder.identity != before.identity
    may_go = frozenset().union(*(one.may_go for one in struck))
    rewritten = frozenset().union(*(one.rewritten for one in struck))
    for name, wanted in before.files.items():
        if folder.files.get(name) != wanted:
            yield from _differs(company, name, wanted, now, renewed, name in may_go, name in rewritten)


def _differs(
    company: str, name: str, wanted: str, now: Company, renewed: bool, may_go: bool, rewritten: bool
) -> Iterator[str]:
    """A file that is gone or other than before: where that may be, a copy has it as it was.

    What belongs to a login that was given up lies in a copy of the whole of it.
    """
    there = name in now.folder.files
    if name == "creds.json" and not renewed:
        return  # same identity, ids not lower: the gateway rewrites these all the time
    if there and not (renewed or rewritten):
        yield f"{company}: {name} has other content than before"
    if not there and not (renewed or may_go):
        yield f"{company}: {name} is gone"
    if rewritten and not renewed:
        return  # spoilt by the gateway after the look at it
    if not any(_holds(copy, name, wanted, whole=renewed and name.startswith(KEPT)) for copy in now.copies):
        yield f"{company}: {name} is gone and no whole copy has it"


def _holds(copy: Copy, name: str, wanted: str, *, whole: bool) -> bool:
    if copy.problem or name not in copy.contents:
        return False
    if whole and not copy.manifest["whole"]:
        return False
    return name == "creds.json" or sha(copy.contents[name]) == wanted


# --- nothing is repeated blindly --------------------------------------------------------------------------------


def _calls(company: str, after: After) -> Iterator[str]:
    mine = [entry for entry in after.entries if entry["subject"] == f"company:{company}"]
    steps = Counter(entry["data"]["step"] for entry in mine if entry["kind"] == "step_begun")
    verbs = Counter(call["verb"] for call in after.calls if call["company"] == company)
    opens = sum(verbs[verb] for verb in OPENS)
    if verbs["stop"] > steps["stop"]:
        yield f"{company}: stopped {verbs['stop']} times, with {steps['stop']} intents in the journal"
    if opens > START_TRIES * steps["start"] + steps["reconnect"]:
        yield f"{company}: opened {opens} times, with {steps['start']} + {steps['reconnect']} intents in the journal"
    if verbs["reset"] > steps["reset"]:
        yield f"{company}: reset by the gateway without an intent"
    yield from _repeated(company, mine, after.kills)
    yield from _dead_opened(company, mine, after)


def _repeated(company: str, entries: list[dict[str, Any]], kills: int) -> Iterator[str]:
    """One action makes each of its steps once, and once more for every time it was killed (and for its way back)."""
    times = Counter((e["action"], e["data"]["step"]) for e in entries if e["kind"] == "step_begun")
    for (action, step), count in times.items():
        ways = 2 if step in ("stop", "prove_stopped", "start") else 1
        if count > ways + kills + (step == "start") * kills:
            yield f"{company}: action {action} made the step {step} {count} times with {kills} kills"
    begun = Counter(e["action"] for e in entries if e["kind"] == "action_begun")
    ended = Counter(e["action"] for e in entries if e["kind"] == "action_ended")
    for action, count in (begun | ended).items():
        if count > 1 or begun[action] != ended[action]:
            yield f"{company}: action {action} was begun {begun[action]} times and ended {ended[action]} times"


def _dead_opened(company: str, entries: list[dict[str, Any]], after: After) -> Iterator[str]:
    """A login that was refused for good is not opened again until it was set aside."""
    dead = [one.dead_at for one in after.struck if one.company == company and one.dead_at is not None]
    if not dead:
        return
    asides = [e["at"] for e in entries if e["kind"] == "step_begun" and e["data"]["step"] == "set_aside"]
    until = min(asides, default=float("inf"))
    for call in after.calls:
        if call["company"] == company and call["verb"] in OPENS and dead[0] < call["at"] < until:
            yield f"{company}: the dead login was opened again ({call['verb']})"


# --- every alert arrived ----------------------------------------------------------------------------------------


def _alerts(place: Installation, before: Before, after: After) -> Iterator[str]:
    stories = {message.id: message for message in place.stories()}
    posts = {key.removeprefix("post:"): post for key, post in after.posts.items() if key.startswith("post:")}
    for notice in after.notices:
        if notice["state"] in ("pending", "dead"):
            yield f"notice {notice['id']} of {notice['incident']} is {notice['state']}"
    newest = {e["incident"]: e["data"]["incident"] for e in after.entries if e["kind"] == "incident"}
    for ident, incident in newest.items():
        mine = [post for key, post in posts.items() if key.startswith(f"{ident}@")]
        shown = stories.get(mine[0]["message"]) if mine else None
        yield from [f"incident {ident} was never told"] if shown is None else _told(ident, incident, shown)
    told = {post["message"] for post in posts.values()}
    stray = [ident for ident in stories if ident not in told]
    if len(stray) > after.all_kills:
        yield f"{len(stray)} messages were sent twice, with {after.all_kills} kills"
    yield from _all_told(after, newest)
    # right after a start nobody knows when the one before spoke last; Telegram says so, and is heeded
    if len(place.telegram.violations) > after.all_kills:
        yield f"Telegram's limits: {place.telegram.violations[-1]}"


def _told(ident: str, incident: dict[str, Any], shown: Any) -> Iterator[str]:
    wanted = [line["text"] for line in incident["story"]]
    lines = [line[match.end() :] for line in shown.plain.splitlines() if (match := _TIME.match(line))]
    if lines != wanted:
        yield f"incident {ident} reads {lines}, and its story is {wanted}"
    sizes = [len(edit.plain.splitlines()) for edit in shown.history[:-1]]
    if any(later < earlier - 3 for earlier, later in pairwise(sizes)):
        yield f"the message of {ident} lost lines while it was edited: {sizes}"


def _all_told(after: After, newest: dict[str, dict[str, Any]]) -> Iterator[str]:
    about = Counter(str(incident["subject"]["id"]) for incident in newest.values())
    for one in after.struck:
        if one.tells and not about[one.company]:
            yield f"{one.company}: nobody was told of its trouble ({one.trouble})"


# --- one daemon, no stuck lock ----------------------------------------------------------------------------------


def _locks(place: Installation) -> Iterator[str]:
    for lock in (place.root / "state" / "daemon.lock", place.backups / ".daemon.lock"):
        if lock_holders(lock) != [place.daemon.pid]:
            yield f"{lock.name} is held by {lock_holders(lock)}, and the daemon is {place.daemon.pid}"
    for lock in place.backups.glob("*/.action.lock"):
        if lock_holders(lock):
            yield f"{lock} is still held"
