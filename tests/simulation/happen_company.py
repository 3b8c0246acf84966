"""What goes wrong with one company: its socket, its login, its contacts, its files."""

from __future__ import annotations

from tests.simulation.folders import address_of
from tests.simulation.happening import Now, fault
from tests.simulation.sessions import Link, Session
from tests.simulation.world import World

DAY_S = 86_400.0


@fault
def drop(n: Now) -> None:
    n.session.drop(428, n.fault.length_s)


@fault
def drop_for_long(n: Now) -> None:
    n.session.troubles.unreachable_until = n.until
    n.session.drop(408, 20.0)


@fault
def hang(n: Now) -> None:
    n.session.troubles.hangs_until = n.until
    n.session.drop(503, 1.0)
    session = n.session
    n.afterwards(lambda: session.open() if session.link is Link.CONNECTING else None)


@fault
def device_removed(n: Now) -> None:
    session = n.session
    session.end_login("removed by its owner")
    session.wants_up = False
    if session.link is not Link.CLOSED:
        session.close(401, conflict="device_removed")


@fault
def half_paired(n: Now) -> None:
    session = n.session
    session.end_login("never finished")
    session.vanish()
    creds = session.folder.fresh_login(n.world.wall)
    creds["me"] = {"id": f"{session.folder.phone}@s.whatsapp.net", "name": "~"}
    session.folder.write_creds(creds, n.world.wall)
    n.world.wrote(session)
    session.stopped_by_us = False
    session.open()


@fault
def replaced(n: Now) -> None:
    session = n.session
    session.troubles.taken_until = n.until
    if session.link is Link.OPEN:
        session.wants_up = False
        session.close(440, conflict="replaced")


@fault
def blocked(n: Now) -> None:
    _refused(n, 403)


@fault
def too_old(n: Now) -> None:
    _refused(n, 405)


def _refused(n: Now, code: int) -> None:
    session = n.session
    session.troubles.refused_code, session.troubles.refused_until = code, n.until
    if session.link is Link.OPEN:
        session.wants_up = False
        session.close(code)
        n.afterwards(session.open)


@fault
def phantom(n: Now) -> None:
    n.session.troubles.phantom_until = n.until
    n.world.changed(n.session)


@fault
def self_reconnect(n: Now) -> None:
    session, until = n.session, n.until

    def again() -> None:
        if n.world.now < until:
            session.drop(503, 6.0)
            n.world.at(n.world.now + 28 * 60.0, again)

    again()


@fault
def flaps(n: Now) -> None:
    session, until = n.session, n.until

    def again() -> None:
        if n.world.now < until:
            session.drop(428, 5.0)
            n.world.at(n.world.now + 45.0 + 120.0 * n.fault.dice, again)

    again()


@fault
def bad_mac(n: Now) -> None:
    session, names = n.session, n.session.folder.session_names()
    if names and session.link is Link.OPEN:
        session.troubles.corrupt = address_of(names[int(n.fault.dice * len(names)) % len(names)])
        session.bad_macs(session.troubles.corrupt, 4.0 + 8.0 * n.fault.dice)


@fault
def bad_mac_stays(n: Now) -> None:
    n.session.troubles.corrupt_stays_until = n.until
    bad_mac(n)


@fault
def bad_mac_of_nobody(n: Now) -> None:
    gateway = n.session.gateway
    for _ in range(6):
        gateway.log.console("Failed to decrypt message with any known session...\nSession error:Error: Bad MAC")
    n.world.logged(gateway)


@fault
def stale_sessions(n: Now) -> None:
    for _ in range(4):
        n.session.gateway.log.stale()
    n.world.logged(n.session.gateway)


@fault
def duplicates(n: Now) -> None:
    session = n.session
    for name in session.folder.session_names()[:1] * 7:
        session.gateway.log.duplicate(session.id, address_of(name), session.folder.shape.generation)
    n.world.logged(session.gateway)


@fault
def files_old(n: Now) -> None:
    n.session.folder.sessions_with(25 + int(50 * n.fault.dice), n.world.wall, age_s=40 * DAY_S)
    n.world.wrote(n.session)


@fault
def files_new(n: Now) -> None:
    n.session.folder.sessions_with(20 + int(40 * n.fault.dice), n.world.wall, age_s=DAY_S)
    n.world.wrote(n.session)


def _damage(n: Now, data: bytes) -> None:
    path = n.session.folder.path / "creds.json"
    if path.exists():
        path.write_bytes(data)
    n.world.wrote(n.session)
    if n.fault.dice < 0.6:
        n.session.drop(428, None if n.fault.dice < 0.4 else 30.0)
    elif n.fault.dice > 0.85:
        session, creds = n.session, n.session.loaded
        n.world.at(n.world.now + 400.0, lambda: _rewritten(n.world, session, creds))


def _rewritten(world: World, session: Session, creds: object) -> None:
    """A running gateway still has the creds in memory, and writes them at the next update."""
    if session.link is Link.OPEN and session.loaded is creds and session.loaded is not None:
        session.folder.write_creds(session.loaded, world.wall)
        world.wrote(session)


@fault
def creds_zeroed(n: Now) -> None:
    _damage(n, bytes(1800))


@fault
def creds_torn(n: Now) -> None:
    path = n.session.folder.path / "creds.json"
    _damage(n, path.read_bytes()[:700] if path.exists() else b"{")


@fault
def creds_emptied(n: Now) -> None:
    _damage(n, b"")


@fault
def creds_torn_briefly(n: Now) -> None:
    path = n.session.folder.path / "creds.json"
    if not path.exists():
        return
    whole = path.read_bytes()
    path.write_bytes(whole[:600])
    n.world.wrote(n.session)
    session = n.session

    def mend() -> None:
        if path.exists() and path.read_bytes() == whole[:600]:
            path.write_bytes(whole)
            n.world.wrote(session)

    n.world.at(n.world.now + 1.0 + 0.2, mend)


@fault
def creds_deleted(n: Now) -> None:
    (n.session.folder.path / "creds.json").unlink(missing_ok=True)
    n.world.wrote(n.session)


@fault
def human_pairs_anew(n: Now) -> None:
    """Somebody deletes the login by hand and scans the QR that the gateway then shows."""
    session = n.session
    for path in list(session.folder.path.glob("*.json")):
        path.unlink()
    session.end_login("deleted by hand")
    session.close(428)
    session.open()
    session.scan()


@fault
def folder_gone(n: Now) -> None:
    """A volume that is not mounted: the folder is away, and comes back as it was."""
    session = n.session
    path, away = session.folder.path, n.world.root / f"away-{session.id}"
    if not path.exists() or away.exists():
        return
    path.rename(away)
    n.world.wrote(session)

    def back() -> None:
        if not path.exists():
            away.rename(path)
            n.world.wrote(session)

    n.afterwards(back)


@fault
def stop_is_ignored(n: Now) -> None:
    n.session.troubles.no_stop_until = n.until


@fault
def says_connected(n: Now) -> None:
    n.session.troubles.says_connected_until = n.until
    n.session.drop(408, n.fault.length_s)


@fault
def says_ok_does_nothing(n: Now) -> None:
    n.session.troubles.does_nothing_until = n.until
    n.session.drop(408, None)
    session = n.session
    n.afterwards(lambda: session.open() if session.link is Link.CLOSED and session.valid is not None else None)
