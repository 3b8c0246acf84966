"""One company's session in the stand-in gateway: what Baileys does with its folder, and what the world does to it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from baileykeep.demo import shapes
from baileykeep.demo.folders import (
    FIRST_UPLOAD,
    add_sessions,
    app_state,
    counted_files,
    own_lid,
    session_file,
    write,
)
from baileykeep.demo.logs import Close, GatewayLog

TOP_UP = {6: 30, 7: 5}
LOW_POOL = 5
FIRST_QR_S, NEXT_QR_S = 60.0, 20.0


class State(StrEnum):
    """Where a session is."""

    NOT_STARTED = "not_started"
    CONNECTING = "connecting"
    WAITING_QR = "waiting_qr"
    CONNECTED = "connected"


class Heals(StrEnum):
    """What ends a trouble. ASKED: any request to open. CLEANED: an open with fewer counted files than `below`."""

    ITSELF = "itself"
    ASKED = "asked"
    CLEANED = "cleaned"
    RELINKED = "relinked"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a login is refused for the time being."""

    close: Close
    heals: Heals
    below: int
    identity: str | None


class Busy(Exception):
    """The session is in a state in which this cannot be asked of it."""


@dataclass(frozen=True, slots=True)
class World:
    """What all sessions of one gateway share. `later` runs a step after so many real seconds, at once for 0."""

    log: GatewayLog
    clock: Callable[[], float]
    rng: random.Random
    later: Callable[[float, Callable[[], None]], None]
    connect_s: float


