"""What of a company was sent off this host, to which place: kept beside its copies, so that it survives restarts.

It alone says which files on the far side are ours. Where it is lost, nothing there is ever removed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from baileykeep.backups.offsite import entries
from baileykeep.backups.offsite.base import Place
from baileykeep.backups.shelf import Shelf
from baileykeep.model.codec import encode
from baileykeep.model.offsite import FarCopy, Sent

log = structlog.get_logger(__name__)

FILE = "offsite.json"
MAX_BYTES = 4 << 20
BROKEN = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class Ledger:
    """`sending` was begun and not yet read back: it may or may not be there."""

    sent: tuple[Sent, ...] = ()
    sending: FarCopy | None = None

    def with_sent(self, sent: Sent) -> Ledger:
        """With one more that was read back."""
        name = sent.copy.name
        others = tuple(s for s in self.sent if s.copy.name != name)
        begun = None if self.sending is None or self.sending.name == name else self.sending
        return Ledger((*others, sent), begun)

    def without(self, name: str) -> Ledger:
        """With one less."""
        return replace(self, sent=tuple(s for s in self.sent if s.copy.name != name))


def key_of(place: Place) -> str:
    """Names a place: another endpoint, bucket or folder is another place."""
    text = f"{place.endpoint or ''}|{place.to.rstrip('/')}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(shelf: Shelf, company: str, key: str) -> Ledger:
    """What is known of one place; an unreadable ledger counts as lost, and is told of."""
    found = _all(shelf, company).get(key)
    if found is None:
        return Ledger()
    try:
        sent = tuple(_sent(fields) for fields in found["sent"])
        return Ledger(sent, entries.parsed(found["sending"]) if found["sending"] is not None else None)
    except BROKEN as error:
        log.warning("offsite_ledger_unreadable", company=company, error=type(error).__name__)
        return Ledger()


def save(shelf: Shelf, company: str, key: str, ledger: Ledger) -> None:
    """On disk on return. Ledgers of other places stay."""
    with shelf.held(company):
        places = {**_all(shelf, company), key: _plain(ledger)}
        shelf.put(company, FILE, json.dumps({"version": 1, "places": places}).encode())


def _all(shelf: Shelf, company: str) -> Mapping[str, Any]:
    data = shelf.get(company, FILE, MAX_BYTES)
    if data is None:
        return {}
    try:
        places = json.loads(data)["places"]
        return dict(places)
    except BROKEN as error:
        log.warning("offsite_ledger_unreadable", company=company, error=type(error).__name__)
        return {}


def _sent(fields: Mapping[str, Any]) -> Sent:
    return Sent(entries.parsed(fields["copy"]), float(fields["sent_at"]), fields["ours"] is True)


def _plain(ledger: Ledger) -> dict[str, Any]:
    return {
        "sent": [{"copy": _copy(s.copy), "sent_at": s.sent_at, "ours": s.ours} for s in ledger.sent],
        "sending": _copy(ledger.sending) if ledger.sending is not None else None,
    }


def _copy(copy: FarCopy) -> dict[str, Any]:
    return {"version": entries.VERSION, **encode(copy)}
