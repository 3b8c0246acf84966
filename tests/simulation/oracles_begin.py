"""Whether an action may begin now, as the world knows it: pauses, the network, the fleet, what was done before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.lives import Life
from tests.simulation.records import Doing, Done
from tests.simulation.sessions import Link, Session

if TYPE_CHECKING:
    from tests.simulation.oracles import Oracles

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
FREE = frozenset({"snapshot"})
PLAIN = frozenset({"reconnect", "cleanup", "relink", "repair_sessions"})
PROVED_CODES = frozenset({401, 402, 403, 406, 440})
NOTICED_S = 75.0
"""After so long the daemon has surely been told of something that its watchers see."""


def may_begin(oracles: Oracles, life: Life, who: str, doing: Doing) -> None:
    """What the ladder began by itself, or after a yes to its question."""
    world, session = oracles.world, oracles.world.sessions.get(who)
    place = session.gateway.model.name if session is not None else who
    if any(oracles.paused.get(s, 0.0) > world.now for s in ("host", place, who)):
        oracles.breach(who, f"{doing.rung} was begun during a pause")
    if oracles.stopping_life == life.number:
        oracles.breach(who, f"{doing.rung} was begun by a daemon that is shutting down")
    if not world.reaches_whatsapp and world.now - world.network_since > NOTICED_S and watched_s(oracles) > NOTICED_S:
        oracles.breach(who, f"{doing.rung} was begun without a network")
    if session is not None and doing.operator is None:
        _reconnects(oracles, session, doing)
        _braked(oracles, session, doing)
    if doing.operator is None:
        _cooldowns(oracles, who, doing)


def watched_s(oracles: Oracles) -> float:
    """Seconds for which one daemon has been watching without a break."""
    world = oracles.world
    return min(world.now - oracles.shaken_at, world.now - world.service.started_at)


def _reconnects(oracles: Oracles, session: Session, doing: Doing) -> None:
    now, seen = oracles.world.now, oracles.watch(session.id)
    if doing.rung != "reconnect":
        return
    if seen.told_code == 401 and session.link is Link.CLOSED and session.code == 401:
        oracles.breach(session.id, "a login that was removed is reconnected")
    if doing.cause == "disconnected" and now - seen.last_good_report < 14 * MINUTE:
        oracles.breach(session.id, "reconnected before it was down for fifteen minutes")
    if doing.cause == "replaced":
        if doing.at - seen.closed_at < 9.5 * MINUTE and session.link is Link.CLOSED:
            oracles.breach(session.id, "a replaced session is reconnected at once")
        before = [d for d in seen.past if d.rung == "reconnect:replaced" and doing.at - d.at < DAY]
        if before:
            oracles.breach(session.id, "a replaced session is reconnected twice in a day")
        seen.past.append(Done("reconnect:replaced", doing.at))


def _cooldowns(oracles: Oracles, who: str, doing: Doing) -> None:
    core = oracles.world.core
    past = [d for d in oracles.watch(who).past if ":" not in d.rung]
    pauses = {"reconnect": 10 * MINUTE, "restart_process": 10 * MINUTE, "cleanup": 6 * HOUR}
    since = min((doing.at - d.at for d in past if d.rung == doing.rung), default=DAY)
    if since < pauses.get(doing.rung, 0.0):
        oracles.breach(who, f"{doing.rung} again after {since / MINUTE:.1f} min")
    if core is None or doing.rung in FREE:
        return
    budget = core.settings.limits_for(who).ladder.daily_budget
    today = [d for d in past if doing.at - d.at < DAY]
    if len(today) >= budget:
        oracles.breach(who, f"{doing.rung} is repair number {len(today) + 1} of a day, {budget} are allowed")


def _braked(oracles: Oracles, session: Session, doing: Doing) -> None:
    """Half of a gateway's companies, and three, went down together and none of them is back."""
    world = oracles.world
    if doing.rung not in PLAIN or doing.cause not in ("disconnected", "phantom", "bad_mac"):
        return
    fleet = session.gateway.sessions.values()
    down = sorted(oracles.watch(s.id).closed_at for s in fleet if _plainly_down(s))
    together = [at for at in down if down and down[-1] - at <= 100.0]
    watched = watched_s(oracles) > world.now - down[0] + 60.0 if down else False
    enough = len(together) >= max(3, len(fleet) / 2) and len(together) == len(down)
    if enough and watched and 2 * MINUTE < world.now - together[-1] < 27 * MINUTE:
        oracles.breach(session.id, f"{doing.rung} was begun while {len(down)} companies of one gateway are down")


def _plainly_down(session: Session) -> bool:
    stopped = session.stopped_by_us or session.code in PROVED_CODES
    return session.link is Link.CLOSED and not stopped and session.world.now >= session.troubles.says_connected_until
