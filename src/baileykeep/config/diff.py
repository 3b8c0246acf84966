"""What changed between two configurations: who is concerned, and what waits for a restart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from baileykeep.config.keys import name_of
from baileykeep.config.settings import CompanySettings, Settings

RESTART = ("state_dir", "backups_dir", "http", "journal", "telegram.token", "telegram.api_url")
"""Installation keys (or tables) that are read only at the start of the daemon."""


@dataclass(frozen=True, slots=True)
class Diff:
    """Names of what differs; empty everywhere when nothing does.

    `limits` and `facts` name companies (with a file) whose effective limits or other settings changed; `defaults` is
    true when companies without a file are concerned. `keys` are dotted installation keys outside gateways and limits,
    and `restart` those of them that take effect only after a restart.
    """

    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    limits: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()
    defaults: bool = False
    gateways_added: frozenset[str] = frozenset()
    gateways_removed: frozenset[str] = frozenset()
    gateways_changed: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Diff()

    @property
    def companies(self) -> frozenset[str]:
        """Every company with a file, before or now, that is concerned."""
        return self.added | self.removed | self.limits | self.facts


def diff(old: Settings, new: Settings) -> Diff:
    """What a running daemon has to do to get from `old` to `new`."""
    before, after = _known(old), _known(new)
    both = before & after
    gateways = set(old.gateways) & set(new.gateways)
    keys = tuple(_changed_keys(old.installation, new.installation))
    return Diff(
        added=frozenset(after - before),
        removed=frozenset(before - after),
        limits=frozenset(ident for ident in both if old.limits_for(ident) != new.limits_for(ident)),
        facts=frozenset(ident for ident in both if _facts(old, ident) != _facts(new, ident)),
        defaults=_defaults(old) != _defaults(new),
        gateways_added=frozenset(set(new.gateways) - set(old.gateways)),
        gateways_removed=frozenset(set(old.gateways) - set(new.gateways)),
        gateways_changed=frozenset(name for name in gateways if _gateway_changed(old, new, name)),
        keys=keys,
        restart=tuple(key for key in keys if needs_restart(key)),
    )


def needs_restart(key: str) -> bool:
    """Whether a change of this dotted installation key waits for a restart."""
    return any(key == entry or key.startswith(f"{entry}.") for entry in RESTART)


def _known(settings: Settings) -> frozenset[str]:
    return frozenset(settings.companies) | settings.held


def _gateway_changed(old: Settings, new: Settings, name: str) -> bool:
    """An own dialect may build on another own one, so a change in any of them concerns all that use one."""
    own = new.gateways[name].dialect in {*old.dialect_texts, *new.dialect_texts}
    if old.keys() != new.keys() and _uses_keys(new, name):
        return True
    return old.gateways[name] != new.gateways[name] or (own and old.dialect_texts != new.dialect_texts)


def _uses_keys(settings: Settings, name: str) -> bool:
    """Whether companies may have keys of their own at this gateway: it is made anew when one of them changes."""
    dialect = settings.dialects.get(name)
    return dialect is not None and dialect.auth is not None


def _facts(settings: Settings, ident: str) -> tuple[Any, ...]:
    company: CompanySettings = settings.company(ident)
    facts = company.facts.model_dump(exclude={"limits", "window"})
    return facts, company.window, ident in settings.held


def _defaults(settings: Settings) -> tuple[Any, ...]:
    company = settings.company("")
    return company.limits, company.window


def _changed_keys(old: BaseModel, new: BaseModel, path: str = "") -> Iterable[str]:
    for field_name, field in type(old).model_fields.items():
        if not path and field_name in ("gateways", "limits", "window"):
            continue
        before, after = getattr(old, field_name), getattr(new, field_name)
        key = f"{path}{name_of(field_name, field)}"
        if isinstance(before, BaseModel) and isinstance(after, BaseModel):
            yield from _changed_keys(before, after, f"{key}.")
        elif before != after:
            yield key
