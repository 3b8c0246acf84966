"""Moments that are remembered: where the wall clock is set, all of them move along, and every wait keeps its length.

A field of type `Moment` is such a one. What is told to people (the lines of a story) and what files and logs say of
themselves stays as it was said.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

Moment = Annotated[float, "epoch seconds by the wall clock of this machine"]

T = TypeVar("T")


def shifted(value: T, by_s: float) -> T:
    """The same dataclass with all moments in it, at any depth, so many seconds later."""
    return _shifted(type(value), value, by_s)  # type: ignore[no-any-return]


def _shifted(hint: Any, value: Any, by_s: float) -> Any:
    if _is_moment(hint) and isinstance(value, float | int):
        return value + by_s
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        moved = {name: _shifted(found, getattr(value, name), by_s) for name, found in _holding(type(value)).items()}
        return dataclasses.replace(value, **moved) if moved else value
    if isinstance(value, tuple):
        return tuple(_shifted(found, item, by_s) for found, item in zip(_items(hint, value), value, strict=True))
    return value


def _is_moment(hint: Any) -> bool:
    return hint == Moment or any(arg == Moment for arg in _options(hint))


def _options(hint: Any) -> tuple[Any, ...]:
    """What a union is made of; nothing for any other type."""
    return () if get_origin(hint) in (None, tuple, Annotated) else get_args(hint)


def _items(hint: Any, value: Sequence[Any]) -> Sequence[Any]:
    """The type of each item of a tuple."""
    args = get_args(hint)
    return [args[0]] * len(value) if len(args) == 2 and args[1] is Ellipsis else args or [None] * len(value)


@functools.cache
def _holding(kind: type) -> dict[str, Any]:
    """The fields of a dataclass, by name, that are moments or may hold some."""
    hints = get_type_hints(kind, include_extras=True)
    found = {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}
    return {name: hint for name, hint in found.items() if _may_hold(hint)}


def _may_hold(hint: Any) -> bool:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return bool(_holding(hint))
    parts = (*_options(hint), *(get_args(hint) if get_origin(hint) is tuple else ()))
    return _is_moment(hint) or any(_may_hold(part) for part in parts)
