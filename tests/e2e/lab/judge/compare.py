"""What differs between two observations: pure, so that the report can be tested without any Baileys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.e2e.lab.judge.observe import Observation


@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading, and a line for each difference below it."""

    heading: str
    lines: tuple[str, ...]


def compare(pinned: Observation, other: Observation) -> tuple[Chapter, ...]:
    """Everything that changed from the pinned release to the other one; chapters without any change are left out."""
    upload = {"at first": (pinned.uploads or [0])[0]}, {"at first": (other.uploads or [0])[0]}
    chapters = (
        ("The walk", _turned(pinned.steps, other.steps)),
        ("Pre-keys uploaded", _counts(*upload)),
        ("Names of files", _names(pinned.shapes, other.shapes)),
        ("Names that Baileykeep does not know: never cleaned, not counted", _names(pinned.unknown, other.unknown)),
        ("Files by kind", _counts(pinned.files, other.files)),
        ("Keys of creds.json", _names(pinned.creds, other.creds)),
        ("Log on stdout", _names(pinned.stdout, other.stdout)),
        ("Log on stderr", _names(pinned.stderr, other.stderr)),
        ("Fields of log records", _fields(pinned.fields, other.fields)),
        ("What Baileykeep reads in these logs", _counts(pinned.signs, other.signs)),
    )
    return tuple(Chapter(heading, found) for heading, lines in chapters if (found := tuple(lines)))


def _turned(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for step in before:
        if before[step] != after.get(step):
            yield f"{step}: {before[step]} → {after.get(step, 'not tried')}"


def _names(before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    old, new = set(before), set(after)
    yield from (f"new:  `{name}`" for name in sorted(new - old))
    yield from (f"gone: `{name}`" for name in sorted(old - new))


def _counts(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name, 0), after.get(name, 0)
        if old != new:
            yield f"{name}: {old} → {new}"


def _fields(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> Iterator[str]:
    """Only of records that both have: those of new ones are all new."""
    for text in sorted(before.keys() & after.keys()):
        gone, new = sorted({*before[text]} - {*after[text]}), sorted({*after[text]} - {*before[text]})
        if gone or new:
            parts = (f"{word} {', '.join(names)}" for word, names in (("new", new), ("gone", gone)) if names)
            yield f"`{text}`: {'; '.join(parts)}"
