"""The creds guard, as one table over real folders: what happened to the creds, who looks, and what becomes of it.

Put back by itself: only where no login is left that could be lost, nothing happened since the good copy, and the
session is stopped. Everything else is told, or asked about, and nothing is touched.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from baileykeep.backups.good_creds import (
    doubt_good_creds,
    good_creds,
    keep_good_creds,
    mark_doubts,
    retire_good_creds,
)
from baileykeep.cli.guard import protect
from baileykeep.demo.folders import Shape
from baileykeep.demo.session import Heals
from baileykeep.model.errors import BackupError, Refused
from baileykeep.model.inventory import CredsState
from baileykeep.rules.creds_guard import History
from baileykeep.rules.naming import CREDS
from baileykeep.stores.files import FileStore
from tests.e2e.world import World, world
from tests.faults.place import COMPANY, Place, fresh_place, may_give_away, same_login, seen
from tests.unit.rules.folders import NOW

ID, NEWEST = "acme", 900
ASKS = "ask for the last good copy to be put back"


def _fields(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data)
    return found


def _other(data: bytes) -> bytes:
    return json.dumps(_fields(data) | {"signedIdentityKey": {"public": {"data": "T1RIRVI="}}}).encode()


def _unpaired(data: bytes) -> bytes:
    other = _fields(_other(data))
    return json.dumps({name: value for name, value in other.items() if name not in ("account", "me")}).encode()


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "truncated": lambda data: data[: len(data) // 2],
    "emptied": lambda _data: b"",
    "zeroed": lambda data: bytes(len(data)),
    "half JSON": lambda _data: b'{"noiseKey":{"private":{"type":"Buffer",',
    "another identity": _other,
    "never paired": _unpaired,
    "deleted": lambda _data: None,
}


class Since(StrEnum):
    """What happened after the good copy was taken."""

    NOTHING = "nothing"
    LOGGED_OUT = "a 401"
    QR = "a QR was shown"
    RELINK = "a relink of ours"
    PAIRED = "a human paired anew"


class Ends(StrEnum):
    """What becomes of it."""

    PUT_BACK = "put back"
    ASKED = "asked about"
    TOLD = "told"
    LEFT = "left alone"


GONE = ("truncated", "emptied", "zeroed", "half JSON")

OFFLINE = [
    *((what, Since.NOTHING, Ends.PUT_BACK) for what in GONE),
    *((what, Since.QR, Ends.ASKED) for what in GONE),
    *((what, Since.RELINK, Ends.ASKED) for what in GONE),
    *((what, Since.LOGGED_OUT, Ends.TOLD) for what in GONE),
    ("another identity", Since.NOTHING, Ends.ASKED),
    ("never paired", Since.NOTHING, Ends.ASKED),
    ("deleted", Since.NOTHING, Ends.ASKED),
    ("another identity", Since.RELINK, Ends.LEFT),
    ("never paired", Since.RELINK, Ends.LEFT),
    ("deleted", Since.RELINK, Ends.LEFT),
    ("another identity", Since.PAIRED, Ends.LEFT),
    ("another identity", Since.LOGGED_OUT, Ends.LEFT),
    ("deleted", Since.LOGGED_OUT, Ends.LEFT),
]
"""`baileykeep guard`, hung in front of the gateway: its word is that the gateway is not running yet."""


def _put(path: Path, data: bytes | None) -> None:
    """As the gateway writes, in place: owner and mode stay."""
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


def _happened(place: Place, since: Since) -> None:
    vault = place.vault()
    if since in (Since.LOGGED_OUT, Since.PAIRED):
        retire_good_creds(vault, COMPANY)
    if since is Since.QR:
        doubt_good_creds(vault, COMPANY, qr=True)
    if since is Since.RELINK:
        mark_doubts(vault, COMPANY, relink=True)


def _guarded(place: Place) -> Ends:
    try:
        word, _ = protect(place.vault(), place.store(), History(stopped=True), pause=lambda _s: None)
    except Refused:
        return Ends.ASKED
    except BackupError:
        return Ends.TOLD
    return Ends.PUT_BACK if word == "put_back" else Ends.LEFT


@pytest.mark.parametrize(("what", "since", "ends"), OFFLINE, ids=str)
def test_before_the_gateway_starts(quick: Path, what: str, since: Since, ends: Ends) -> None:
    place = fresh_place(quick / "a")
    creds = place.auth / CREDS
    good = creds.read_bytes()
    keep_good_creds(place.vault(), place.store(), NOW)
    login = seen(place.auth)
    (place.auth / f"pre-key-{NEWEST}.json").write_bytes(b"{}")
    _happened(place, since)
    _put(creds, DAMAGE[what](good))
    before = seen(place.auth)
    assert _guarded(place) is ends
    after = seen(place.auth)
    if ends is not Ends.PUT_BACK:
        assert after == before
        return
    assert {**after, CREDS: before[CREDS]} == before
    assert same_login(after[CREDS].data, good)
    assert (after[CREDS].mode, after[CREDS].owner) == (login[CREDS].mode, login[CREDS].owner)
    fields = _fields(after[CREDS].data)
    assert fields["nextPreKeyId"] == fields["firstUnuploadedPreKeyId"] == NEWEST + 1


def test_a_file_that_is_just_being_written_is_no_alarm(quick: Path) -> None:
    """For 200 ms there is only the first half of it."""
    place = fresh_place(quick / "a")
    keep_good_creds(place.vault(), place.store(), NOW)
    whole = (place.auth / CREDS).read_bytes()
    (place.auth / CREDS).write_bytes(whole[:200])
    writer = threading.Timer(0.2, (place.auth / CREDS).write_bytes, (whole,))
    writer.start()
    assert protect(place.vault(), place.store(), History(stopped=True))[0] == "ok"
    writer.join()
    assert place.vault().list(COMPANY) == []


def test_creds_that_are_kept_again_end_every_doubt(quick: Path) -> None:
    place = fresh_place(quick / "a")
    vault, store = place.vault(), place.store()
    keep_good_creds(vault, store, NOW)
    doubt_good_creds(vault, COMPANY, qr=True)
    doubted = good_creds(vault, COMPANY)
    assert doubted is not None
    assert doubted.qr
    keep_good_creds(vault, store, NOW)
    believed = good_creds(vault, COMPANY)
    assert believed is not None
    assert (believed.qr, believed.relink) == (False, False)


DAEMON = [
    *((what, False, Ends.PUT_BACK, "creds_damaged") for what in GONE),
    *((what, True, Ends.TOLD, "creds_damaged") for what in GONE),
    ("another identity", False, Ends.ASKED, "creds_changed"),
    ("another identity", True, Ends.ASKED, "creds_changed"),
    ("never paired", False, Ends.ASKED, "creds_changed"),
    ("never paired", True, Ends.ASKED, "creds_changed"),
    ("deleted", False, Ends.ASKED, "creds_changed"),
    ("deleted", True, Ends.ASKED, "creds_changed"),
]
"""The daemon, with the session stopped or connected (then its gateway has the good creds in memory)."""


async def _watched(w: World) -> Path:
    """A company that was healthy long enough for its creds to be copied; returns where they lie."""
    w.gateway.add(ID, Shape.counting(60, generation=6))
    w.configure()
    await w.start()
    assert await w.pass_time(200, step_s=15.0) is False
    creds = w.gateway.folder(ID) / CREDS
    creds.chmod(0o640)
    if may_give_away():
        os.chown(creds, 4242, 4242)
    await w.pass_time(10)
    return creds


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("what", "running", "ends", "cause"), DAEMON, ids=str)
async def test_while_the_daemon_watches(quick: Path, what: str, running: bool, ends: Ends, cause: str) -> None:
    async with world(quick) as w:
        creds = await _watched(w)
        good, of = creds.read_bytes(), creds.stat()
        if not running:
            w.gateway[ID].drop(heals=Heals.ASKED)
        damaged = DAMAGE[what](good)
        _put(creds, damaged)
        assert await w.pass_time(120, until=lambda: cause in w.open_causes(ID)), str(w)
        assert await w.pass_time(60, until=lambda: bool(w.texts())), "somebody is told"
        if ends is Ends.PUT_BACK:
            assert await w.pass_time(400, until=lambda: not w.open_causes(ID)), str(w)
            assert same_login(creds.read_bytes(), good)
            assert w.gateway[ID].qr is None
            found = creds.stat()
            assert (found.st_mode, found.st_uid, found.st_gid) == (of.st_mode, of.st_uid, of.st_gid)
            return
        await w.pass_time(300, step_s=15.0)
        if ends is Ends.ASKED:
            assert any("approve" in text.lower() or "human" in text.lower() or "?" in text for text in w.texts()), str(
                w
            )
        assert "restore_creds" not in str(w)
        assert (creds.read_bytes() if creds.exists() else None) == damaged


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.timeout(180)
async def test_the_daemon_asks_where_a_qr_was_shown_since(quick: Path) -> None:
    """Somebody may just be scanning: the copy waits for a human's word, also when no daemon is there to ask."""
    async with world(quick) as w:
        creds = await _watched(w)
        good = creds.read_bytes()
        session = w.gateway[ID]
        session.close()
        _put(creds, _unpaired(good))
        session.open(0)
        assert await w.pass_time(60, until=lambda: session.qr is not None)
        await w.pass_time(60)
        session.close()
        _put(creds, b"")
        await w.pass_time(400, step_s=15.0)
        assert creds.read_bytes() == b""
        copy = good_creds(w.daemon.vault, ID) if w.daemon is not None else None
        assert copy is not None
        assert copy.qr
        assert w.daemon is not None
        with pytest.raises(Refused, match="a QR was shown"):
            protect(w.daemon.vault, FileStore(ID, creds.parent), History(stopped=True), pause=lambda _s: None)


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.timeout(180)
@pytest.mark.parametrize("what", ["truncated", "zeroed", "another identity", "deleted"])
async def test_the_daemon_puts_nothing_back_after_a_401(quick: Path, what: str) -> None:
    """WhatsApp ended that login: its copy is worth nothing, and a human is asked for a relink as before."""
    async with world(quick) as w:
        creds = await _watched(w)
        assert w.daemon is not None
        dead = good_creds(w.daemon.vault, ID)
        assert dead is not None
        w.gateway[ID].device_removed()
        assert await w.pass_time(120, until=lambda: "logged_out" in w.open_causes(ID)), str(w)
        damaged = DAMAGE[what](creds.read_bytes())
        _put(creds, damaged)
        await w.pass_time(400, step_s=15.0)
        assert (creds.read_bytes() if creds.exists() else None) == damaged
        assert "restore_creds" not in str(w)
        assert "logged_out" in w.open_causes(ID)
        copy = good_creds(w.daemon.vault, ID)
        assert copy is None or copy.identity != dead.identity


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.timeout(180)
@pytest.mark.parametrize("what", GONE)
async def test_after_a_human_paired_anew_only_the_new_login_is_put_back(quick: Path, what: str) -> None:
    async with world(quick) as w:
        creds = await _watched(w)
        session, old = w.gateway[ID], creds.read_bytes()
        session.close()
        session.wipe()
        session.open(0)
        assert await w.pass_time(60, until=lambda: session.qr is not None)
        session.scan()
        assert await w.pass_time(300, until=lambda: session.paired and not w.open_causes(ID)), str(w)
        await w.pass_time(120)
        new = creds.read_bytes()
        assert not same_login(new, old)
        creds.write_bytes(new)  # as Baileys does when it opens; by now the log has told of the pairing
        await w.pass_time(5)
        session.drop(heals=Heals.ASKED)
        _put(creds, DAMAGE[what](new))
        assert await w.pass_time(120, until=lambda: "creds_damaged" in w.open_causes(ID)), str(w)
        assert await w.pass_time(400, until=lambda: not w.open_causes(ID)), str(w)
        assert same_login(creds.read_bytes(), new)


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.timeout(180)
async def test_a_torn_read_of_200_ms_is_no_alarm(quick: Path) -> None:
    async with world(quick) as w:
        creds = await _watched(w)
        whole = creds.read_bytes()
        for cut in (0, 1, 300, len(whole) - 1):
            creds.write_bytes(whole[:cut])
            await w.pass_time(0.2, step_s=0.1)
            creds.write_bytes(whole)
            await w.pass_time(5, step_s=0.5)
        await w.pass_time(60)
        assert w.texts() == []
        assert FileStore(ID, creds.parent).creds().state is CredsState.WHOLE
