"""One daemon's life: configuration, lock, journal, signals, systemd; then everything in reverse."""

from __future__ import annotations

import gc
import os
import random
import signal
from pathlib import Path

import anyio
import structlog
from anyio.abc import TaskGroup

from baileykeep.app.daemon import Daemon, Given
from baileykeep.app.locks import daemon_locks
from baileykeep.app.private import make_private
from baileykeep.app.sd_notify import Notifier
from baileykeep.app.signals import Signals
from baileykeep.clock import Clock, SystemClock
from baileykeep.config.load import load_partial
from baileykeep.journal.sql import SqlJournal
from baileykeep.model.errors import BaileykeepError
from baileykeep.telemetry import configure

log = structlog.get_logger(__name__)

JOURNAL = "journal.db"


def run(config_dir: Path, clock: Clock | None = None) -> int:
    """Run until SIGTERM or SIGINT. Raises BaileykeepError when it cannot start."""
    configure(os.environ.get("BAILEYKEEP_LOG_LEVEL", "info"))
    try:
        anyio.run(live, config_dir, clock or SystemClock())
    except ExceptionGroup as group:
        raise _expected(group) or group from group
    return 0


def _expected(group: ExceptionGroup[Exception]) -> BaileykeepError | None:
    """The first error with a sentence for people, out of the groups that task groups wrap it in."""
    for error in group.exceptions:
        found = _expected(error) if isinstance(error, ExceptionGroup) else error
        if isinstance(found, BaileykeepError):
            return found
    return None


async def live(config_dir: Path, clock: Clock) -> None:
    """From configuration to the last word in the journal."""
    settings, problems = load_partial(config_dir)
    for problem in problems:
        log.warning("config.problem", problem=str(problem))
    make_private(settings)
    with daemon_locks(settings.installation.state_dir, settings.installation.backups_dir), Signals() as signals:
        journal = await SqlJournal.open(settings.installation.state_dir / JOURNAL)
        try:
            daemon = Daemon(Given(settings, problems, clock, journal, random.Random()))  # noqa: S311 - jitter only
            await _supervised(daemon, Notifier(), signals)
        finally:
            await journal.aclose()


async def _supervised(daemon: Daemon, notifier: Notifier, signals: Signals) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(_listen, daemon, group, notifier, signals)
        await group.start(_run, daemon, group)
        log.info("ready", url=daemon.url, companies=len(daemon.sites.companies()), acting=daemon.holds.act)
        gc.freeze()  # what was imported stays for good: walking over it again and again would stop everything each time
        notifier.say(READY="1", STATUS=f"watching {len(daemon.sites.companies())} companies")
        if notifier.watchdog_s is not None:
            group.start_soon(_watchdog, notifier, notifier.watchdog_s / 2)


async def _run(daemon: Daemon, group: TaskGroup, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    await daemon.run(task_status=task_status)
    group.cancel_scope.cancel()


async def _watchdog(notifier: Notifier, every_s: float) -> None:
    """While the event loop turns, systemd hears of it."""
    while True:
        notifier.say(WATCHDOG="1")
        await anyio.sleep(every_s)


async def _listen(daemon: Daemon, group: TaskGroup, notifier: Notifier, signals: Signals) -> None:
    """SIGHUP reloads; the first SIGTERM or SIGINT ends in good order, a second one at once."""
    stopping = False
    while True:
        number = await signals.next()
        if number == signal.SIGHUP:
            daemon.config.poke()
        elif stopping:
            daemon.end_now()
        else:
            stopping = True
            log.info("stopping", signal=number.name)
            notifier.say(STOPPING="1")
            group.start_soon(daemon.shut_down)
