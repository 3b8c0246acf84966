"""Frozen dataclasses to plain JSON values and back, so that states survive a restart in the journal."""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_PLAIN = frozenset({str, int, float, bool, type(None)})


def encode(value: Any) -> Any:
    """Dataclasses become dicts, enums their value, tuples and sets lists; the rest stays."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if (names := _names(kind)) is not None:
        return {name: encode(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(encode(k)): encode(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encode(v) for v in value]
    return value


@functools.cache
def _names(kind: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass; None for any other type."""
    return tuple(f.name for f in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


def decode(kind: type[T], data: Any) -> T:
    """The inverse of `encode` for a dataclass type; unknown keys are ignored, missing ones take their default."""
    result: T = _decode(kind, data)
    return result


def _decode(hint: Any, data: Any) -> Any:
    if data is None:
        return None
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _decode_dataclass(hint, data)
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _decode_union(args, data)
    if origin in (tuple, frozenset, list):
        return _decode_sequence(origin, args, data)
    if origin is not None and issubclass(origin, Mapping):
        return {_decode(args[0], k): _decode(args[1], v) for k, v in data.items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(data)
    return data


def _decode_dataclass(kind: Any, data: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(**{name: _decode(hints[name], value) for name, value in data.items() if name in hints})


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    """The types of a dataclass's fields, by name; resolving them anew for each value would cost most of the time."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


def _decode_union(args: tuple[Any, ...], data: Any) -> Any:
    options = [a for a in args if a is not type(None)]
    if isinstance(data, list):
        options = [a for a in options if get_origin(a) in (tuple, list, frozenset)] or options
        return _decode(options[0], data)
    if isinstance(data, str) and str in options:
        return data
    return _decode(options[0], data) if len(options) == 1 or isinstance(data, Mapping) else data


def _decode_sequence(origin: Any, args: tuple[Any, ...], data: Any) -> Any:
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        return tuple(_decode(hint, item) for hint, item in zip(args, data, strict=True))
    return origin(_decode(args[0], item) for item in data)
