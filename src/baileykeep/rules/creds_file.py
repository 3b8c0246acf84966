"""What `creds.json` says, from its bytes: the few facts that decisions need, never the keys."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from baileykeep.model.inventory import Creds, CredsState

_PAIRED_ID = re.compile(r"([0-9]{5,20}):([0-9]{1,5})@s\.whatsapp\.net")
_ANY_ID = re.compile(r"([0-9]{5,20})(?::[0-9]{1,5})?@")
_LID = re.compile(r"([0-9]{1,32})(?::[0-9]{1,5})?@lid")
_MAX_PRE_KEY_ID = 1 << 32


def parse_creds(data: bytes) -> Creds:
    """The facts of a creds file. Anything that is not one whole JSON object is EMPTY, ZEROED or TORN."""
    if not data.strip():
        return Creds(CredsState.EMPTY)
    if not data.strip(b"\x00"):
        return Creds(CredsState.ZEROED)
    fields = _object(data)
    return Creds(CredsState.TORN) if fields is None else _facts(fields)


def parses(data: bytes) -> bool:
    """Whether a file is one whole JSON value: what "not torn" means for every file of the folder."""
    return _json(data) is not None or data.strip() == b"null"


def with_pre_key_ids(data: bytes, at_least: int) -> bytes:
    """The same creds with `nextPreKeyId` and `firstUnuploadedPreKeyId` not below `at_least`.

    Ids that fall behind the newest minted key would be minted again with other keys, and every first message
    that uses the old public half would fail. Raises ValueError when the bytes are no JSON object, or hold a number
    that could not be written as JSON again.
    """
    fields = _object(data)
    if fields is None:
        raise ValueError("the creds are not a whole JSON object")
    ids = {name: _pre_key_id(fields.get(name)) for name in ("nextPreKeyId", "firstUnuploadedPreKeyId")}
    low = {name: at_least for name, value in ids.items() if value is None or value < at_least}
    if not low:
        return data
    return json.dumps(fields | low, separators=(",", ":"), allow_nan=False).encode()


def _json(data: bytes) -> Any:
    """As Node would read it: UTF-8 without a mark at the beginning, and no NaN."""
    try:
        return json.loads(data.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _object(data: bytes) -> dict[str, Any] | None:
    value = _json(data)
    return value if isinstance(value, dict) else None


def _facts(fields: dict[str, Any]) -> Creds:
    me = _mapping(fields.get("me"))
    own = _text(me.get("id"))
    paired_id = _PAIRED_ID.fullmatch(own)
    any_id = _ANY_ID.match(own)
    lid = _LID.fullmatch(_text(me.get("lid")))
    paired = bool(_mapping(fields.get("account"))) and paired_id is not None
    return Creds(
        state=CredsState.WHOLE,
        paired=paired,
        half_paired=bool(own) and not paired,
        phone=any_id[1] if any_id else None,
        identity=_identity(fields),
        next_pre_key_id=_pre_key_id(fields.get("nextPreKeyId")),
        first_unuploaded_pre_key_id=_pre_key_id(fields.get("firstUnuploadedPreKeyId")),
        lid=lid[1] if lid else None,
        device=int(paired_id[2]) if paired_id else None,
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _pre_key_id(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= _MAX_PRE_KEY_ID else None


def _identity(fields: dict[str, Any]) -> str | None:
    key = _buffer(_mapping(fields.get("signedIdentityKey")).get("public"))
    return hashlib.sha256(key).hexdigest()[:16] if key else None


def _buffer(value: Any) -> bytes | None:
    """Baileys writes buffers as base64 text; older files hold lists of numbers."""
    data = _mapping(value).get("data")
    try:
        if isinstance(data, str):
            return base64.b64decode(data, validate=True)
        return bytes(data) if isinstance(data, list) else None  # bytes(9999999999) would ask for ten gigabytes
    except (TypeError, ValueError):
        return None
