"""Hosts with a vault and a login, and the place off them that they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from baileykeep.backups.offsite import ledger
from baileykeep.backups.offsite.base import Place, Target
from baileykeep.backups.offsite.ledger import Ledger, key_of
from baileykeep.backups.offsite.seal import generated
from baileykeep.backups.offsite.sending import Report, Sender, Terms
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import Backup, BackupKind
from baileykeep.model.limits import HOUR, BackupLimits
from baileykeep.rules.naming import CREDS
from baileykeep.stores.files import FileStore
from tests.fakes.far import Lying
from tests.unit.auth_folders import few_of
from tests.unit.rules.folders import NOW

PLENTY = BackupLimits(keep_before_change=50, keep_periodic=50, keep_set_aside=50)


@cache
def keys() -> tuple[str, str]:
    """One private and public key for all tests: (identity, recipient)."""
    return generated()


@dataclass
class Host:
    """One host; `now` moves an hour with every backup."""

    vault: Vault
    store: FileStore
    target: Target
    place: Place
    now: float = NOW

    @property
    def key(self) -> str:
        return key_of(self.place)

    def back_up(self, kind: BackupKind = BackupKind.HOT, *, paired: bool = True) -> Backup:
        """A backup of a folder that changed."""
        self.now += HOUR
        creds = self.store.folder / CREDS
        whole = creds.read_bytes()
        if not paired:
            creds.write_bytes(b"{}")
        (self.store.folder / "session-4915177777777.0.json").write_text(f'{{"at": {self.now}}}')
        made = self.vault.create(self.store, kind, self.now)
        creds.write_bytes(whole)
        return made

    def send(self, *, keep: int | None = 10, target: Target | None = None, **changes: object) -> Report:
        terms = Terms(self.key, (keys()[1],), keep, lambda: self.now)
        terms = replace(terms, **changes)  # type: ignore[arg-type]
        return Sender(self.vault, target or self.target, terms).send(self.store.company)

    def ledger(self) -> Ledger:
        return ledger.load(self.vault.shelf, self.store.company, self.key)

    def far(self, root: Path) -> list[str]:
        """What lies on the far side."""
        folder = root / "far" / self.store.company
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def host(root: Path, name: str, *, company: str = "c", login: bool = True) -> Host:
    """A host whose copies go to `root/far`."""
    (root / "far").mkdir(exist_ok=True)
    home = root / name
    home.mkdir()
    if login:
        few_of(home / "auth")
    place = Place(f"file://{root}/far", same_disk=True)
    vault = Vault(home / "backups", limits=PLENTY)
    return Host(vault, FileStore(company, home / "auth"), Lying(place, home), place)


def lying(of: Host) -> Lying:
    """The place, to be bent."""
    assert isinstance(of.target, Lying)
    return of.target


def both(*names: str) -> list[str]:
    """The files of these copies on the far side."""
    return sorted(name + end for name in names for end in (".tar.zst.age", ".json"))


def names(made: Sequence[Backup]) -> list[str]:
    return [backup.name for backup in made]
