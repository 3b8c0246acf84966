"""How far pre-key ids of a login had got, as the copies of its creds tell: the good one, and the one that was retired.

A gateway that wipes its folder takes the newest pre-keys with it. Of those that it minted since the last backup
WhatsApp still hands out the public halves, so their ids must never be given to other keys.
"""

from __future__ import annotations

import json

from baileykeep.backups.vault import Vault
from baileykeep.rules.creds_file import parse_creds

GOOD = "good-creds.json"
RETIRED = "good-creds.retired.json"
MAX_BYTES = 16 * 1024 * 1024


def next_pre_key_id(vault: Vault, company: str, identity: str | None) -> int:
    """One past the newest id that this login is known to have minted; 0 where no copy knows."""
    known = (_next_id(vault.shelf.get(company, name, MAX_BYTES), identity) for name in (GOOD, RETIRED))
    return max(known) if identity is not None else 0


def _next_id(raw: bytes | None, identity: str | None) -> int:
    """A copy that cannot be read knows nothing."""
    try:
        creds = parse_creds(str(json.loads(raw or b"{}")["creds"]).encode())
    except (ValueError, KeyError, TypeError, RecursionError):
        return 0
    return creds.next_pre_key_id or 0 if creds.identity == identity else 0
