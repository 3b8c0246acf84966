"""What a person can break in the lab, and what the other people do there: phones, contacts, the other process."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from functools import partial

from tests.e2e.lab.byhand.place import Place
from tests.e2e.lab.people import Company, second_gateway, session_name
from tests.e2e.lab.processes import GatewayProcess, ended, until
from tests.e2e.lab.talks import OLD_DAYS, known_twice, make_old, turns

OFTEN = 6
PILE = 185
QR_WITHIN_S = 15.0
"""Whoever holds the phone waits for the QR: the session may have to be proved stopped first."""

Break = Callable[[Place, Company], Awaitable[str]]


async def drop(_: Place, company: Company) -> str:
    """the connection breaks; the gateway opens it again by itself"""
    await company.tell("drop")
    return "The connection was cut. The gateway will try again within a second or two."


async def hang(_: Place, company: Company) -> str:
    """the connection breaks, and the gateway forgets to open it again"""
    await company.policy(reconnects=False)
    try:
        await company.tell("drop")
        await until(partial(_closed, company), 10, "the gateway noticed")
    finally:
        await company.policy(reconnects=True)
    return "The connection was cut, and the gateway does nothing about it."


async def _closed(company: Company) -> bool:
    return not (await company.status())["hasSocket"]


async def device_removed(_: Place, company: Company) -> str:
    """somebody removes the linked device on the phone: the login is dead"""
    await company.tell("stream-error", kind="device_removed")
    return "The phone removed this linked device. Only a new scan helps."


async def replaced(place: Place, company: Company) -> str:
    """a second process opens the same login and does not let go (until `lab mend`)"""
    if company.ident in place.second:
        return "A second process has this login already; `lab mend` ends it."
    other = await second_gateway(company, place.root / f"second-{company.ident}", fightsBack=True)
    place.second[company.ident] = other
    await other.start()
    return f"A second process (pid {_pid(other)}) has opened this login. `lab mend {company.ident}` ends it."


def _pid(gateway: GatewayProcess) -> int:
    return gateway.process.pid if gateway.process is not None else 0


async def bad_mac(place: Place, company: Company) -> str:
    """an old session file is put back: messages of that contact cannot be read any more"""
    contact, client = place.contact(), company.whatsapp.client
    await known_twice(company, contact)
    await turns(company, contact, "first")
    older = (company.folder / session_name(contact)).read_bytes()
    await turns(company, contact, "second", "third")
    await company.stop()
    (company.folder / session_name(contact)).write_bytes(older)
    await company.start()
    await company.settled()
    await client.post("/contact", number=contact, answersRetries=False)
    for number in range(OFTEN):
        await company.tell("send", **{"from": contact}, text=f"Unreadable {number}")
    await until(partial(_delivered, company), 15, "all of it arrived")
    await client.post("/contact", number=contact, answersRetries=True)
    return f"The session with contact …{contact[-4:]} went back in time; its {OFTEN} new messages are Bad MACs."


async def _delivered(company: Company) -> bool:
    return bool((await company.device())["waiting"] == 0)


async def pile_up(place: Place, company: Company) -> str:
    """185 people write, and their session files grow 40 days old: dangerously many"""
    before = company.files("session-")
    for _ in range(PILE):
        await company.tell("send", **{"from": place.contact()}, text="Do you have an appointment for me?")
        _aged(company, before)
    await until(lambda: _aged(company, before) >= PILE, 120, "all of them were read")
    return f"{PILE} people wrote; their session files are {OLD_DAYS} days old now."


def _aged(company: Company, kept: set[str]) -> int:
    """Let the session files that are new grow old; returns how many that are."""
    found = company.files("session-") - kept
    make_old(company, found)
    return len(found)


async def torn_creds(place: Place, company: Company) -> str:
    """the session is stopped by somebody, and the disk cuts its creds.json short"""
    if place.gateway.alive:
        await company.stop()
    creds = company.folder / "creds.json"
    whole = creds.read_bytes()
    creds.write_bytes(whole[: len(whole) // 2])
    return f"The session is closed, and only {len(whole) // 2} of {len(whole)} bytes of creds.json are left."


async def wipe(_: Place, company: Company) -> str:
    """WhatsApp refuses the login once (401), and the gateway wipes its folder for that"""
    await company.policy(wipesDead=True)
    try:
        await company.tell("refuse", reason="401")
        await company.tell("drop")
        await until(lambda: not company.folder.exists() or not company.files(), 15, "the gateway wiped the folder")
    finally:
        await company.tell("refuse")
        await company.policy(wipesDead=False)
    return "WhatsApp refused the login for a moment, and the gateway wiped the whole folder. The login itself lives."


async def gateway_killed(place: Place, _: Company) -> str:
    """the whole gateway is killed, with all companies on it (until `lab mend`)"""
    await place.gateway.stop()
    return "The gateway was killed with SIGKILL. `lab mend 1` starts it again."


async def daemon_killed(place: Place, _: Company) -> str:
    """Baileykeep itself is killed; the lab starts it again, as systemd would"""
    await ended(place.daemon)
    return "Baileykeep was killed with SIGKILL."


BREAKS: dict[str, Break] = {
    one.__name__: one
    for one in (
        drop, hang, bad_mac, pile_up, torn_creds, wipe, device_removed, replaced, gateway_killed, daemon_killed,
    )
}  # fmt: skip
"""Each `how` of `lab break COMPANY HOW`; the first line of its docstring tells people what happens."""


# --- everybody else ---------------------------------------------------------------------------------------------------


async def mend(place: Place, company: Company) -> str:
    """end what a break left behind: end the second process, start the gateway that was killed"""
    did = []
    other = place.second.pop(company.ident, None)
    if other is not None:
        await other.aclose()
        shutil.rmtree(other.root, ignore_errors=True)
        did.append("The second process is gone.")
    if not place.gateway.alive:
        await place.gateway.start()
        did.append("The gateway runs again.")
    return " ".join(did) or "There is nothing to mend: the gateway runs, and no second process has this login."


async def scan(_: Place, company: Company) -> str:
    """the phone scans the QR that is out"""
    try:
        await until(company.qr, QR_WITHIN_S, "a QR is out")
    except AssertionError:
        return "There is no QR out now."
    await company.scan()
    return f"The phone …{company.phone[-4:]} scanned the QR."


async def hear(place: Place, company: Company) -> str:
    """somebody new writes to the company"""
    contact, text = place.contact(), f"Hello at {time.strftime('%H:%M:%S')}"
    await company.tell("send", **{"from": contact}, text=text)
    for _ in range(100):
        if await company.read(text):
            return f"…{contact[-4:]} wrote {text!r}, and the company can read it."
        await asyncio.sleep(0.05)
    return f"…{contact[-4:]} wrote {text!r}; the company has not read it yet. WhatsApp keeps it for later."


async def send(place: Place, company: Company) -> str:
    """the company writes to somebody new"""
    contact, text = place.contact(), f"Your appointment at {time.strftime('%H:%M:%S')}"
    if not await company.connected():
        return "The session is not open: nothing can be sent."
    await company.whatsapp.client.post("/contact", number=contact)
    await company.reaches(contact, text)
    return f"The company wrote {text!r}, and …{contact[-4:]} can read it."


OTHERS: dict[str, Break] = {one.__name__: one for one in (scan, hear, send, mend)}
