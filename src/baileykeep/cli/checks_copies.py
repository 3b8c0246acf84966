"""What `doctor` says of copies: one disk must not hold a login and all its copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baileykeep.cli.checks import FAIL, OK, WARN, Check, named
from baileykeep.cli.words import count
from baileykeep.model.errors import BaileykeepError

if TYPE_CHECKING:
    from baileykeep.config import Settings
    from baileykeep.config.discover import Survey

NAME = "copies off this host"


def away(settings: Settings, found: Survey) -> Check:
    """Whether copies leave this host, and whether the place for them answers. Changes nothing there."""
    from baileykeep.app.offsite import place_of
    from baileykeep.backups.offsite.find import target

    table = settings.installation.offsite
    if table.to is None:
        return _at_home(settings, found)
    try:
        place = target(place_of(table), settings.installation.backups_dir)
        companies = len(place.folders())
    except BaileykeepError as error:
        return named(NAME, FAIL, error)
    where = f"{place.where} answers, with copies of {count(companies, 'company', 'companies')}"
    if table.same_disk and place.kind == "file":
        return Check(NAME, WARN, f"{where}; same_disk = true", "a disk that holds all copies takes them all with it")
    return Check(NAME, OK, where)


def _at_home(settings: Settings, found: Survey) -> Check:
    from baileykeep.backups.offsite.disks import on_one_disk

    folders = [place.folder for place in found.placed.values() if place.folder is not None]
    step = "add an [offsite] table: docs/offsite.md"
    if on_one_disk(settings.installation.backups_dir, folders):
        return Check(NAME, WARN, "backups lie on the same disk as the logins, and no copy leaves it", step)
    return Check(NAME, OK, "none leave this host, but the backups lie on another disk than the logins", step)
