"""Where answers go: JSON or text on standard output, Rich only when something is drawn."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from baileykeep.cli.words import plain

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def emit(answer: Any, as_json: bool, draw: Callable[[Any], RenderableType | str]) -> None:
    """Print an answer as JSON, or as `draw` shows it."""
    if as_json:
        print_json(answer)
        return
    drawn = draw(answer)
    if isinstance(drawn, str):
        line(drawn)
        return
    console().print(drawn)


def print_json(answer: Any) -> None:
    """One JSON value; what a terminal might obey, or could not show, is escaped."""
    text = json.dumps(answer, indent=2, ensure_ascii=False)
    raw("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def line(text: str = "") -> None:
    """One line (or several) on standard output; a terminal does not obey what is in it."""
    raw("\n".join(plain(one) for one in text.split("\n")))


def raw(text: str) -> None:
    """Text of our own on standard output, colours and all."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def console() -> Console:
    """A console on standard output; 80 columns wide where that is no terminal."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False, soft_wrap=False)


def interactive() -> bool:
    """Whether a person sees what we print."""
    return sys.stdout.isatty()


def can_ask() -> bool:
    """Whether a person can answer a question."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def facts(pairs: Mapping[str, str]) -> str:
    """Aligned `name  value` lines; empty values are left out."""
    width = max((len(name) for name in pairs), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in pairs.items() if value)
