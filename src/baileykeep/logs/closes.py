"""Why a stream was closed, from the many ways in which a log says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from baileykeep.model.facts import CloseKind

KIND_BY_CODE: Mapping[int, CloseKind] = {
    401: CloseKind.LOGGED_OUT,
    408: CloseKind.LOST,
    440: CloseKind.REPLACED,
    515: CloseKind.RESTART_REQUIRED,
}
"""What a bare status code means where nothing else was said; every other code is OTHER."""

Reading = tuple[CloseKind | None, int | None]

_ERRORS: tuple[tuple[re.Pattern[str], Reading], ...] = (
    (re.compile(r"restart required", re.I), (CloseKind.RESTART_REQUIRED, 515)),
    (re.compile(r"QR refs attempts ended", re.I), (CloseKind.QR_ENDED, 408)),
    (
        re.compile(
            r"WebSocket Error|\bE(?:CONNREFUSED|CONNRESET|NOTFOUND|HOSTUNREACH|NETUNREACH|TIMEDOUT)\b|EAI_AGAIN"
        ),
        (CloseKind.CONNECT_ERROR, None),
    ),
    (re.compile(r"Connection was lost", re.I), (CloseKind.LOST, 408)),
    (re.compile(r"Connection Terminated", re.I), (CloseKind.OTHER, 428)),
    (re.compile(r"Intentional Logout", re.I), (CloseKind.LOGGED_OUT, 401)),
)


def kind_of_error(text: str) -> Reading:
    """Kind and code of an error's text; (None, None) where it fits several causes, as `Connection Failure` does."""
    for pattern, reading in _ERRORS:
        if pattern.search(text):
            return reading
    return None, None


def kind_of_node(*nodes: object) -> Reading:
    """Kind and code of a `stream:error` node and of the reason inside it, the way Baileys reads them."""
    conflict = next((each for node in nodes if (each := _conflict(node)) is not None), None)
    code = next((found for node in nodes if (found := number(_attrs(node).get("code"))) is not None), None)
    if conflict == "device_removed":
        return CloseKind.DEVICE_REMOVED, 401
    if conflict is not None:
        return CloseKind.REPLACED if conflict == "replaced" else None, code or 440
    return None, 500 if code is None else code


def kind_of_disconnect(value: object) -> Reading:
    """Kind and code of a `lastDisconnect`, as the error itself or as a gateway boiled it down.

    The kind is None where only the code was told: another line may still tell what lies behind it.
    """
    parts = [part for part in _parts(value) if isinstance(part, Mapping)]
    code = next((found for part in parts if (found := number(part.get("statusCode"))) is not None), None)
    types = {_conflict(part) for part in parts}
    if "device_removed" in types:
        return CloseKind.DEVICE_REMOVED, 401
    if "replaced" in types:
        return CloseKind.REPLACED, code or 440
    errors = (kind_of_error(str(part.get("message", ""))) for part in parts)
    kind, usual = next((found for found in errors if found[0] is not None), (None, None))
    return kind, usual if code is None else code


def number(value: object) -> int | None:
    """A status code or a count, written as a number or as digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value) if isinstance(value, str) or abs(value) < 10**7 else ""
    return int(text) if re.fullmatch(r"[0-9]{1,7}", text) else None


def _parts(value: object) -> Iterable[object]:
    if not isinstance(value, Mapping):
        return
    error = value.get("error")
    for outer in (value, error):
        if isinstance(outer, Mapping):
            yield outer
            yield outer.get("output")
            yield outer.get("data")


def _attrs(node: object) -> Mapping[str, Any]:
    attrs = node.get("attrs") if isinstance(node, Mapping) else None
    return attrs if isinstance(attrs, Mapping) else {}


def _conflict(node: object) -> str | None:
    if not isinstance(node, Mapping):
        return None
    if node.get("tag") == "conflict":
        return str(_attrs(node).get("type", ""))
    content = node.get("content")
    for child in content if isinstance(content, list) else ():
        if isinstance(child, Mapping) and child.get("tag") == "conflict":
            return str(_attrs(child).get("type", ""))
    return None
