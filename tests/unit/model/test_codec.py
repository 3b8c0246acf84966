"""What is persisted comes back as it was: every state of every detector, and all that an action leaves behind."""

from __future__ import annotations

import dataclasses
import importlib
import json
import pkgutil
import types
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import baileykeep.rules
from baileykeep.actions.base import Order
from baileykeep.engine.detectors import COMPANY, GATEWAY, ON_HOST
from baileykeep.engine.ledger import Running
from baileykeep.model.codec import decode, encode
from baileykeep.model.incident import Approval, Attempt, Cause, Incident, Outcome, Rung, Topic
from baileykeep.model.inventory import Inventory
from baileykeep.model.symptoms import HOST, Severity, Symptom, SymptomKind, company
from baileykeep.rules import brake, disconnect
from baileykeep.rules.pre_keys import PoolKnowledge

# --- finding them all ----------------------------------------------------------------------------------------------


def states() -> Iterator[type[Any]]:
    """Every dataclass of the rules that a detector keeps from fact to fact."""
    for module in pkgutil.iter_modules(baileykeep.rules.__path__):
        for name, kind in vars(importlib.import_module(f"baileykeep.rules.{module.name}")).items():
            if dataclasses.is_dataclass(kind) and name.endswith(("State", "Knowledge")) and isinstance(kind, type):
                yield kind


def persisted() -> list[type[Any]]:
    """Those, what the engine registers, and what it stores of its own accord."""
    registered = [detector.kind for detector in (*COMPANY, *GATEWAY, *ON_HOST)]
    others = [brake.State, PoolKnowledge, Incident, Attempt, Approval, Symptom, Inventory, Order, Running]
    return list(dict.fromkeys([*states(), *registered, *others]))


KINDS = persisted()
NAMES = [f"{kind.__module__.removeprefix('baileykeep.')}.{kind.__qualname__}" for kind in KINDS]


def test_every_detector_is_among_them() -> None:
    for detector in (*COMPANY, *GATEWAY, *ON_HOST):
        assert detector.kind in KINDS, detector.name
    assert {"rules.disconnect.State", "rules.reach.GatewayState", "rules.brake.State"} <= set(NAMES)
    assert {"model.incident.Incident", "actions.base.Order", "engine.ledger.Running"} <= set(NAMES)


# --- there and back ------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field may hold; the shapes that the codec promises to carry, and no others."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return JSON
    if origin in (Union, types.UnionType):
        return st.one_of([values(arg) for arg in args])
    if origin is tuple:
        row = args[1:] == (Ellipsis,)
        return st.lists(values(args[0]), max_size=3).map(tuple) if row else st.tuples(*map(values, args))
    if origin is frozenset:
        return st.frozensets(values(args[0]), max_size=3)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(values(args[0]), values(args[1]), max_size=3)
    if dataclasses.is_dataclass(hint):
        return whole(hint)  # type: ignore[arg-type]
    return SIMPLE[hint] if hint in SIMPLE else st.sampled_from(hint)


SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    type(None): st.none(),
    bool: st.booleans(),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(max_size=8),
}


def whole(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.deferred(lambda: st.builds(kind, **{f.name: values(hints[f.name]) for f in dataclasses.fields(kind)}))


def there_and_back(value: Any) -> Any:
    return decode(type(value), json.loads(json.dumps(encode(value))))


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
def test_whatever_is_persisted_comes_back(kind: type[Any], data: st.DataObject) -> None:
    value = data.draw(whole(kind))
    back = there_and_back(value)
    assert back == value
    assert _types(back) == _types(value)


def _types(value: Any) -> Any:
    """Equal is not enough: "up" equals Phase.UP, yet is no Phase."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value), [_types(getattr(value, f.name)) for f in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        return {key: (_types(key), _types(item)) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset):
        return type(value), sorted(map(repr, map(_types, value)))
    return type(value) if isinstance(value, Enum) else None


@pytest.mark.parametrize("kind", [*states(), brake.State], ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_state_has_a_beginning_that_says_nothing(kind: type[Any]) -> None:
    assert there_and_back(kind()) == kind()
    assert decode(kind, {}) == kind()


# --- from one version to the next ----------------------------------------------------------------------------------


def test_what_an_older_version_did_not_store_takes_its_default() -> None:
    assert decode(disconnect.State, {"phase": "warned"}) == disconnect.State(phase=disconnect.Phase.WARNED)


def test_what_a_newer_version_stored_besides_is_ignored() -> None:
    assert decode(disconnect.State, {"mood": "good", "down_s": 5}) == disconnect.State(down_s=5)


def test_a_story_survives_with_everything_in_it() -> None:
    incident = Incident(
        "i1", company("acme"), Topic.HEALTH, Cause.BAD_MAC, Severity.CRITICAL, 1.0, 2.0,
        detail={"addresses": ("1.0", "2.0"), "count": 5, "sure": True, "word": "x", "none": None, "share": 0.5},
        attempts=(Attempt(Rung.REPAIR_SESSIONS, Cause.BAD_MAC, 1.0, "a1", 2.0, Outcome.FAILED, "n", "ann"),),
        approval=Approval(Rung.RELINK, 3, 1.5),
    )  # fmt: skip
    back = there_and_back(incident)
    assert back == incident
    assert back.detail["addresses"] == ("1.0", "2.0")
    assert isinstance(back.attempts[0].rung, Rung)


def test_a_symptom_says_the_same_after_a_restart() -> None:
    symptom = Symptom(HOST, SymptomKind.DISK_LOW, 1.0, detail={"paths": ()})
    assert there_and_back(symptom) == symptom


@dataclasses.dataclass(frozen=True)
class Odd:
    """Shapes that no state has today, and that the codec carries all the same."""

    pair: tuple[int, Rung] = (1, Rung.RESET)
    rungs: frozenset[Rung] = frozenset({Rung.RELINK})
    either: Rung | str = "x"
    maybe: Mapping[Rung, int] | None = None
    row: list[Rung] | None = None
    word_or_row: str | tuple[str, ...] = ()


@pytest.mark.parametrize(
    "value",
    [
        Odd(),
        Odd(maybe={Rung.RELINK: 1}, row=[Rung.RESET]),
        Odd(word_or_row=("a", "b")),
        Odd(word_or_row="a"),
    ],
)
def test_other_shapes_come_back_too(value: Odd) -> None:
    assert there_and_back(value) == value
    assert _types(there_and_back(value)) == _types(value)


def test_a_pair_of_the_wrong_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        decode(Odd, {"pair": [1]})


class Word(str):
    """A plain value of a type that JSON knows by its parent."""

    __slots__ = ()


def test_what_json_can_hold_already_stays_as_it_is() -> None:
    assert encode({"a": Word("x"), Rung.RESET: {1}}) == {"a": "x", "reset": [1]}
