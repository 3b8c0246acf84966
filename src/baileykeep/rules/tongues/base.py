"""The shape of a language: the same texts in each, with the same places to fill in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """One message: `title` is enough on a locked phone, `text` says what happened, `todo` what to do."""

    title: str
    text: str
    todo: str


@dataclass(frozen=True, slots=True)
class Tongue:
    """All that is said in one language.

    Every text may hold {name}; `text` also {since} and {at}, `scan_here` {link}. `time` and `date` make a moment of
    today ({time}) or of another day ({date}, {time}), so that it fits behind the word for "since"; `day` is
    strftime's. `right_to_left` sets what is filled in apart, or it would come out in the wrong order.
    """

    time: str
    date: str
    day: str
    down: Told
    needs_scan: Told
    scan_here: str
    elsewhere: Told
    refused: Told
    unreadable: Told
    connected: Told
    readable: Told
    test: Told
    right_to_left: bool = False
