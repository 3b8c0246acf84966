"""Moments move along with a clock that is set, and no remembered moment is forgotten."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest

from baileykeep.engine.detectors import COMPANY, GATEWAY, ON_HOST
from baileykeep.model.evidence import Try
from baileykeep.model.incident import Approval, Attempt, Cause, Incident, Rung, StoryLine, Topic
from baileykeep.model.moments import Moment, shifted
from baileykeep.model.symptoms import Severity, Symptom, company
from baileykeep.rules import brake

AS_SAID = {
    "StoryLine.at": "what people were told stays as it was told",
    "Incident.detail": "the same",
    "Symptom.detail": "the same",
    "GatewayState.written_at": "a file's own stamp",
}
"""Moments that stay, and why."""

KEPT: tuple[type, ...] = (
    *(d.kind for d in (*COMPANY, *GATEWAY, *ON_HOST)),
    brake.State,
    Incident,
    Attempt,
    Symptom,
    Try,
)


@dataclass(frozen=True)
class Inner:
    since: Moment | None
    share: float


@dataclass(frozen=True)
class Outer:
    at: Moment
    times: tuple[Moment, ...]
    samples: tuple[tuple[Moment, int], ...]
    inners: tuple[Inner, ...]
    one: Inner | None
    name: str = "x"
    length_s: float = 5.0


def test_every_moment_moves_and_nothing_else() -> None:
    before = Outer(10.0, (1.0, 2.0), ((3.0, 7),), (Inner(4.0, 0.5), Inner(None, 0.5)), Inner(6.0, 0.5))
    after = Outer(110.0, (101.0, 102.0), ((103.0, 7),), (Inner(104.0, 0.5), Inner(None, 0.5)), Inner(106.0, 0.5))
    assert shifted(before, 100.0) == after
    assert shifted(dataclasses.replace(before, one=None), 100.0) == dataclasses.replace(after, one=None)


def test_a_story_moves_and_its_lines_stay_as_they_were_told() -> None:
    attempt = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, 20.0, "a1", ended_at=25.0)
    question = Approval(Rung.RELINK, 3, 30.0, answered_at=31.0)
    story = Incident(
        "i1", company("acme"), Topic.HEALTH, Cause.DISCONNECTED, Severity.WARNING, 10.0, 11.0, attempts=(attempt,),
        story=(StoryLine(10.0, "Disconnected."),), approval=question, clear_since=40.0,
    )  # fmt: skip
    after = shifted(story, 100.0)
    assert (after.opened_at, after.updated_at, after.clear_since, after.closed_at) == (110.0, 111.0, 140.0, None)
    assert after.attempts == (dataclasses.replace(attempt, begun_at=120.0, ended_at=125.0),)
    assert after.approval == dataclasses.replace(question, asked_at=130.0, answered_at=131.0)
    assert after.story == story.story


@pytest.mark.parametrize("kind", sorted(set(KEPT), key=str))
def test_no_moment_that_is_kept_is_forgotten(kind: type[Any]) -> None:
    """A number that is no length (`_s`), share or count is a moment, or stands in the list of those that stay."""
    unmarked = [name for name in _plain_floats(kind) if not re.search(r"(_s|share|quiet|r2)$", name)]
    assert [name for name in unmarked if name not in AS_SAID] == []


def _plain_floats(kind: type[Any]) -> Iterator[str]:
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for part in _parts(hint):
            if part is float:
                yield f"{kind.__name__}.{name}"
            elif dataclasses.is_dataclass(part) and isinstance(part, type):
                yield from _plain_floats(part)


def _parts(hint: Any) -> Iterator[Any]:
    if get_origin(hint) in (None, Annotated):
        yield hint
        return
    for arg in get_args(hint):
        yield from _parts(arg)
