"""Judges the day by the truth, not by the product's own rules: what was done to the world, when, and what came of it.

`begun` and `ended` come from the durable journal, because promises are made about what is written there; all else is
what the world itself saw.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baileykeep.gateways.base import SessionStatus
from baileykeep.model.facts import ConnState
from baileykeep.model.incident import ApprovalState, Incident, Topic
from baileykeep.model.records import Entry, EntryKind, Notice
from tests.simulation.lives import Life
from tests.simulation.oracles_begin import FREE, may_begin
from tests.simulation.oracles_files import check_removal
from tests.simulation.oracles_notices import Notices
from tests.simulation.records import Doing, Done, Watch
from tests.simulation.sessions import Link, Session

if TYPE_CHECKING:
    from tests.simulation.gateways import GatewayTruth
    from tests.simulation.world import World

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
MOST_BEGUN = 15
MOST_TASKS = 30
MOST_OPEN = 40
"""Descriptors of one daemon with its world, late in the day: a few logs each, whatever was rotated before."""

MUTATING = frozenset({"reconnect", "stop", "start", "reset", "pairing_code"})


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was broken."""

    at: float
    who: str
    text: str

    def __str__(self) -> str:
        return f"at {self.at / 3600:.3f} h, {self.who}: {self.text}"


class Oracles:
    """Every door and every watcher tells what passes; a breach ends the day."""

    def __init__(self, world: World):
        self._world = world
        self.breaches: list[Breach] = []
        self.notices = Notices(self)
        self.watched: dict[str, Watch] = {}
        self.actions: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.paused: dict[str, float] = {}
        self.jumped_at = -DAY
        self.shaken_at = -DAY
        self.stopping_life: int | None = None
        self._open_before = descriptors()

    @property
    def world(self) -> World:
        """The world they judge."""
        return self._world

    def breach(self, who: str, text: str) -> None:
        """Something happened that must not: the day ends here, and so does a daemon that would go on and on."""
        self.breaches.append(Breach(self._world.now, who, text))
        self._world.trace(who, f"!! {text}")
        self._world.service.halt()

    def watch(self, who: str) -> Watch:
        """What is remembered of somebody."""
        return self.watched.setdefault(who, Watch())

    # --- gateways and processes -----------------------------------------------------------------------------

    def called(self, life: Life, truth: GatewayTruth, company: str, verb: str) -> None:
        """A call reached a gateway."""
        seen = self.watch(company)
        if verb == "status":
            if seen.unlooked == life.number:
                seen.unlooked = 0
            return
        if verb not in MUTATING:
            return
        doing = seen.doing or self.watch(truth.model.name).doing
        if doing is None and self._world.now > seen.pairing_until:
            self.breach(company, f"{verb} was called without an intent in the journal")
        self._blindly(company, seen, verb)
        if verb == "reconnect" and doing is not None and doing.operator is None and not self._blind(company):
            self._needless(company)
        if verb in ("start", "reconnect") and truth.trouble() is not None:
            seen.start_failed_at = self._world.now

    def _blind(self, company: str) -> bool:
        """Whether the daemon may not know better just now."""
        return self._world.now - self.shaken_at < MINUTE or self.watch(company).unlooked > 0

    def _needless(self, company: str) -> None:
        session, now = self._world.sessions[company], self._world.now
        good = session.healthy and session.up_since is not None and now - session.up_since > MINUTE
        if (
            good
            and now - self.watch(company).last_good_report < MINUTE
            and now > session.troubles.phantom_until + MINUTE
        ):
            self.breach(company, "a healthy session is reconnected")

    def _blindly(self, who: str, seen: Watch, verb: str) -> None:
        if seen.unlooked:
            self.breach(who, f"{verb} was repeated after a restart without looking first")

    def process_called(self, life: Life, truth: GatewayTruth, verb: str) -> None:
        """A call reached a process manager."""
        if verb == "status":
            return
        name = truth.model.name
        if self.watch(name).doing is None and all(self.watch(c).doing is None for c in truth.sessions):
            self.breach(name, f"{verb} of the process without an intent in the journal")
        self._blindly(name, self.watch(name), f"{verb} of the process")
        others = [s.id for s in truth.sessions.values() if s.link is Link.OPEN and self.watch(s.id).doing is None]
        by_human = any(d is not None and d.operator for d in (self.watch(c).doing for c in truth.sessions))
        if others and verb != "start" and truth.up and truth.problem is None and not by_human:
            self.breach(name, f"{verb} of the process, which carries {len(others)} open sessions of others")

    def starting(self, session: Session, *, fresh: bool) -> None:
        """A session is opened; fresh puts a new identity over whatever lies there."""
        if fresh:
            self._login_safe(session, "a fresh start", on_disk=False)

    def came_back_while_taken(self, session: Session) -> None:
        """Two processes use one login, and ours was opened again."""
        doing = self.watch(session.id).doing
        if doing is not None and doing.operator is None:
            self._world.trace(session.id, "~ opened although the login is used elsewhere")

    def moved(self, session: Session) -> None:
        """A socket changed."""
        seen = self.watch(session.id)
        if session.link is not Link.OPEN and session.down_since == self._world.now:
            seen.closed_at = self._world.now
        if session.valid != seen.login:
            seen.login, seen.login_since = session.valid, self._world.now

    def reported(self, company: str, status: SessionStatus) -> None:
        """What the daemon is told of a session."""
        seen = self.watch(company)
        seen.told_code = status.code
        if status.state is ConnState.CONNECTED and status.paired is not False:
            seen.last_good_report = self._world.now

    # --- files ------------------------------------------------------------------------------------------------

    def writing(self, life: Life, company: str, name: str) -> None:
        """A file is put into an auth folder."""
        seen = self.watch(company)
        if seen.doing is None:
            self.breach(company, f"{name} is written without an intent in the journal")
        self._blindly(company, seen, "a write")
        if self._world.sessions[company].link is Link.OPEN:
            self.breach(company, f"{name} is written while the session is open")

    def removing(self, life: Life, company: str, name: str) -> None:
        """A file is about to be removed from an auth folder."""
        self._blindly(company, self.watch(company), "a removal")
        check_removal(self, self._world.sessions[company], name)

    def _login_safe(self, session: Session, when: str, *, on_disk: bool = True) -> None:
        """The login that WhatsApp accepts is in the folder, in the gateway's memory, or in a copy."""
        world, login = self._world, session.valid
        if login is None or world.now - self.watch(session.id).login_since < 10 * MINUTE:
            return
        held = session.paired and session.link is Link.OPEN
        if on_disk and (held or session.on_disk() == login):
            return
        if not world.archives.holds_login(session.id, login):
            self.breach(session.id, f"the login is lost after {when}")

    # --- the journal ------------------------------------------------------------------------------------------

    def journaled(
        self,
        life: Life,
        entries: Sequence[Entry],
        notices: Sequence[Notice],
        memories: Mapping[tuple[str, str], Any],
    ) -> None:
        """Something is on disk now."""
        for entry in entries:
            self._entry(entry)
        for (subject, key), value in memories.items():
            if key == "action":
                self._action(life, subject.partition(":")[2], value)
        self.notices.posted(notices)

    def _entry(self, entry: Entry) -> None:
        who = entry.subject.id
        if entry.kind is EntryKind.STEP_BEGUN:
            self._world.trace(who, f"- {entry.data['step']}")
            doing = self.watch(who).doing
            if doing is not None:
                doing.steps += 1
        elif entry.kind is EntryKind.ACTION_ENDED:
            self._ended(entry)
        elif entry.kind is EntryKind.OPERATOR and "pairing code" in str(entry.data.get("text")):
            self.watch(who).pairing_until = self._world.now + 60.0
        elif entry.kind is EntryKind.INCIDENT:
            self._world.trace(who, f"* {entry.data['text']}")

    def _action(self, life: Life, who: str, value: Mapping[str, Any] | None) -> None:
        seen = self.watch(who)
        if value is None:
            seen.doing, seen.unlooked = None, 0
            return
        attempt, order = value["attempt"], value["order"]
        if seen.doing is not None and seen.doing.action != attempt["action_id"]:
            self.breach(who, f"{attempt['rung']} was begun while {seen.doing.rung} was under way")
        doing = Doing(
            attempt["action_id"], attempt["rung"], attempt["cause"], attempt["operator"], bool(value["manual"]),
            self._world.now, self._world.wall, bool(order.get("force")),
        )  # fmt: skip
        seen.doing = doing
        self.actions[doing.rung] += 1
        seen.begun_at = [*(at for at in seen.begun_at if doing.at - at < HOUR), doing.at]
        if len(seen.begun_at) > MOST_BEGUN:
            self.breach(who, f"{len(seen.begun_at)} actions were begun within an hour")
        self._world.trace(who, f"+ {doing.rung} for {doing.cause}{' by ' + doing.operator if doing.operator else ''}")
        if self._world.service.kill_after_action is not None:
            life.die_in, self._world.service.kill_after_action = self._world.service.kill_after_action, None
        if not doing.manual:
            may_begin(self, life, who, doing)
        if doing.operator is None and doing.rung not in FREE:
            seen.past.append(Done(doing.rung, doing.at))

    def _ended(self, entry: Entry) -> None:
        attempt, who = entry.data["attempt"], entry.subject.id
        seen, outcome = self.watch(who), str(attempt["outcome"])
        self.outcomes[f"{attempt['rung']} {outcome}"] += 1
        self._world.trace(who, f"= {attempt['rung']} {outcome} {attempt['note']}")
        if (outcome == "superseded" or attempt["untouched"]) and seen.past and attempt["operator"] is None:
            seen.past = [d for d in seen.past if d.at != (seen.doing.at if seen.doing else None)]
        session = self._world.sessions.get(who)
        if session is None:
            return
        self._login_safe(session, f"{attempt['rung']} {outcome}")
        if outcome == "healed" and session.link is not Link.OPEN:
            self._healed(session, str(attempt["rung"]))
        tried = self._world.now - seen.start_failed_at < 2 * MINUTE
        whole = session.folder.read_creds() is not None
        if (
            session.stopped_by_us
            and session.link is Link.CLOSED
            and whole
            and not tried
            and session.gateway.trouble() is None
        ):
            self.breach(who, f"{attempt['rung']} ended and the session that it stopped was not started")

    def _healed(self, session: Session, rung: str) -> None:
        """Verified means: seen connected a moment ago, unless the gateway lied."""
        now = self._world.now
        if now - self.watch(session.id).closed_at > 15.0 and now > session.troubles.says_connected_until:
            self.breach(session.id, f"{rung} is called healed, and the session is {session.link}")

    # --- lives and people -------------------------------------------------------------------------------------

    def started(self, life: Life) -> None:
        """A daemon took up what an earlier one left: whatever had been begun must be looked at first."""
        self.stopping_life = None
        for seen in self.watched.values():
            if seen.doing is not None and seen.doing.steps:
                seen.unlooked = life.number
        for session in self._world.sessions.values():
            self._login_safe(session, "a restart")

    def died(self) -> None:
        """The daemon is gone."""
        self.shaken_at = self._world.now

    def stopping(self) -> None:
        """The daemon was asked to stop."""
        assert self._world.service.life is not None
        self.stopping_life = self._world.service.life.number

    def jumped(self, seconds: float) -> None:
        """The wall clock was set."""
        self.shaken_at = self._world.now
        if abs(seconds) > HOUR:
            self.jumped_at = self._world.now

    def commanded(self, command: str, args: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """A human's command was accepted."""
        if command == "pause":
            self.paused[str(answer["paused"]).partition(":")[2]] = self._until(answer["until"])
        elif command == "resume":
            self.paused.pop(str(answer["resumed"]).partition(":")[2], None)

    def _until(self, wall: float) -> float:
        """A pause lasts as long as was said, whatever the clock shows later."""
        return self._world.now + float(wall) - self._world.wall

    def marked_sent(self, ids: Sequence[int]) -> None:
        """Notices were marked as sent."""
        self.notices.marked(ids)

    def delivered(self, life: Life, address: str, notices: Sequence[Notice]) -> None:
        """A message reached people."""
        self.notices.delivered(address, notices)

    # --- now and then, and at the end -------------------------------------------------------------------------

    def look(self) -> None:
        """What must hold at every moment."""
        core = self._world.core
        if core is not None and core.monitor.breaches:
            found = core.monitor.breaches[0]
            self.breach(found.subject.id, f"the daemon's own monitor: {found.invariant}: {found.text}")
        if core is not None and len(core.bus) > 40 * (len(self._world.sessions) + 4):
            self.breach("host", "the bus grows without bounds")
        if (tasks := len(asyncio.all_tasks())) > MOST_TASKS:
            self.breach("host", f"{tasks} tasks are under way")

    def at_rest(self) -> None:
        """Some time after the last fault: everybody is healthy, or in human hands."""
        world, core = self._world, self._world.core
        if core is None:
            self.breach("host", "no daemon runs although nothing keeps it from it")
            return
        stories = core.ledger.all_open()
        for session in world.sessions.values():
            doing = self.watch(session.id).doing
            wanted = doing is not None and doing.operator is not None
            if not session.healthy and not wanted and not in_human_hands(stories, session, self.paused, world.now):
                mine = [f"{story.cause}, hold {story.hold}" for story in stories if story.subject.id == session.id]
                how = "; ".join(mine) or "no story"
                self.breach(session.id, f"{session.link} {session.code or ''} and in nobody's hands ({how})")
        self.notices.at_rest()
        if (opened := descriptors() - self._open_before) > MOST_OPEN:
            self.breach("host", f"{opened} descriptors are open")

    def finish(self) -> None:
        """The end of the day."""
        for session in self._world.sessions.values():
            self._login_safe(session, "the day")


WAITING = frozenset({"starting_up", "network_down", "whatsapp_down", "gateway_down", "brake", "too_early", "paused"})
"""Holds that are no answer when nothing is wrong outside any more."""


def descriptors() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd"))


def in_human_hands(stories: Iterable[Incident], session: Session, paused: Mapping[str, float], now: float) -> bool:
    """An open question, an alert that a human is needed, or a hold that people were told of."""
    places = ("host", session.gateway.model.name, session.id)
    if any(paused.get(place, 0.0) > now for place in places):
        return True
    return any(_with_people(story) for story in stories if story.subject.id in places[1:])


def _with_people(story: Incident) -> bool:
    asked = story.approval is not None and story.approval.state is ApprovalState.OPEN
    held = story.hold is not None and story.hold.partition(":")[0] not in WAITING
    return story.topic is Topic.HEALTH and (story.needs_human or asked or held)


__all__ = ["Breach", "Oracles", "in_human_hands"]
