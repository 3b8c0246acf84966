"""The folders that are a login to somebody's WhatsApp: made for this user only, and shut where they stood open."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import structlog

from baileykeep.config.settings import Settings
from baileykeep.model.errors import ConfigError, Refused

log = structlog.get_logger(__name__)

MEANING = "whoever can log in here may have read or changed what lies in it: look at it before you trust it"


def make_private(settings: Settings) -> None:
    """The state and backups folders, there and nobody else's.

    Raises `ConfigError` where one cannot be made, `Refused` where it belongs to somebody whom we cannot shut out. What
    stood open is shut and told of: files have their own modes of 0600, and those of backups are given theirs again.
    """
    for folder in (settings.installation.state_dir, settings.installation.backups_dir):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _own(folder)
        except OSError as error:
            raise ConfigError(
                f"the folder {folder} cannot be made: {error.strerror}",
                next_step="create it, owned by the user that runs Baileykeep, or name another in baileykeep.toml",
            ) from error
    shut_backups(settings.installation.backups_dir)


def _own(folder: Path) -> None:
    found = folder.stat()
    if found.st_uid not in (0, os.geteuid()):
        _not_ours(folder, found.st_uid)
    if found.st_mode & 0o022:
        _shut(folder, found.st_mode & ~0o022)


def _not_ours(folder: Path, owner: int) -> None:
    """Root may well be given a folder by somebody else, as containers are; anybody else could not even shut it."""
    cause = f"the folder {folder} belongs to user {owner}, who could change what Baileykeep believes and does"
    step = f"give it to the user that runs Baileykeep: chown {os.geteuid()} {folder}"
    if os.geteuid() != 0:
        raise Refused(cause, next_step=step, code="not_ours")
    log.warning("folder_is_not_ours", path=str(folder), cause=cause, next_step=step)


def _shut(folder: Path, mode: int) -> None:
    try:
        folder.chmod(stat.S_IMODE(mode))
    except PermissionError as error:
        raise Refused(
            f"everybody may write into the folder {folder}", next_step=f"chmod 700 {folder}", code="open_to_others"
        ) from error
    log.warning("folder_was_open_to_others", path=str(folder), meaning=MEANING)


def shut_backups(root: Path) -> None:
    """Give companies' folders 0700 again and what is in them 0600, where others could look into them."""
    for folder in open_backups(root):
        os.chmod(folder, 0o700)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    os.chmod(entry.path, 0o600)
        log.warning("backups_were_open_to_others", path=str(folder), meaning=MEANING)


def open_backups(root: Path) -> list[Path]:
    """Folders of backups that others may look into."""
    with os.scandir(root) as entries:
        folders = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return [folder for folder in folders if folder.lstat().st_mode & 0o077]
