"""The last-good copy of `creds.json`: kept at every change, put back only when the guard's rules allow it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from baileykeep.backups import minted
from baileykeep.backups.archive import sha256
from baileykeep.backups.restore import DAMAGED, safe_creds
from baileykeep.backups.vault import Vault
from baileykeep.model.backup import BackupKind, GoodCreds, RestoreReport
from baileykeep.model.errors import BackupError, Refused
from baileykeep.model.inventory import CredsState
from baileykeep.rules.creds_file import parse_creds
from baileykeep.rules.masking import mask_phone
from baileykeep.rules.naming import CREDS
from baileykeep.stores.base import AuthStore

_FILE, _RETIRED = minted.GOOD, minted.RETIRED
_DOUBTS = "good-creds.doubts.json"
_VERSION = 1
_MAX_BYTES = minted.MAX_BYTES


@dataclass(frozen=True, slots=True)
class _Copy:
    facts: GoodCreds
    data: bytes


def keep_good_creds(vault: Vault, store: AuthStore, now: float, *, judged: str | None = None) -> GoodCreds | None:
    """Take a copy of the creds that lie there, if they are whole and paired; None and no change if they are not.

    A copy of another identity is retired, not overwritten: whether it may be followed was the guard's to decide.
    `judged` is the identity that it decided about: another one that came to lie there meanwhile is not followed.
    """
    with vault.shelf.held(store.company):
        data = store.read(CREDS)
        creds = parse_creds(data)
        if creds.state is not CredsState.WHOLE or not creds.paired or creds.identity is None:
            return None
        if judged not in (None, creds.identity):
            return None
        old = _read(vault, store.company)
        if old is not None and old.data == data:
            _believe(vault, store.company)
            return replace(old.facts, qr=False, relink=False)
        if old is not None and old.facts.identity != creds.identity:
            vault.shelf.rename(store.company, _FILE, _RETIRED)
        facts = GoodCreds(creds.identity, mask_phone(creds.phone), now)
        vault.shelf.put(store.company, _FILE, _packed(facts, data))
        _believe(vault, store.company)
        return facts


def doubt_good_creds(vault: Vault, company: str, *, qr: bool = False) -> None:
    """A QR was shown since the copy was taken: from now on only a human may put it back, until creds are kept again."""
    if good_creds(vault, company) is None:
        return
    with vault.shelf.held(company):
        mark_doubts(vault, company, qr=qr)


def mark_doubts(vault: Vault, company: str, *, qr: bool = False, relink: bool = False) -> None:
    """The same for who holds the company's copies already."""
    known = _doubts(vault, company)
    wanted = {"qr": qr or known["qr"], "relink": relink or known["relink"]}
    if wanted != known:
        vault.shelf.put(company, _DOUBTS, json.dumps(wanted).encode())


def _believe(vault: Vault, company: str) -> None:
    if vault.shelf.get(company, _DOUBTS, _MAX_BYTES) is not None:
        vault.shelf.drop(company, _DOUBTS)


def _doubts(vault: Vault, company: str) -> dict[str, bool]:
    """What is known against the copy; where that cannot be read, everything."""
    raw = vault.shelf.get(company, _DOUBTS, _MAX_BYTES)
    if raw is None:
        return {"qr": False, "relink": False}
    try:
        fields = json.loads(raw)
        return {name: fields[name] is not False for name in ("qr", "relink")}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"qr": True, "relink": True}


def good_creds(vault: Vault, company: str) -> GoodCreds | None:
    """The facts of the copy; None when there is none, or when it is not whole itself."""
    found = _read(vault, company)
    return found.facts if found else None


def retire_good_creds(vault: Vault, company: str) -> bool:
    """After a 401 or a pairing the copy is of no use any more. It is kept under another name, and never put back."""
    with vault.shelf.held(company):
        return vault.shelf.rename(company, _FILE, _RETIRED)


def put_good_creds(vault: Vault, store: AuthStore, now: float, *, human: bool = False) -> RestoreReport:
    """Put the copy in place; the guard's rules said so, and the session is proved stopped.

    Refused unless the creds are, still, empty, zeroed or torn; with a human's word also when they are missing, or
    whole but never paired. What lay there is backed up first, and the pre-key ids never fall behind the files.
    """
    with vault.shelf.held(store.company):
        copy = _read(vault, store.company)
        if copy is None:
            raise Refused("there is no good copy of the creds", code="no_good_creds")
        if not human and (copy.facts.qr or copy.facts.relink):
            what = "a QR was shown" if copy.facts.qr else "a relink was begun"
            raise Refused(f"{what} since the good copy was taken", code="creds_unsure")
        store.check_writable()
        store.sweep()
        there = vault.present(store)
        state = there.creds.state if there else CredsState.MISSING
        allowed = {*DAMAGED, CredsState.MISSING} if human else DAMAGED
        unpaired = human and there is not None and state is CredsState.WHOLE and not there.creds.paired
        if state not in allowed and not unpaired:
            raise Refused(f"the creds that lie there are {state}; nothing is put over them", code="creds_not_damaged")
        data = safe_creds(copy.data, list(there.contents) if there else [], there)
        before = vault.put(store, BackupKind.COLD, there, now, reason="before creds were put back") if there else None
        if before is not None:
            vault.tidy(store.company, now, protected=(before.name,))
        store.write(CREDS, data)
        if store.read(CREDS) != store.normal({CREDS: data})[CREDS]:
            raise BackupError("the creds were written over at once: something still runs on this folder")
        return RestoreReport(_FILE, (CREDS,), before.name if before else None, parse_creds(data).next_pre_key_id)


def _packed(facts: GoodCreds, data: bytes) -> bytes:
    fields = {
        "version": _VERSION,
        "taken_at": facts.taken_at,
        "identity": facts.identity,
        "sha256": sha256(data),
        "creds": data.decode(),
    }
    return json.dumps(fields).encode()


def _read(vault: Vault, company: str) -> _Copy | None:
    raw = vault.shelf.get(company, _FILE, _MAX_BYTES)
    if raw is None:
        return None
    try:
        fields = json.loads(raw)
        data = str(fields["creds"]).encode()
        taken_at = float(fields["taken_at"])
        whole = fields["version"] == _VERSION and fields["sha256"] == sha256(data)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    creds = parse_creds(data)
    if not whole or not creds.paired or creds.identity is None or creds.identity != fields["identity"]:
        return None
    return _Copy(GoodCreds(creds.identity, mask_phone(creds.phone), taken_at, **_doubts(vault, company)), data)
