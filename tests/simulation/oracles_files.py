"""What must be true at the moment when a file leaves an auth folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.simulation.sessions import Link, Session

if TYPE_CHECKING:
    from tests.simulation.oracles import Oracles
    from tests.simulation.records import Doing

DAY = 86_400.0
WHOLE = frozenset({"relink", "pair_again", "reset", "restore", "restore_creds"})
CLEANABLE = ("session-", "sender-key-", "pre-key-")
FLOOR_DAYS, LEAST_FLOOR_DAYS = 14.0, 7.0
LEAST_PRE_KEYS = 30


def check_removal(oracles: Oracles, session: Session, name: str) -> None:
    """All rules about one removal, with what the world knows."""
    doing = oracles.watch(session.id).doing
    if doing is None:
        oracles.breach(session.id, f"{name} is removed without an intent in the journal")
        return
    if oracles.world.now < session.lingers_until:
        oracles.breach(session.id, f"{name} is removed while the gateway still writes")
    if session.link in (Link.OPEN, Link.CONNECTING):
        oracles.breach(session.id, f"{name} is removed while the session is {session.link}")
    by_age = doing.rung == "cleanup"  # what is set aside is named, or the whole folder
    if by_age and oracles.world.now - oracles.jumped_at < 3600.0 - 60.0 and doing.at > oracles.jumped_at + 60.0:
        oracles.breach(session.id, f"{name} is removed although the clock jumped")
    path = session.folder.path / name
    found, data = path.stat(), path.read_bytes()
    if doing.rung == "cleanup":
        _by_cleanup(oracles, session, doing, name, found)
    elif doing.rung == "repair_sessions" and not name.startswith("session-"):
        oracles.breach(session.id, f"{name} is set aside by a repair of single sessions")
    elif doing.rung not in WHOLE | {"cleanup", "repair_sessions"}:
        oracles.breach(session.id, f"{name} is removed by {doing.rung}")
    since = doing.wall - 1.0 if oracles.shaken_at < doing.at else 0.0
    if not oracles.world.archives.holds(session.id, name, data, since):
        oracles.breach(session.id, f"{name} is removed and no readable copy made by this action holds it")


def _by_cleanup(oracles: Oracles, session: Session, doing: Doing, name: str, found: os.stat_result) -> None:
    age_days = (oracles.world.wall - found.st_mtime) / DAY
    core = oracles.world.core
    configured = core.settings.limits_for(session.id).cleanup.min_age_days if core is not None else FLOOR_DAYS
    floor = LEAST_FLOOR_DAYS if doing.forced else max(LEAST_FLOOR_DAYS, configured)
    if not name.startswith(CLEANABLE):
        oracles.breach(session.id, f"{name} is removed by a cleanup")
    if age_days < floor and not name.startswith("sender-key-memory-"):
        oracles.breach(session.id, f"{name} is removed, {age_days:.1f} days old")
    left = sum(each.startswith("pre-key-") for each in os.listdir(session.folder.path))
    if name.startswith("pre-key-") and left <= LEAST_PRE_KEYS:
        oracles.breach(session.id, f"{name} is removed, {left - 1} pre-keys are left")
