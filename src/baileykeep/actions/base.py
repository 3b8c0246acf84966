"""What every action works with: one company's site, and a journal that hears of each step before it happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from baileykeep.actions.stillness import Earlier
from baileykeep.backups.vault import Vault
from baileykeep.clock import Clock
from baileykeep.gateways.base import Gateway
from baileykeep.gateways.hearing import Ear
from baileykeep.model.evidence import Sight
from baileykeep.model.incident import Outcome
from baileykeep.model.limits import Limits
from baileykeep.model.records import EntryKind
from baileykeep.processes.base import ProcessManager
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.base import AuthStore


class Steps(Protocol):
    """The journal of one action. A step is on disk as begun before its effect, and as ended after it."""

    def step(
        self, name: str, *, whatever_happens: bool = False, **detail: Any
    ) -> AbstractAsyncContextManager[dict[str, Any]]:
        """Wrap one effect; what the body puts into the yielded dict is stored with its end.

        Where the journal cannot be written the effect does not happen, except for a step that must come
        `whatever_happens`: starting again what was stopped.
        """

    def witness(self, sight: Sight) -> None:
        """Show the safety monitor what was seen, or what is about to happen. Also from worker threads.

        Raises `Breached` when the effect that would come next must not happen.
        """


@dataclass(frozen=True, slots=True)
class Order:
    """What exactly is to be done. `proved_dead`: the stored login is certainly useless, or given up for good."""

    operator: str | None = None
    force: bool = False
    policy: str | None = None
    addresses: tuple[str, ...] = ()
    proved_dead: bool = False
    target: int | None = None
    mode: str = "identity"
    backup: str | None = None


@dataclass(frozen=True, slots=True)
class FailedScan:
    """Somebody scanned, and the connection closed before anything was paired: the `count`-th time in a row."""

    count: int
    code: int | None


class Pairing(Protocol):
    """What people see of a company whose phone is waited for, and what they wish meanwhile."""

    def waiting(self) -> AbstractContextManager[None]:
        """While this lasts people are shown what is offered; at its end it is taken down."""

    async def look(self) -> bool:
        """Ask for the QR that is out now, and show it. Whether there is one; never raises a `GatewayError`."""

    def offer(self, code: str | None) -> None:
        """Show a pairing code; None ends that one, and QRs are shown again."""

    def code_over(self) -> bool:
        """Whether a code is shown that nobody typed for too long."""

    def wanted_code(self) -> str | None:
        """The phone for which somebody asked for a code since the last call."""

    def failed_scan(self) -> FailedScan | None:
        """The last scan in vain that is not over."""

    def closing(self) -> None:
        """The session is closed by us: a QR that was out is over, and nobody scanned it in vain."""

    def ending(self) -> bool:
        """Whether the daemon is about to end: an old login that may live goes back before it does."""

    async def tell(self, text: str, kind: EntryKind = EntryKind.PAIRING) -> None:
        """Add a line to the story, and an entry of this kind to the journal; say it beside what is shown, too."""


class Unseen:
    """A `Pairing` that nobody looks at."""

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def look(self) -> bool:
        return False

    def offer(self, code: str | None) -> None:
        """Nobody sees it."""

    def code_over(self) -> bool:
        return False

    def wanted_code(self) -> str | None:
        return None

    def failed_scan(self) -> FailedScan | None:
        return None

    def closing(self) -> None:
        """Nobody sees a QR."""

    def ending(self) -> bool:
        return False

    async def tell(self, text: str, kind: EntryKind = EntryKind.PAIRING) -> None:
        """Nobody hears it."""


Real = Callable[[Sequence[str], Iterable[str]], tuple[str, ...]]
"""(names of contacts as they are remembered, files of the folder) -> session addresses."""


def literal(addresses: Sequence[str], _files: Iterable[str]) -> tuple[str, ...]:
    """Where addresses are remembered as they are."""
    return tuple(addresses)


@dataclass(frozen=True, slots=True)
class Site:
    """One company's session with everything an action may touch.

    `alone` tells that the process carries this company only (then stopping it stops nobody else).
    `may_stop_others` is a human's word that it may be stopped although it carries others.
    `earlier` are looks that found it stopped before the action began.
    `ear` hears a gateway that cannot be asked, `alive` returns when such a gateway answers.
    `still_wrong` looks at the symptom again; `last_up_at` is when the session was last seen connected.
    `phone` is the company's own (digits, None where none is configured) as it was when the action began: one that is
    written into a file meanwhile sends no phone away. It is never logged or journaled.
    `cached` tells that the gateway keeps in memory what its store holds, and may write it there again.
    """

    company: str
    gateway: Gateway
    process: ProcessManager | None
    alone: bool
    store: AuthStore | None
    vault: Vault
    clock: Clock
    limits: Limits
    steps: Steps
    still_wrong: Callable[[], Awaitable[bool]]
    pool: PoolKnowledge = field(default_factory=PoolKnowledge)
    last_up_at: float | None = None
    may_stop_others: bool = False
    baileys: str | None = None
    real: Real = literal
    phone: str | None = field(default=None, repr=False)
    pairing: Pairing = field(default_factory=Unseen)
    earlier: Earlier = field(default_factory=Earlier)
    ear: Ear | None = None
    alive: Callable[[], Awaitable[None]] | None = None
    cached: bool = False

    @property
    def process_only(self) -> bool:
        """Whether only its stopped process proves that nothing writes any more; see `actions.stillness.Reach`."""
        return self.cached and not self.gateway.capabilities.clear_cache

    @property
    def stops_session(self) -> bool:
        """Whether this session can be stopped by itself, so that its login may be changed."""
        return self.gateway.capabilities.stops_one and not self.process_only


@dataclass(frozen=True, slots=True)
class Result:
    """How an action ended, with a note for the story in one short sentence."""

    outcome: Outcome
    note: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    untouched: bool = False


Action = Callable[[Site, Order], Awaitable[Result]]
