"""What the daemon itself may use. Beyond a bound somebody is told; no company is left alone for it.

The bounds are several times what a healthy daemon was measured to need (`benchmarks/README.md`), so that only growth
that does not end reaches them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from baileykeep.model.symptoms import SymptomKind


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at ourselves. None is what this system does not tell.

    `subjects` are companies, gateways and the host; `descriptors_most` is what the system allows this process.
    """

    subjects: int
    bus_slots: int
    notices_pending: int | None = None
    tasks: int | None = None
    descriptors: int | None = None
    descriptors_most: int | None = None
    memory_mb: float | None = None


TASKS, TASKS_EACH = 200, 4
DESCRIPTORS, DESCRIPTORS_EACH = 200, 4
NOTICES, NOTICES_EACH = 500, 20
MEMORY_MB, MEMORY_EACH_MB = 500.0, 0.25
DESCRIPTORS_SHARE = 0.8


def bus(seen: Reading) -> str:
    """Waiting symptoms: one of each kind a subject, and one look at each."""
    return _over("waiting symptoms", seen.bus_slots, seen.subjects * (len(SymptomKind) + 1))


def outbox(seen: Reading) -> str:
    """Notices that wait to be delivered: 500, and 20 a subject."""
    return _over("waiting notices", seen.notices_pending, NOTICES + NOTICES_EACH * seen.subjects)


def tasks(seen: Reading) -> str:
    """Running tasks: 200, and 4 a subject."""
    return _over("running tasks", seen.tasks, TASKS + TASKS_EACH * seen.subjects)


def descriptors(seen: Reading) -> str:
    """Open files and connections: 200, and 4 a subject, and no more than 80 % of what the system allows."""
    most = DESCRIPTORS + DESCRIPTORS_EACH * seen.subjects
    allowed = seen.descriptors_most
    return _over("open files", seen.descriptors, most if allowed is None else min(most, DESCRIPTORS_SHARE * allowed))


def memory(seen: Reading) -> str:
    """Memory: 500 MB, and a quarter of a MB a subject."""
    return _over("MB of memory", seen.memory_mb, MEMORY_MB + MEMORY_EACH_MB * seen.subjects)


BOUNDS: Mapping[str, Callable[[Reading], str]] = {b.__name__: b for b in (bus, outbox, tasks, descriptors, memory)}
"""Every bound by its name; each answers with what is beyond it, or with an empty text."""


def beyond(seen: Reading) -> dict[str, str]:
    """What is beyond its bound, by the bound's name."""
    return {name: text for name, check in BOUNDS.items() if (text := check(seen))}


def _over(what: str, used: float | None, most: float) -> str:
    return f"{used:.0f} {what}, the bound is {most:.0f}" if used is not None and used > most else ""
