"""One company as the configuration describes it, for commands that work without a daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from baileykeep.app.locks import offline_lock
from baileykeep.cli.installation import config_dir
from baileykeep.model.errors import Refused, UsageError

if TYPE_CHECKING:
    from baileykeep.cli.offline import Known


@dataclass(frozen=True, slots=True)
class LocalCompany:
    """Where a company's login and backups lie, and what else is configured of it."""

    id: str
    folder: Path
    backups: Path
    state_dir: Path
    known: Known


def find(config: Path | None, company: str) -> LocalCompany:
    """A company by its id. Raises `ConfigError` for an unusable configuration, `UsageError` for a stranger."""
    found = everybody(config).get(company)
    if found is None:
        raise UsageError(
            f"no company {company!r} with a folder is configured or found",
            next_step="`baileykeep config check` tells what was found",
            code="unknown_company",
        )
    return found


def everybody(config: Path | None) -> dict[str, LocalCompany]:
    """Every company whose gateway keeps its login in a folder, by id."""
    from baileykeep.cli.offline import Known
    from baileykeep.config import load_partial
    from baileykeep.config.discover import placements

    settings, _ = load_partial(config_dir(config))
    found = {}
    for ident, place in placements(settings)[0].items():
        generation = settings.generation(ident, place.gateway)
        known = Known(ident, settings.limits_for(ident), None if generation == "auto" else generation)
        installation = settings.installation
        if place.folder is not None:
            found[ident] = LocalCompany(ident, place.folder, installation.backups_dir, installation.state_dir, known)
    return found


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
