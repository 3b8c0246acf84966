"""What breaks, which steps that makes the daemon take, and what a folder may and may not lose by it."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from baileykeep.app.socket_client import DaemonClient
from baileykeep.model.errors import BaileykeepError
from tests.crash.installation import Installation
from tests.crash.watched import look

DAY_S = 86_400.0
STOPPING = ("stop", "prove_stopped", "start")
FULL = 170
"""So many old sessions more make any folder dangerous, also one that was paired anew a moment ago."""


@dataclass(slots=True)
class Struck:
    """One company in trouble. `may_go` are names that a repair may take away, `scans` whether somebody will scan.

    `tells` says that people must read of it, whatever is killed when. `dead_at` is when its login was refused for
    good: from then on nobody may open it again until it was set aside.
    """

    trouble: str
    company: str
    may_go: frozenset[str] = frozenset()
    rewritten: frozenset[str] = frozenset()
    scans: bool = False
    tells: bool = True
    dead_at: float | None = None
    at: float = field(default_factory=time.time)


Strike = Callable[[Installation, str, random.Random], Awaitable[Struck]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One way to break a company, and the steps of the repairs that follow."""

    strike: Strike
    steps: tuple[str, ...]


async def drop(place: Installation, company: str, _rng: random.Random) -> Struck:
    """The connection ends and comes back only when somebody asks for it."""
    await place.gateway.turn("drop", company=company, heals="asked")
    return Struck("drop", company)


async def danger(place: Installation, company: str, _rng: random.Random) -> Struck:
    """The folder is full of sessions that nobody used for forty days."""
    folder = place.gateway.folder(company)
    before = set(os.listdir(folder))
    await place.gateway.turn("grow", company=company, count=FULL)
    fresh = frozenset(set(os.listdir(folder)) - before)
    old = time.time() - 40 * DAY_S
    for name in fresh:
        os.utime(folder / name, (old, old))
    return Struck("danger", company, may_go=fresh)


async def bad_mac(place: Installation, company: str, rng: random.Random) -> Struck:
    """Messages of two contacts cannot be decrypted any more."""
    names = sorted(n for n in os.listdir(place.gateway.folder(company)) if n.startswith("session-"))
    broken = rng.sample(names, min(2, len(names)))
    addresses = [name.removeprefix("session-").removesuffix(".json") for name in broken]
    await place.gateway.turn("bad_mac", company=company, contacts=",".join(addresses), count=5)
    return Struck("bad_mac", company, may_go=frozenset(broken), rewritten=frozenset(broken))


async def removed(place: Installation, company: str, _rng: random.Random) -> Struck:
    """The phone unlinked this device: the login is dead, a human agrees to relink and somebody scans."""
    struck = Struck("removed", company, scans=True, dead_at=time.time())
    await place.gateway.turn("device_removed", company=company)
    return struck


async def zeroed(place: Installation, company: str, _rng: random.Random) -> Struck:
    """A full disk zeroed the creds of a session that is down."""
    await place.gateway.turn("drop", company=company, heals="asked")
    creds = place.gateway.folder(company) / "creds.json"
    with creds.open("r+b") as file:
        file.write(bytes(creds.stat().st_size))
    return Struck("zeroed", company)


async def unscanned(place: Installation, company: str, _rng: random.Random) -> Struck:
    """An operator relinks a login that lives, and nobody scans: the old login goes back."""
    await ask(place, "relink", company=company, replace_login=True)
    return Struck("unscanned", company, tells=False)


async def scanned(place: Installation, company: str, _rng: random.Random) -> Struck:
    """An operator resets a login that lives, and somebody scans."""
    await ask(place, "reset", company=company, replace_login=True)
    return Struck("scanned", company, scans=True, tells=False)


async def backup(place: Installation, company: str, _rng: random.Random) -> Struck:
    """An operator takes a backup."""
    await ask(place, "backup", company=company)
    return Struck("backup", company, tells=False)


async def restored(place: Installation, company: str, rng: random.Random) -> Struck:
    """An operator restores the identity from some backup of the login that lies there."""
    names = [one.name for one in look(place, company).usable()]
    if not names:
        return await backup(place, company, rng)
    await ask(place, "restore", company=company, backup=rng.choice(names), mode="identity")
    return Struck("restored", company, tells=False)


async def refused(place: Installation, company: str, rng: random.Random) -> Struck:
    """The gateway's port is closed for a while."""
    await place.gateway.turn("refuse")
    _later(rng.uniform(1, 6), lambda: place.gateway.try_turn("come_back"))
    return Struck("refused", company, tells=False)


async def hung(place: Installation, company: str, rng: random.Random) -> Struck:
    """The gateway takes requests and answers none for a while."""
    await place.gateway.turn("hang")
    _later(rng.uniform(1, 6), lambda: place.gateway.try_turn("unhang"))
    return Struck("hung", company, tells=False)


TROUBLES: Mapping[str, Trouble] = {
    "drop": Trouble(drop, ("reconnect", "verify")),
    "danger": Trouble(danger, (*STOPPING, "backup", "remove", "verify")),
    "bad_mac": Trouble(bad_mac, (*STOPPING, "set_aside", "verify")),
    "removed": Trouble(removed, (*STOPPING, "snapshot", "set_aside", "wait_for_scan")),
    "zeroed": Trouble(zeroed, (*STOPPING, "restore_creds", "verify")),
    "unscanned": Trouble(unscanned, (*STOPPING, "set_aside", "wait_for_scan", "put_back")),
    "scanned": Trouble(scanned, (*STOPPING, "set_aside", "wait_for_scan")),
    "backup": Trouble(backup, ("backup",)),
    "restored": Trouble(restored, (*STOPPING, "restore", "verify")),
    "refused": Trouble(refused, ()),
    "hung": Trouble(hung, ()),
}
STEPS = tuple(dict.fromkeys(step for trouble in TROUBLES.values() for step in trouble.steps))
GATEWAY_WIDE = frozenset({"refused", "hung"})


async def ask(place: Installation, command: str, **args: Any) -> bool:
    """What an operator asks of the running daemon; False when it refuses, or is gone meanwhile."""
    client = DaemonClient(place.daemon.state / "control.sock", timeout_s=10.0, operator="crash test")
    try:
        await asyncio.to_thread(client.call, command, args)
    except BaileykeepError:
        return False
    return True


_TASKS: set[asyncio.Task[Any]] = set()


def _later(seconds: float, act: Callable[[], Awaitable[Any]]) -> None:
    async def wait() -> None:
        await asyncio.sleep(seconds)
        await act()

    task = asyncio.create_task(wait())
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)
