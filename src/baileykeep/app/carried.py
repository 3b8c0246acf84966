"""Whom a gateway's process carries: also companies of other gateways that name the same process, and unknown ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from baileykeep.processes.base import ProcessManager
from baileykeep.rules.crowd import MOST, some

LABEL_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Carried:
    """The companies on one process, and the gateways (its own one, too) whose companies they are.

    `blind`: a folder of logins could not be listed, so there may be more.
    """

    gateways: frozenset[str]
    companies: tuple[str, ...]
    blind: bool = False

    def only(self, company: str) -> bool:
        """Whether stopping the process is known to stop nobody but this company."""
        return not self.blind and self.companies == (company,)

    def others(self, company: str, label: Callable[[str], str]) -> str:
        """Who else is stopped, as words: "Acme, Bella, Chai and 4 more"."""
        return _names([i for i in self.companies[: MOST + 2] if i != company], len(self.companies) - 1, label)

    def told(self, label: Callable[[str], str]) -> str:
        """All of them as words."""
        return _names(self.companies, len(self.companies), label)


def carried(
    processes: Mapping[str, ProcessManager | None], lodgers: Mapping[str, Collection[str]], blind: Collection[str] = ()
) -> dict[str, Carried]:
    """By gateway. `lodgers` are all companies that live or may live at each gateway, watched or not."""
    found = {}
    for name, process in processes.items():
        same = {
            other for other, its in processes.items() if _may_be_one(process, its) and _inhabited(other, lodgers, blind)
        }
        shared = frozenset({name, *same})
        companies = sorted({ident for other in shared for ident in lodgers.get(other, ())})
        found[name] = Carried(shared, tuple(companies), bool(shared & set(blind)))
    return found


def _inhabited(name: str, lodgers: Mapping[str, Collection[str]], blind: Collection[str]) -> bool:
    return bool(lodgers.get(name)) or name in blind


def _may_be_one(one: ProcessManager | None, other: ProcessManager | None) -> bool:
    return one is not None and other is not None and one.identity.may_be(other.identity)


def _names(idents: Collection[str], count: int, label: Callable[[str], str]) -> str:
    """As far as they can be read: labels are people's own words, of any length."""
    names = [" ".join(label(ident).split())[:LABEL_LENGTH] for ident in list(idents)[: MOST + 1]]
    if count <= MOST:
        return some(names)
    return f"{', '.join(names[:MOST])} and {count - MOST} more"
