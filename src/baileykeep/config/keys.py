"""Every key that a configuration file may hold: for suggestions, for the reference and for `config show`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from baileykeep.config.fields import kind_of
from baileykeep.config.units import format_duration

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: its name in its table, what it holds, its default as written ("" for none), and its line of doc."""

    name: str
    kind: str
    default: str
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One table: its header as written in TOML ("" for the top of the file), its doc and its keys."""

    header: str
    doc: str
    keys: tuple[Key, ...]


def name_of(field_name: str, field: FieldInfo) -> str:
    """The key in TOML for a model's field."""
    return field.alias or field_name


def table_in(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The model inside an annotation, and how it is written: "table", "named" (a table of tables) or "array"."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, "table"
    origin = get_origin(annotation)
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    if origin is dict:
        return table_in(arguments[1])[0], "named"
    if origin in (tuple, list):
        return table_in(arguments[0])[0], "array"
    if not arguments or origin is Literal:
        return None, ""
    return table_in(arguments[0])


def sections(model: type[BaseModel], header: str = "") -> Iterator[Section]:
    """The table itself and then each table in it, in the order of the schema."""
    plain, tables = [], []
    for field_name, field in model.model_fields.items():
        inner, shape = table_in(field.annotation)
        if inner is None:
            plain.append(_key(field_name, field))
        else:
            tables.append((_header(header, name_of(field_name, field), shape), inner))
    if plain:
        yield Section(header, (model.__doc__ or "").strip(), tuple(plain))
    for inner_header, inner in tables:
        yield from sections(inner, inner_header)


def _header(outer: str, name: str, shape: str) -> str:
    bare = outer.strip("[]")
    path = f"{bare}.{name}" if bare else name
    if shape == "named":
        path += ".<name>"
    return f"[[{path}]]" if shape == "array" else f"[{path}]"


def _key(field_name: str, field: FieldInfo) -> Key:
    kind = kind_of(field.annotation, field.metadata) or _literal(field.annotation)
    default = "" if field.is_required() else written_value(field.default, kind)
    return Key(name_of(field_name, field), kind, default, field.description or "", field.is_required())


def _literal(annotation: Any) -> str:
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is Literal:
            return " or ".join(f'"{choice}"' for choice in get_args(part))
    return "text"


def written_value(value: Any, kind: str = "") -> str:
    """A value as it is written in TOML; secrets are never shown, None is ""."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return '"(hidden)"'
    if isinstance(value, bool):
        return str(value).lower()
    if kind == "duration":
        return f'"{format_duration(value)}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(written_value(item) for item in value) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return f'"{value.strftime("%H:%M")}"' if isinstance(value, time) else f'"{value}"'


@dataclass(frozen=True, slots=True)
class Unknown:
    """A key that the schema does not have, and what was perhaps meant ("" when nothing is close)."""

    path: Path
    meant: str


def unknown_keys(model: type[BaseModel], data: Mapping[str, Any]) -> list[Unknown]:
    """Every key of `data` that has no place in `model`."""
    homes = _homes(model)
    return list(_unknown(model, data, (), homes))


def _unknown(
    model: type[BaseModel], data: Mapping[str, Any], path: Path, homes: Mapping[str, list[str]]
) -> Iterator[Unknown]:
    known = {name_of(name, field): field for name, field in model.model_fields.items()}
    for key, value in data.items():
        if key not in known:
            yield Unknown((*path, key), _meant(key, known, homes))
            continue
        inner, shape = table_in(known[key].annotation)
        if inner is not None:
            for step, table in _tables(value, shape):
                yield from _unknown(inner, table, (*path, key, *step), homes)


def _tables(value: Any, shape: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if shape == "table":
        candidates: Iterable[tuple[Path, Any]] = [((), value)]
    elif shape == "named" and isinstance(value, Mapping):
        candidates = [((name,), table) for name, table in value.items()]
    elif shape == "array" and isinstance(value, list):
        candidates = [((index,), table) for index, table in enumerate(value)]
    else:
        candidates = []
    return ((step, table) for step, table in candidates if isinstance(table, Mapping))


def _meant(key: str, known: Iterable[str], homes: Mapping[str, list[str]]) -> str:
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)
    if close:
        return close[0]
    elsewhere = difflib.get_close_matches(key, list(homes), n=1, cutoff=0.85)
    return homes[elsewhere[0]][0] if elsewhere else ""


def _homes(model: type[BaseModel]) -> dict[str, list[str]]:
    homes: dict[str, list[str]] = {}
    for section in sections(model):
        prefix = section.header.strip("[]")
        for key in section.keys:
            homes.setdefault(key.name, []).append(f"{prefix}.{key.name}" if prefix else key.name)
    return homes
