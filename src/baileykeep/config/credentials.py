"""Secrets from a file, an environment variable or a systemd credential. Their values never reach a message."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from baileykeep.fsys import read_plain

LARGEST = 65_536


class Missing(Exception):
    """A secret that was asked for cannot be had; the message says why, never what."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where one secret may come from. `name` is its dotted key, `owner` the company whose file holds it."""

    name: str
    direct: SecretStr | None
    env: str | None
    file: Path | None
    owner: str | None = None

    @property
    def credential(self) -> str:
        """What its systemd credential is called: `telegram_token`, `gateways_main_secret`, `companies_7_…`."""
        name = self.name if self.owner is None else f"companies.{self.owner}.{self.name}"
        return name.replace(".", "_")

    def given(self) -> tuple[str, ...]:
        """The keys that were used, the last part only."""
        key = self.name.rpartition(".")[2]
        pairs = ((key, self.direct), (f"{key}_env", self.env), (f"{key}_file", self.file))
        return tuple(name for name, value in pairs if value is not None)


def obtain(wanted: Wanted, environ: Mapping[str, str], directory: Path) -> SecretStr | None:
    """The secret, or None where nobody named one. Relative files are looked up in `directory`."""
    if wanted.direct is not None:
        return wanted.direct
    if wanted.env is not None:
        return _from_environment(wanted.env, environ)
    if wanted.file is not None:
        return _from_file(directory / wanted.file)
    folder = environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(folder) / wanted.credential if folder else None
    return _from_file(credential) if credential and credential.is_file() else None


def _from_environment(name: str, environ: Mapping[str, str]) -> SecretStr:
    value = environ.get(name, "").strip()
    if not value:
        raise Missing(f"names the environment variable {name}, which is not set")
    return SecretStr(value)


def _from_file(path: Path) -> SecretStr:
    try:
        value = read_plain(path, LARGEST)[0].decode("utf-8").strip()
    except OSError as error:
        raise Missing(f"names {path}, which cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Missing(f"names {path}, which is not text") from None
    if not value:
        raise Missing(f"names {path}, which is empty")
    return SecretStr(value)


def open_to_all(path: Path) -> bool:
    """Whether everybody on the machine may read the file; a container's own /run/secrets is nobody else's."""
    if path.is_relative_to("/run/secrets"):
        return False
    try:
        return bool(os.stat(path).st_mode & stat.S_IROTH)
    except OSError:
        return False
