"""Sending one company's copies off this host, and letting old ones go there. For a thread of its own.

A copy is proved whole here, sealed in memory, put under a name that must be new, read back, and only then gets its
entry. What is missing is found out anew each time from the vault, the ledger and the far side's own listing. The
vault is held only while the ledger is written, never while anything is on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from baileykeep.backups.archive import sha256
from baileykeep.backups.offsite import entries, ledger
from baileykeep.backups.offsite.base import (
    DIFFERS,
    MAX_ENTRY_BYTES,
    MAX_SEALED_BYTES,
    TAKEN,
    Target,
    entry_name,
    sealed_name,
    taken,
)
from baileykeep.backups.offsite.ledger import Ledger
from baileykeep.backups.offsite.seal import seal
from baileykeep.backups.shelf import folder_name
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import Backup
from baileykeep.model.errors import BackupError, OffsiteError
from baileykeep.model.offsite import FarCopy, Sent
from baileykeep.rules import offsite as rules

OF_ONE_COPY = frozenset({TAKEN, DIFFERS, "tampered"})
"""Errors that concern one copy and are worth a human's look; after any other the place itself is of no use now."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How to send: whom to seal for, how many to keep there (None: all), the clock, and whether to end early.

    `told` hears of each step as it is done.
    """

    place_key: str
    recipients: tuple[str, ...]
    keep: int | None
    now: Callable[[], float]
    ending: Callable[[], bool] = lambda: False
    told: Callable[[str, str], None] = lambda _company, _text: None


@dataclass(slots=True)
class Report:
    """What was done for a company, and what was found there that is not right."""

    sent: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


class Sender:
    """Raises `OffsiteError` when the place cannot be used, `BackupError` when the vault cannot."""

    def __init__(self, vault: Vault, target: Target, terms: Terms):
        self._vault = vault
        self._target = target
        self._terms = terms

    def send(self, company: str, *, wait: bool = False) -> Report:
        """Everything that is missing of one company. Without `wait` raises `Refused` while another process is at it."""
        with self._vault.shelf.sending_lock(company, wait=wait):
            work = _Work(self._vault, self._target, self._terms, company)
            work.run()
        return work.report


class _Work:
    """One company, once."""

    def __init__(self, vault: Vault, target: Target, terms: Terms, company: str):
        self._vault = vault
        self._target = target
        self._terms = terms
        self._company = company
        self._folder = folder_name(company)
        self._known = ledger.load(vault.shelf, company, terms.place_key)
        self.report = Report()

    def run(self) -> None:
        there = dict(self._target.names(self._folder))
        self._look(there)
        self._finish(there)
        for backup in self._wanted(there):
            if self._terms.ending():
                return
            if backup.name in self._vault.shelf.names(self._company):
                self._one_of(lambda backup=backup: self._send(backup, there), backup.name)  # type: ignore[misc]
        if self._terms.keep is not None and not self.report.troubles and not self._terms.ending():
            self._let_go()

    # --- what is there ----------------------------------------------------------------------------------------

    def _look(self, there: dict[str, int]) -> None:
        """Hold the ledger against what is there. What vanished is forgotten, and sent again while it is still here."""
        for sent in self._known.sent:
            name = sent.copy.name
            if sealed_name(name) not in there:
                self._one_of(lambda sent=sent: self._forget(sent, there), name)  # type: ignore[misc]
            elif there[sealed_name(name)] != sent.copy.sealed_bytes:
                self._trouble(_differs(name))
            elif entry_name(name) not in there:
                self._one_of(lambda sent=sent: self._put_entry(sent.copy, there), name)  # type: ignore[misc]

    def _forget(self, sent: Sent, there: dict[str, int]) -> None:
        """A copy is gone: so must be the entry that we wrote for it, or the copy could not be sent again."""
        name, entry = sent.copy.name, entry_name(sent.copy.name)
        if self._target.get(self._folder, sealed_name(name), MAX_SEALED_BYTES) is not None:
            raise _differs(name)
        ours = sent.ours and entry in there
        if ours and self._target.get(self._folder, entry, MAX_ENTRY_BYTES) == entries.written(sent.copy):
            self._target.remove(self._folder, entry)
            there.pop(entry)
        self._tell(f"{name} vanished from the far side")
        self._save(self._known.without(name))

    def _good(self, there: Mapping[str, int]) -> list[Sent]:
        """What the ledger knows and is there, as large as it was."""
        return [s for s in self._known.sent if there.get(sealed_name(s.copy.name)) == s.copy.sealed_bytes]

    def _finish(self, there: Mapping[str, int]) -> None:
        """What a process that died had begun: it counts when it is there as it was sent, and else begins again."""
        begun = self._known.sending
        if begun is None:
            return
        if sealed_name(begun.name) in there:
            self._one_of(lambda: self._count(begun, there), begun.name)
        else:
            self._save(replace(self._known, sending=None))

    def _wanted(self, there: Mapping[str, int]) -> list[Backup]:
        """Copies to send, in order. One that lies there altered is not sent over it, and keeps no other from going."""
        known = {sent.copy.name for sent in self._known.sent}
        if set(self._vault.shelf.names(self._company)) <= known:
            return []
        here = {b.name: b for b in self._vault.list(self._company) if b.name not in known}
        away = [sent.copy for sent in self._good(there)]
        names = rules.to_send(tuple(here.values()), away, self._terms.keep, self._terms.now())
        return [here[name] for name in names]

    # --- sending ----------------------------------------------------------------------------------------------

    def _send(self, backup: Backup, there: Mapping[str, int]) -> None:
        data, manifest, _ = self._vault.load(self._company, backup.name)
        if sealed_name(backup.name) in there:
            self._adopt(backup.name, sha256(data), there)
            return
        sealed = seal(data, self._terms.recipients)
        copy = FarCopy(
            name=backup.name,
            company=self._company,
            kind=manifest.kind,
            created_at=manifest.created_at,
            paired=manifest.paired,
            whole=manifest.whole,
            cleared=backup.cleared,
            sha256=sha256(data),
            bytes=len(data),
            sealed_sha256=sha256(sealed),
            sealed_bytes=len(sealed),
        )
        self._save(replace(self._known, sending=copy))
        self._target.put_new(self._folder, sealed_name(copy.name), sealed)
        self._count(copy, there)

    def _count(self, copy: FarCopy, there: Mapping[str, int], *, ours: bool = True) -> None:
        """Read back what was sent; only then it gets its entry and counts."""
        self._must_be(copy)
        self._put_entry(copy, there)
        self._save(self._known.with_sent(Sent(copy, self._terms.now(), ours)))
        self.report.sent.append(copy.name)
        self._tell(f"{copy.name} {'sent' if ours else 'found there'} and read back")

    def _must_be(self, copy: FarCopy) -> None:
        found = self._target.get(self._folder, sealed_name(copy.name), MAX_SEALED_BYTES)
        if found is None or sha256(found) != copy.sealed_sha256:
            raise _differs(copy.name)

    def _put_entry(self, copy: FarCopy, there: Mapping[str, int]) -> None:
        data, name = entries.written(copy), entry_name(copy.name)
        if name not in there:
            self._target.put_new(self._folder, name, data)
        if self._target.get(self._folder, name, MAX_ENTRY_BYTES) != data:
            raise _differs(name)

    def _adopt(self, name: str, plain: str, there: Mapping[str, int]) -> None:
        """A copy of just these bytes that lies there already, sent from a ledger that is lost or from another host."""
        data = self._target.get(self._folder, entry_name(name), MAX_ENTRY_BYTES)
        copy = entries.read(data, self._folder, name) if data is not None else None
        if copy is None or copy.sha256 != plain:
            raise taken(sealed_name(name))
        self._count(copy, there, ours=False)

    # --- letting go -------------------------------------------------------------------------------------------

    def _let_go(self) -> None:
        """Only what we sent, as we sent it, and only after the newest ones were read once more."""
        there = self._target.names(self._folder)
        now, good = self._terms.now(), self._good(there)
        names = rules.to_let_go(good, self._terms.keep, now)
        if not names:
            return
        copies = {sent.copy.name: sent.copy for sent in good}
        try:
            for name in rules.anchors(good, now):
                self._must_be(copies[name])
        except OffsiteError as error:
            self._trouble(error)
            return
        for name in names:
            self._one_of(lambda name=name: self._remove(copies[name], there), name)  # type: ignore[misc]

    def _remove(self, copy: FarCopy, there: Mapping[str, int]) -> None:
        """The entry first: without it the copy counts for nobody, whatever happens in between."""
        self._must_be(copy)
        if entry_name(copy.name) in there:
            if self._target.get(self._folder, entry_name(copy.name), MAX_ENTRY_BYTES) != entries.written(copy):
                raise _differs(entry_name(copy.name))
            self._target.remove(self._folder, entry_name(copy.name))
        self._target.remove(self._folder, sealed_name(copy.name))
        self._save(self._known.without(copy.name))
        self.report.gone.append(copy.name)
        self._tell(f"{copy.name} let go there")

    # --- notes ------------------------------------------------------------------------------------------------

    def _one_of(self, act: Callable[[], None], name: str) -> None:
        """Do it; what is wrong with this one copy keeps no other from being sent."""
        try:
            act()
        except OffsiteError as error:
            if error.code not in OF_ONE_COPY:
                raise
            self._trouble(error)
        except BackupError as error:
            if name in self._vault.shelf.names(self._company):
                self._trouble(error)

    def _trouble(self, error: BackupError) -> None:
        self._tell(f"TROUBLE: {error.cause}")
        self.report.troubles.append(error.cause)

    def _tell(self, text: str) -> None:
        self._terms.told(self._company, text)

    def _save(self, known: Ledger) -> None:
        ledger.save(self._vault.shelf, self._company, self._terms.place_key, known)
        self._known = known


def _differs(name: str) -> OffsiteError:
    return OffsiteError(
        f"{name} on the far side is not what was sent there",
        next_step="somebody or something changed it: look, then move it away; it is sent again",
        code=DIFFERS,
    )
