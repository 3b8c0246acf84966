"""The generated blocks of `docs/promises.md`: what is checked while the daemon runs, and its time budgets added up.

Every sum is computed from the defaults of `model/limits.py` and the constants of the code that waits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from baileykeep.actions.relink import BACK_EVERY_S, BACK_TRIES
from baileykeep.actions.session import QUIET_TRIES, START_TRIES
from baileykeep.actions.stillness import LOOK_EVERY_S
from baileykeep.app.daemon import FINISH_WITHIN_S
from baileykeep.engine.engine import TICK_S
from baileykeep.model.limits import HOUR, Limits
from baileykeep.rules.bounds import BOUNDS
from baileykeep.rules.invariants import INVARIANTS, promise
from baileykeep.rules.invariants_begin import MOST_DOUBLINGS
from baileykeep.rules.words import duration
from tests.docs.markdown import table

L = Limits()


def blocks() -> Mapping[str, str]:
    """Marker -> what stands between its `begin` and its `end`."""
    return {"invariants": invariants(), "bounds": bounds(), "times": times(), "pauses": pauses()}


def filled(page: str) -> str:
    """The page with every block as it should be."""
    for name, text in blocks().items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        head, _, rest = page.partition(begin)
        _, _, tail = rest.partition(end)
        page = f"{head}{begin}\n{text}\n{end}{tail}"
    return page


def invariants() -> str:
    """Every promise that is checked while the daemon runs."""
    return table(("check", "promise"), [(f"`{name}`", promise(name)) for name in INVARIANTS])


def bounds() -> str:
    """What the daemon itself may use."""
    rows = [(f"`{name}`", " ".join((check.__doc__ or "").split()).rstrip(".")) for name, check in BOUNDS.items()]
    return table(("bound", "at most"), rows)


# --- worst cases --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Worst:
    """One sum: its parts in seconds, each with a name."""

    what: str
    parts: tuple[tuple[str, float], ...]

    @property
    def seconds(self) -> float:
        """The whole of it."""
        return sum(seconds for _, seconds in self.parts)


POLL = ("the next poll of a healthy session", L.poll.connection_s * (1 + L.poll.jitter))
POLL_DOWN = ("the next poll of one that is down", L.poll.connection_down_s * (1 + L.poll.jitter))
VERIFY = ("verification", L.ladder.verify_within_s + L.ladder.steady_s + LOOK_EVERY_S)
SCAN = ("the wait for a scan", L.relink.scan_within_s + L.ladder.steady_s + LOOK_EVERY_S)
TICK = ("the next tick", TICK_S)
PROOF = ("a proof of the stop", L.ladder.stop_within_s + LOOK_EVERY_S)
PROOFS = (f"{QUIET_TRIES + 1} proofs, one after each write into the folder", (QUIET_TRIES + 1) * PROOF[1])
START = ("pauses between tries to start", (START_TRIES - 1) * LOOK_EVERY_S)
TELL = ("waiting for others to tell of", L.notify.settle_s)
COUNTED_TO_WARN = ("counted down time", L.disconnect.warn_after_s)
COUNTED_TO_ACT = ("counted down time", L.disconnect.act_after_s)

SEEN = Worst("a drop is seen", (POLL,))
WARNED = Worst("from a drop to the warning", (POLL, COUNTED_TO_WARN, POLL_DOWN, TELL))
RECONNECTED = Worst("from a drop to the reconnect", (POLL, COUNTED_TO_ACT, POLL_DOWN))
CALLED = Worst("from a drop to a human, where only a reconnect applies", (*RECONNECTED.parts, VERIFY, TELL))
CALLED_LAST = Worst(
    "from a drop to a human, where a cleanup is tried too", (*RECONNECTED.parts, VERIFY, PROOFS, START, VERIFY, TELL)
)
GATEWAY = Worst(
    "from finding that a gateway does not answer to calling it down",
    (("silence", L.disconnect.gateway_dead_after_s), TICK),
)
PROVED = Worst("a stop is proved, or given up and the session started again", (PROOF, START))
VERIFIED = Worst("a rung is called healed or failed", (VERIFY,))
CLEANED = Worst("a cleanup is verified, or given up", (PROOFS, START, VERIFY))
SCANNED = Worst(
    "a relink that nobody scans is over, and a login that may still live put back at the first try",
    (PROOFS, START, SCAN, PROOFS, START),
)
PUT_BACK = Worst(
    "the last try to put a login back that could not be written, before a human is called",
    ((f"{BACK_TRIES} tries", BACK_TRIES * (PROOFS[1] + START[1])), ("between them", (BACK_TRIES - 1) * BACK_EVERY_S)),
)
EXPIRED = Worst("a question that nobody answers is over", (("its life", L.relink.approval_ttl_s), TICK))
STARTED = Worst("from the daemon's start to its first action", (("only looking", L.disconnect.startup_grace_s),))
ENDED = Worst("running actions may finish at shutdown", (("in real time", FINISH_WITHIN_S),))

WORST = (
    SEEN, WARNED, RECONNECTED, CALLED, CALLED_LAST, GATEWAY, PROVED, VERIFIED, CLEANED, SCANNED, PUT_BACK, EXPIRED,
    STARTED, ENDED,
)  # fmt: skip


def times() -> str:
    """Each worst case with its parts."""
    rows = [(w.what, f"{w.seconds:g} s", _minutes(w.seconds), _sum(w.parts)) for w in WORST]
    return table(("what", "at the latest", "", "made of"), rows)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else ""


def _sum(parts: tuple[tuple[str, float], ...]) -> str:
    return " + ".join(f"{seconds:g} ({name})" for name, seconds in parts)


def pauses() -> str:
    """What may not happen again too soon."""
    longest = L.ladder.reconnect_cooldown_s * 2**MOST_DOUBLINGS
    rows = [
        ("reconnect", f"{_words(L.ladder.reconnect_cooldown_s)}, doubling within one story up to {_words(longest)}"),
        ("reconnect after a login used twice", f"{_words(L.ladder.replaced_cooldown_s)} wait, then once in 24 h"),
        ("restart of a gateway's process", _words(L.ladder.restart_backoff_s)),
        ("repair of contact sessions", _words(HOUR)),
        ("cleanup", f"{_words(L.cleanup.cooldown_s)}; in a maintenance window {_words(L.cleanup.window_cooldown_s)}"),
        ("anything by itself", f"{L.ladder.daily_budget} a company in 24 h"),
        ("a cleanup, after a clock jump", _words(L.ladder.clock_jump_s)),
        ("the next rung after a verified repair", _words(L.ladder.settle_s)),
        ("two companies after the brake lifted", _words(L.brake.stagger_s)),
    ]
    return table(("what", "pause"), rows)


def _words(seconds: float) -> str:
    return re.sub(r"^1 h$", "60 min", duration(seconds))
