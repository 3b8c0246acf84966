"""What goes wrong in one simulated day, as plain records drawn from one seed; a shorter list is a shorter story."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

HOUR = 3600.0
LAST_FAULT_S = 20.5 * HOUR
"""After this nothing new goes wrong, and what went wrong for a while is over: then all must come to rest."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Something that happens at `at` (seconds from the start) to `target`, for `length_s` where it lasts.

    `dice` is a number from 0 to 1 with which the fault decides its details.
    """

    at: float
    kind: str
    target: str
    length_s: float = 0.0
    dice: float = 0.0

    def __str__(self) -> str:
        hours, minutes = divmod(int(self.at) // 60, 60)
        lasting = f" for {self.length_s / 60:.0f} min" if self.length_s else ""
        return f"{hours:02}:{minutes:02}:{int(self.at) % 60:02} {self.kind} {self.target}{lasting} ({self.dice:.3f})"


@dataclass(frozen=True, slots=True)
class Kind:
    """How often a kind of fault is drawn, on what, and for how long (`low_s` to `high_s`)."""

    weight: float
    on: str
    low_s: float = 0.0
    high_s: float = 0.0


MIN = 60.0
KINDS: dict[str, Kind] = {
    # one session
    "drop": Kind(5, "company", 20, 8 * MIN),
    "drop_for_long": Kind(6, "company", 15 * MIN, 4 * HOUR),
    "hang": Kind(4, "company", 10 * MIN, 3 * HOUR),
    "device_removed": Kind(3, "company"),
    "half_paired": Kind(2, "company"),
    "replaced": Kind(3, "company", 5 * MIN, 3 * HOUR),
    "blocked": Kind(1, "company", 1 * HOUR, 6 * HOUR),
    "too_old": Kind(0.5, "company", 1 * HOUR, 4 * HOUR),
    "phantom": Kind(2, "company", 2 * MIN, 2 * HOUR),
    "self_reconnect": Kind(2, "company", 2 * HOUR, 8 * HOUR),
    "flaps": Kind(2, "company", 1 * MIN, 20 * MIN),
    "bad_mac": Kind(6, "company"),
    "bad_mac_stays": Kind(2, "company", 1 * HOUR, 3 * HOUR),
    "bad_mac_of_nobody": Kind(1, "company"),
    "stale_sessions": Kind(1, "company"),
    "duplicates": Kind(1, "company"),
    "files_old": Kind(8, "company"),
    "files_new": Kind(2, "company"),
    "creds_zeroed": Kind(2, "company"),
    "creds_torn": Kind(2, "company"),
    "creds_emptied": Kind(1, "company"),
    "creds_torn_briefly": Kind(2, "company"),
    "creds_deleted": Kind(1, "company"),
    "human_pairs_anew": Kind(1, "company"),
    "folder_gone": Kind(1, "company", 5 * MIN, 1 * HOUR),
    "stop_is_ignored": Kind(2, "company", 1 * HOUR, 6 * HOUR),
    "says_connected": Kind(2, "company", 5 * MIN, 2 * HOUR),
    "says_ok_does_nothing": Kind(2, "company", 1 * HOUR, 4 * HOUR),
    # one gateway
    "process_down": Kind(3, "gateway", 1 * MIN, 2 * HOUR),
    "process_dies": Kind(2, "gateway"),
    "http_5xx": Kind(2, "gateway", 1 * MIN, 1 * HOUR),
    "http_hangs": Kind(2, "gateway", 1 * MIN, 1 * HOUR),
    "http_refused": Kind(1, "gateway", 1 * MIN, 1 * HOUR),
    "unauthorized": Kind(1, "gateway", 5 * MIN, 2 * HOUR),
    "all_drop": Kind(4, "gateway", 2 * MIN, 2 * HOUR),
    "log_renamed": Kind(2, "gateway"),
    "log_copied_and_emptied": Kind(2, "gateway"),
    "log_torn": Kind(2, "gateway"),
    # this host
    "network_down": Kind(3, "host", 30, 1 * HOUR),
    "whatsapp_down": Kind(2, "host", 2 * MIN, 1 * HOUR),
    "everybody_drops": Kind(1, "host", 2 * MIN, 1 * HOUR),
    "clock_jump": Kind(2, "host"),
    "suspend": Kind(1, "host"),
    "disk_full": Kind(2, "host", 5 * MIN, 3 * HOUR),
    "disk_eio": Kind(2, "host", 5 * MIN, 2 * HOUR),
    "disk_eacces": Kind(1, "host", 5 * MIN, 2 * HOUR),
    "disk_rots": Kind(2, "host", 5 * MIN, 3 * HOUR),
    "journal_locked": Kind(3, "host", 10, 30 * MIN),
    "journal_slow": Kind(2, "host", 1 * MIN, 30 * MIN),
    "journal_gone": Kind(1, "host", 5 * MIN, 2 * HOUR),
    "telegram_429": Kind(2, "host", 1 * MIN, 1 * HOUR),
    "telegram_403": Kind(1, "host", 10 * MIN, 2 * HOUR),
    "telegram_out": Kind(2, "host", 5 * MIN, 20 * HOUR),
    "events_dropped": Kind(2, "host", 10 * MIN, 3 * HOUR),
    "events_twice": Kind(1, "host", 10 * MIN, 3 * HOUR),
    "events_late": Kind(1, "host", 10 * MIN, 3 * HOUR),
    "config_half_written": Kind(1, "host"),
    "kill": Kind(10, "host"),
    "stop_and_start": Kind(2, "host"),
    "second_daemon": Kind(1, "host"),
    # people
    "button": Kind(10, "company"),
}
"""Everything that can go wrong; one kind of the issue's list each, some with variants."""

