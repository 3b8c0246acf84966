"""What goes wrong around companies: gateways, this host, the daemon itself, and the people."""

from __future__ import annotations

import errno

from baileykeep.model.facts import Problem
from tests.simulation.happening import Now, fault
from tests.simulation.sessions import Session


@fault
def process_down(n: Now) -> None:
    gateway = n.gateway
    n.world.no_restart_until[gateway.model.name] = n.until if n.fault.dice < 0.4 else 0.0
    gateway.stop()
    n.afterwards(gateway.start)


@fault
def process_dies(n: Now) -> None:
    n.gateway.stop()
    n.gateway.start()


def _http(n: Now, problem: Problem) -> None:
    gateway = n.gateway
    gateway.problem = problem

    def over() -> None:
        gateway.problem = None

    n.afterwards(over)


@fault
def http_5xx(n: Now) -> None:
    _http(n, Problem.SERVER_ERROR)


@fault
def http_hangs(n: Now) -> None:
    _http(n, Problem.TIMEOUT)


@fault
def http_refused(n: Now) -> None:
    _http(n, Problem.REFUSED)


@fault
def unauthorized(n: Now) -> None:
    _http(n, Problem.UNAUTHORIZED)


def _all_drop(n: Now, sessions: list[Session]) -> None:
    for session in sessions:
        session.troubles.unreachable_until = n.until
        session.drop(408, n.fault.length_s + 5.0 * n.rng.random())


@fault
def all_drop(n: Now) -> None:
    _all_drop(n, list(n.gateway.sessions.values()))


@fault
def log_renamed(n: Now) -> None:
    n.gateway.rotate(copy=False, number=n.world.next_number())


@fault
def log_copied_and_emptied(n: Now) -> None:
    n.gateway.rotate(copy=True, number=n.world.next_number())


@fault
def log_torn(n: Now) -> None:
    """Half a line now, its rest a little later, and bytes that are no UTF-8."""
    gateway = n.gateway
    gateway.write_raw(b'{"level":30,"companyId":"c1","msg":"opened conn')
    n.world.logged(gateway)

    def rest() -> None:
        gateway.write_raw(b'ection to nobody \xff\xfe"}\n')
        n.world.logged(gateway)

    n.world.at(n.world.now + 3.0, rest)


# --- this host --------------------------------------------------------------------------------------------------


@fault
def network_down(n: Now) -> None:
    """Nobody here reaches anything: every socket is lost a little later."""
    _cut_off(n, "online")


@fault
def whatsapp_down(n: Now) -> None:
    _cut_off(n, "whatsapp")


def _cut_off(n: Now, what: str) -> None:
    world = n.world
    if not getattr(world, what):
        return
    setattr(world, what, False)
    world.network_since = world.now
    for session in world.sessions.values():
        delay_s = 20.0 * n.rng.random()
        world.at(world.now + delay_s, lambda s=session: None if world.reaches_whatsapp else s.drop(408, 20.0))  # type: ignore[misc]

    def over() -> None:
        setattr(world, what, True)
        world.network_since = world.now

    n.afterwards(over)


@fault
def everybody_drops(n: Now) -> None:
    _all_drop(n, list(n.world.sessions.values()))


@fault
def clock_jump(n: Now) -> None:
    hours = (-3.0, -1.5, -1.0, 1.0, 1.5, 3.0)[int(n.fault.dice * 6) % 6]
    n.world.time.offset += hours * 3600.0
    n.world.oracles.jumped(hours * 3600.0)
    n.world.pace.news()


@fault
def suspend(n: Now) -> None:
    """Eight hours pass on the wall, and none for anybody here."""
    n.world.time.offset += 8 * 3600.0
    n.world.oracles.jumped(8 * 3600.0)
    n.world.pace.news()
    for session in n.world.sessions.values():
        session.drop(408, 10.0)


def _disk(n: Now, error: int) -> None:
    world = n.world
    world.disk_error = error

    def over() -> None:
        world.disk_error = None

    n.afterwards(over)


@fault
def disk_full(n: Now) -> None:
    _disk(n, errno.ENOSPC)


@fault
def disk_eio(n: Now) -> None:
    _disk(n, errno.EIO)


@fault
def disk_eacces(n: Now) -> None:
    _disk(n, errno.EACCES)


@fault
def disk_rots(n: Now) -> None:
    """What is written to the backups folder is not what comes back."""
    n.world.rots_until = n.until


@fault
def journal_locked(n: Now) -> None:
    n.world.journal_fails_until = n.until


@fault
def journal_gone(n: Now) -> None:
    n.world.journal_fails_until = n.until


@fault
def journal_slow(n: Now) -> None:
    n.world.journal_slow_until = n.until


@fault
def telegram_429(n: Now) -> None:
    n.world.telegram_busy_until = n.until


@fault
def telegram_403(n: Now) -> None:
    address = ("100", "200", "300")[int(n.fault.dice * 3) % 3]
    n.world.banned_until[address] = n.until


@fault
def telegram_out(n: Now) -> None:
    n.world.telegram_out_until = n.until


def _events(n: Now, how: str) -> None:
    world = n.world
    world.events_how = how

    def over() -> None:
        world.events_how = ""

    n.afterwards(over)


@fault
def events_dropped(n: Now) -> None:
    _events(n, "dropped")


@fault
def events_twice(n: Now) -> None:
    _events(n, "twice")


@fault
def events_late(n: Now) -> None:
    _events(n, "late")


@fault
def config_half_written(n: Now) -> None:
    """A save that is seen half done, and mended a minute later."""
    path = n.world.root / "config" / "baileykeep.toml"
    whole = path.read_text()
    path.write_text(whole[: int(len(whole) * n.fault.dice)])
    n.world.people.press("reload", {})

    def mend() -> None:
        path.write_text(whole)
        n.world.people.press("reload", {})

    n.world.at(n.world.now + 60.0, mend)


@fault
def kill(n: Now) -> None:
    """At the n-th crossing of a door from now on, or from the beginning of the next action on."""
    life = n.world.service.life
    if life is None or life.dead:
        return
    crossings = 1 + int(60 * (n.fault.dice * 2 % 1.0) ** 2)
    if n.fault.dice < 0.6:
        n.world.service.kill_after_action = crossings
    else:
        life.die_in = crossings


@fault
def stop_and_start(n: Now) -> None:
    n.world.service.spawn(n.world.service.stop_in_good_order)


@fault
def second_daemon(n: Now) -> None:
    n.world.service.second_daemon()


@fault
def button(n: Now) -> None:
    n.world.people.button(n.fault.target, n.fault.dice)
