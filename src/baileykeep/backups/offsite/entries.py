"""The entry beside a copy: what it is, for whoever cannot open it. It comes from elsewhere, so all of it is checked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from baileykeep.backups.archive import MAX_ARCHIVE_BYTES
from baileykeep.backups.offsite.base import MAX_SEALED_BYTES
from baileykeep.backups.shelf import folder_name, is_name
from baileykeep.model.backup import BackupKind
from baileykeep.model.codec import encode
from baileykeep.model.errors import OffsiteError
from baileykeep.model.offsite import FarCopy

VERSION = 1
_HASH = re.compile(r"[0-9a-f]{64}")


def written(copy: FarCopy) -> bytes:
    """The bytes of an entry; the same copy always gives the same."""
    return json.dumps({"version": VERSION, **encode(copy)}, sort_keys=True).encode()


def read(data: bytes, folder: str, name: str) -> FarCopy:
    """The entry of the copy `name` in `folder`. Raises `OffsiteError` for anything that is not just that."""
    try:
        copy = parsed(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise _strange(name, "is not one") from error
    if folder_name(copy.company) != folder:
        raise _strange(name, "belongs to another company")
    if copy.name != name:
        raise _strange(name, "belongs to another copy")
    return copy


def parsed(fields: Mapping[str, Any]) -> FarCopy:
    """A copy from plain JSON values; raises one of several errors for others."""
    if fields["version"] != VERSION:
        raise ValueError("another version")
    copy = FarCopy(
        name=_text(fields["name"]),
        company=_text(fields["company"]),
        kind=BackupKind(fields["kind"]),
        created_at=_number(fields["created_at"]),
        paired=fields["paired"] is True,
        whole=fields["whole"] is True,
        cleared=fields["cleared"] is True,
        sha256=_hash(fields["sha256"]),
        bytes=_size(fields["bytes"], MAX_ARCHIVE_BYTES),
        sealed_sha256=_hash(fields["sealed_sha256"]),
        sealed_bytes=_size(fields["sealed_bytes"], MAX_SEALED_BYTES),
    )
    if not is_name(copy.name) or f"-{copy.kind}-" not in copy.name:
        raise ValueError("not the name of such a backup")
    return copy


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("text was expected")
    return value


def _hash(value: Any) -> str:
    if not _HASH.fullmatch(_text(value)):
        raise ValueError("a hash was expected")
    return str(value)


def _size(value: Any, most: int) -> int:
    if type(value) is not int or not 0 < value <= most:
        raise ValueError("a size was expected")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise ValueError("a number was expected")
    return number


def _strange(name: str, why: str) -> OffsiteError:
    return OffsiteError(
        f"the entry of {name} on the far side {why}",
        next_step="use another copy by its name: `baileykeep offsite list COMPANY` shows them",
        code="tampered",
        permanent=True,
    )
