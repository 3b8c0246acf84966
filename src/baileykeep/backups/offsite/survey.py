"""What a company has off this host and what it still lacks there, from the vault and the ledger alone."""

from __future__ import annotations

from collections.abc import Iterable

from baileykeep.backups.offsite import ledger
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import Backup
from baileykeep.model.offsite import Away, FarCopy, as_backup
from baileykeep.rules import offsite as rules
from baileykeep.rules.retention import SET_ASIDE


def newest_login_at(copies: Iterable[FarCopy]) -> float | None:
    """When the newest paired login of these was made; None where there is none."""
    logins = [backup for backup in map(as_backup, copies) if backup.paired and backup.kind not in SET_ASIDE]
    return max((backup.created_at for backup in logins), default=None)


class Survey:
    """Cheap to ask again and again: an archive is opened once. Blocking; for one thread at a time."""

    def __init__(self, vault: Vault):
        self._vault = vault
        self._seen: dict[str, dict[str, Backup | None]] = {}

    def of(self, company: str, place_key: str, keep: int | None, now: float) -> Away:
        """One company at this moment. Raises `BackupError`."""
        sent = [s.copy for s in ledger.load(self._vault.shelf, company, place_key).sent]
        newest = newest_login_at(sent)
        missing = self._missing(company, frozenset(copy.name for copy in sent))
        waiting = rules.to_send(missing, sent, keep, now)
        since = min((b.created_at for b in missing if b.name in waiting), default=None)
        return Away(newest, len(waiting), since)

    def _missing(self, company: str, sent: frozenset[str]) -> list[Backup]:
        names = [name for name in self._vault.shelf.names(company) if name not in sent]
        seen = self._seen.get(company, {})
        if not all(name in seen for name in names):
            seen = {**dict.fromkeys(names), **{backup.name: backup for backup in self._vault.list(company)}}
        self._seen[company] = {name: seen[name] for name in names}
        return [backup for name in names if (backup := seen[name]) is not None]
