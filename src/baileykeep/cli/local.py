"""One company as the configuration describes it, for commands that work without a daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from baileykeep.app.locks import offline_lock
from baileykeep.cli.installation import config_dir
from baileykeep.model.errors import Refused, UsageError

if TYPE_CHECKING:
    from baileykeep.cli.offline import Known
    from baileykeep.config import Settings
    from baileykeep.config.discover import Placement
    from baileykeep.stores.base import AuthStore


@dataclass(frozen=True, slots=True)
class LocalCompany:
    """Where a company's login and backups lie, and what else is configured of it."""

    id: str
    folder: Path | None
    backups: Path
    state_dir: Path
    known: Known


def find(config: Path | None, company: str) -> LocalCompany:
    """A company by its id. Raises `ConfigError` for an unusable configuration, `UsageError` for a stranger."""
    found = everybody(config).get(company)
    if found is None:
        raise UsageError(
            f"no company {company!r} with a login in reach is configured or found",
            next_step="`baileykeep config check` tells what was found",
            code="unknown_company",
        )
    return found


def everybody(config: Path | None) -> dict[str, LocalCompany]:
    """Every company whose login can be reached, in a folder or as rows, by id."""
    from baileykeep.cli.offline import Known
    from baileykeep.config import load_partial
    from baileykeep.config.discover import placements

    settings, _ = load_partial(config_dir(config))
    installation = settings.installation
    found = {}
    for ident, place in placements(settings)[0].items():
        generation = settings.generation(ident, place.gateway)
        known = Known(
            ident,
            settings.limits_for(ident),
            None if generation == "auto" else generation,
            partial(_rows, settings, place) if place.row is not None else None,
        )
        if place.reachable:
            found[ident] = LocalCompany(ident, place.folder, installation.backups_dir, installation.state_dir, known)
    return found


def _rows(settings: Settings, place: Placement) -> AuthStore:
    from baileykeep.config.logins import store_of

    store = store_of(settings, place)
    if store is None:
        raise UsageError(f"company {place.company} keeps its login out of reach")
    return store


@contextmanager
def changing(local: LocalCompany, *, stopped: bool) -> Iterator[None]:
    """No daemon starts while we change something. Raises `Refused` without the word that the session is stopped."""
    if not stopped:
        raise Refused(
            f"no daemon runs here, so nobody proved that the session of {local.id} is stopped",
            next_step="stop the gateway's process and add --stopped, or start the daemon",
            code="not_proved_stopped",
        )
    with offline_lock(local.state_dir):
        yield