BURST = ("kill", "button", "network_down", "process_down", "journal_locked", "disk_full", "clock_jump")
"""What likes to come a short while after something else, where it hurts most."""


def focused(
    seed: int, kinds: Sequence[str], count: int, hours: float, companies: list[str], gateways: list[str]
) -> list[Fault]:
    """So many faults of a few kinds, in a short time: for looking into one corner."""
    rng = random.Random(f"focused {seed}")
    drawn = [rng.choice(kinds) for _ in range(count)]
    return sorted(_draw(rng, kind, rng.uniform(180.0, hours * HOUR * 0.6), companies, gateways) for kind in drawn)


def plan(seed: int, companies: list[str], gateways: list[str]) -> list[Fault]:
    """The faults of one day, in order of time."""
    rng = random.Random(f"plan {seed}")
    names, weights = list(KINDS), [kind.weight for kind in KINDS.values()]
    count = rng.choice((5, 10, 15, 22))
    found: list[Fault] = []
    for kind in rng.choices(names, weights, k=count):
        found.append(_draw(rng, kind, rng.uniform(120.0, LAST_FAULT_S), companies, gateways))
        if rng.random() < 0.35:
            soon = min(found[-1].at + rng.choice((30.0, 600.0, 1200.0)) * rng.random(), LAST_FAULT_S)
            found.append(_draw(rng, rng.choice(BURST), soon, companies, gateways))
            if rng.random() < 0.5:
                found.append(_draw(rng, "kill", min(soon + 900.0 * rng.random(), LAST_FAULT_S), companies, gateways))
    return sorted(found)


def _draw(rng: random.Random, kind: str, at: float, companies: list[str], gateways: list[str]) -> Fault:
    what = KINDS[kind]
    target = {"company": rng.choice(companies), "gateway": rng.choice(gateways), "host": "host"}[what.on]
    # most are short: the length is drawn evenly over its logarithm
    length = what.low_s * (what.high_s / what.low_s) ** rng.random() if what.high_s else 0.0
    return Fault(round(at, 1), kind, target, round(min(length, LAST_FAULT_S - at), 1), round(rng.random(), 3))