@dataclass(slots=True)
class Session:
    """The gateway's side (`open`, `close`, `wipe`, `request_code`) and the world's side (the other verbs).

    As Baileys does, it reads the folder when it opens, keeps the creds in memory while it runs and writes them back.
    """

    company: str
    folder: Path
    generation: int
    phone: str
    world: World
    state: State = State.NOT_STARTED
    says: State | None = None
    creds: dict[str, Any] | None = None
    trouble: Trouble | None = None
    on_server: int = 0
    device: int = 1
    corrupt: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    shows_qr: bool = True
    gives_codes: bool = True
    _epoch: int = 0
    _qr_since: float | None = None
    _qr_refs: list[str] = field(default_factory=list)

    # -- the gateway's side

    def open(self, delay_s: float | None = None) -> None:
        """Open the socket with what lies in the folder; nothing happens while it is open or opening."""
        if self.state is not State.NOT_STARTED:
            return
        self.creds = self._read_creds()
        self._connect(delay_s)

    def close(self) -> None:
        """Close the socket; the folder is left as it is."""
        self._epoch += 1
        self.state = State.NOT_STARTED
        self._qr_since = None

    def wipe(self) -> None:
        """Close, then throw the whole login away, as gateways do on their own."""
        self.close()
        for path in self.folder.glob("*"):
            path.unlink()

    def request_code(self, phone: str) -> str:
        """Ask for a pairing code; raises `Busy` while the session runs or when it is paired."""
        if self.state is not State.NOT_STARTED:
            raise Busy("disconnect the session first")
        if shapes.is_paired(self._read_creds()):
            raise Busy("this session is paired")
        if not self.gives_codes:
            raise Busy("no code can be had just now")
        self.phone = phone
        creds = shapes.fresh_creds(self.world.rng)
        self._save({**creds, "me": {"id": f"{phone}@s.whatsapp.net", "name": "~"}})
        self.state = State.WAITING_QR
        return "".join(self.world.rng.choices("ABCDEFGHJKLMNPQRSTVWXYZ123456789", k=8))

    @property
    def shown(self) -> State:
        """The state that HTTP tells, which is not always the true one."""
        return self.says or self.state

    @property
    def paired(self) -> bool:
        """Whether the creds in memory are those of a linked device."""
        return shapes.is_paired(self.creds)

    @property
    def qr(self) -> str | None:
        """The QR that is out now: the first lives 60 s, each later one 20 s."""
        if self._qr_since is None or self.creds is None:
            return None
        age_s = self.world.clock() - self._qr_since
        number = 0 if age_s < FIRST_QR_S else 1 + int((age_s - FIRST_QR_S) // NEXT_QR_S)
        while len(self._qr_refs) <= number:
            self._qr_refs.append(self._qr_text())
        return self._qr_refs[number]

    # -- the world's side

    def drop(self, code: int = 428, heals: Heals = Heals.ITSELF, below: int = 0) -> None:
        """The connection ends with this status code, and stays down until the trouble heals."""
        conflict = "replaced" if code == 440 else None
        self._fall(Close(code, conflict), heals, below)

    def device_removed(self) -> None:
        """The phone unlinked this device: every later login with this identity is refused with 401."""
        if self.creds is not None:
            self.dead.add(shapes.identity_of(self.creds))
        self._fall(Close(401, "device_removed"), Heals.RELINKED, 0)

    def replaced(self, heals: Heals = Heals.NEVER) -> None:
        """Another process uses this login (440)."""
        self.drop(440, heals)

    def cure(self) -> None:
        """Whatever refused the login is over; the next request to open succeeds."""
        self.trouble = None

    def scan(self, phone: str | None = None) -> None:
        """Somebody scans the QR, or types the code: paired, restarted with 515, open. Raises `Busy` without one."""
        if self.state is not State.WAITING_QR or self.creds is None:
            raise Busy("there is nothing to scan")
        self.phone = phone or self.phone
        self.device += 1
        fresh = {name: value for name, value in self.creds.items() if name != "me"}
        lid = own_lid(self.phone)
        creds = shapes.paired_creds(
            fresh, self.world.rng, phone=self.phone, lid=lid, device=self.device, generation=self.generation
        )
        self._save(creds)
        self.on_server = 0
        self.world.log.paired(self.company, creds["me"])
        self._ended(Close(515))
        self._connect(None)

    def fail_scan(self, code: int = 408) -> None:
        """The connection closes while a QR is out and nothing was paired."""
        self._ended(Close(code, text="QR refs attempts ended" if code == 408 else None))

    def bad_mac(self, contacts: Iterable[str], count: int = 5, blocks: int = 1) -> int:
        """Spoil the sessions with these addresses, then receive `count` messages from them, in turn.

        Returns how many could not be decrypted. A spoilt session stays so until its file is gone when this opens.
        """
        addresses = list(contacts)
        for address in addresses:
            path = self.folder / session_file(address)
            if not path.exists():
                write(path, shapes.session(self.world.rng, self.world.clock(), blocks), self.world.clock())
        self.corrupt.update(addresses)
        return sum(self.message(addresses[n % len(addresses)], blocks) for n in range(count))

    def message(self, address: str, blocks: int = 1) -> bool:
        """A message comes from this device; True when it could not be decrypted. Nothing comes while it is down."""
        if self.state is not State.CONNECTED:
            return False
        now, failed = self.world.clock(), address in self.corrupt
        if failed:
            self.world.log.bad_mac(self.company, address, self.generation, blocks)
        if not failed or not (self.folder / session_file(address)).exists():
            self._write(session_file(address), shapes.session(self.world.rng, now))
        return failed

    def write_activity(self) -> None:
        """A message came and went: the creds in memory are written, and one ratchet moves on."""
        if self.state is not State.CONNECTED or self.creds is None:
            return
        self._save(self.creds)
        names = sorted(path.name for path in self.folder.glob("session-*.json"))
        if names:
            self._write(self.world.rng.choice(names), shapes.session(self.world.rng, self.world.clock()))

    def grow(self, count: int) -> list[str]:
        """So many new contacts write; returns their addresses."""
        return add_sessions(self.folder, count, generation=self.generation, now=self.world.clock(), rng=self.world.rng)

    # -- inside

    def _connect(self, delay_s: float | None) -> None:
        self._epoch += 1
        epoch = self._epoch
        self.state = State.CONNECTING
        self.world.log.connecting(self.company)
        delay_s = self.world.connect_s if delay_s is None else delay_s
        self.world.later(delay_s, lambda: self._settle() if epoch == self._epoch else None)

    def _settle(self) -> None:
        if self.creds is None or "me" not in self.creds:
            return self._show_qr()
        self.world.log.logging_in(self.company, self.phone)
        refusal = self._refusal()
        if refusal is not None:
            return self._ended(refusal)
        return self._opened()

    def _refusal(self) -> Close | None:
        if not self.paired or (self.creds and shapes.identity_of(self.creds) in self.dead):
            return Close(401)
        if self.trouble is not None and not self._healed(self.trouble):
            return self.trouble.close
        return None

    def _healed(self, trouble: Trouble) -> bool:
        if trouble.heals is Heals.CLEANED:
            return counted_files(self.folder) < trouble.below
        if trouble.heals is Heals.RELINKED:
            return self.creds is not None and shapes.identity_of(self.creds) != trouble.identity
        return trouble.heals is not Heals.NEVER

    def _opened(self) -> None:
        self.trouble = None
        self.corrupt = {a for a in self.corrupt if (self.folder / session_file(a)).exists()}
        found, uploads = self.on_server, self._upload_pre_keys()
        self.state = State.CONNECTED
        self.world.log.opened(self.company, found, uploads)
        if uploads and self.creds is not None:
            self._save(self.creds)

    def _upload_pre_keys(self) -> int:
        """Mint what the server wants; a new login also gets the app state from its phone."""
        if self.on_server > LOW_POOL or self.creds is None:
            return 0
        first = int(self.creds["nextPreKeyId"])
        count = (FIRST_UPLOAD if first == 1 else TOP_UP)[self.generation]
        for number in range(first, first + count):
            self._write(f"pre-key-{number}.json", shapes.pre_key(self.world.rng))
        if first == 1:
            for name, text, _ in app_state(self.world.rng, self.world.clock()):
                self._write(name, text)
        self.creds = shapes.minted(self.creds, first + count)
        self.on_server += count
        return count

    def _show_qr(self) -> None:
        if self.creds is None:
            self.creds = shapes.fresh_creds(self.world.rng)
        self.world.log.registering(self.company)
        if not self.shows_qr:
            return
        self.state, self._qr_since, self._qr_refs = State.WAITING_QR, self.world.clock(), []
        self.world.log.qr(self.company, self.qr or "")

    def _qr_text(self) -> str:
        keys = ",".join(shapes.key(self.world.rng) for _ in range(3))
        text = f"2@{shapes.key(self.world.rng, 64)},{keys}"
        return text if self.generation < 7 else f"https://wa.me/settings/linked_devices#{text},1"

    def _fall(self, close: Close, heals: Heals, below: int) -> None:
        identity = shapes.identity_of(self.creds) if self.creds is not None else None
        self.trouble = Trouble(close, heals, below, identity)
        self._ended(close)
        if heals is Heals.ITSELF:
            self.open()

    def _ended(self, close: Close) -> None:
        self.close()
        self.world.log.closed(self.company, close)

    def _read_creds(self) -> dict[str, Any] | None:
        """As Baileys reads: whatever is wrong with the file, it counts as missing."""
        try:
            creds = json.loads((self.folder / "creds.json").read_bytes())
        except (OSError, ValueError):
            return None
        return creds if isinstance(creds, dict) and "signedIdentityKey" in creds else None

    def _save(self, creds: dict[str, Any]) -> None:
        self.creds = creds
        self._write("creds.json", shapes.compact(creds))

    def _write(self, name: str, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write(self.folder / name, text, self.world.clock())
