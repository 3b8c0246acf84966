"""The tables and diagrams of `docs/concepts.md`, from the tables that the rules run on.

Each is drawn twice: as Mermaid for a browser, and as plain text for a terminal.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping

from baileykeep.model.facts import ConnState
from baileykeep.model.incident import Cause, Rung
from baileykeep.model.limits import DisconnectLimits
from baileykeep.rules.case import Case
from baileykeep.rules.disconnect import TRANSITIONS, Event, Phase
from baileykeep.rules.ladder import GATES, HUMAN_ONLY, LADDER, SKIPS
from baileykeep.rules.questions import question
from baileykeep.rules.view import Timer
from baileykeep.rules.words import WORDS, duration
from tests.docs.markdown import table
from tests.unit.rules.cases import case, inventory, view

WIDTH = 80
"""No line of a plain diagram is longer: it is read on a terminal, too."""

LINE = 120
"""Prose is wrapped here, like the rest of the page."""


def blocks() -> Mapping[str, str]:
    """Marker -> what stands between its `begin` and its `end`."""
    return {"timer": timer(), "ladder": ladder()}


def filled(page: str) -> str:
    """The page with every block as it should be."""
    for name, text in blocks().items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        head, _, rest = page.partition(begin)
        _, _, tail = rest.partition(end)
        page = f"{head}{begin}\n{text}\n{end}{tail}"
    return page


# --- the timer ---------------------------------------------------------------------------------------------------


def timer() -> str:
    """What moves the timer, from its table of transitions."""
    limits = DisconnectLimits()
    events = {
        Event.CLOSED: "not connected",
        Event.OPENED: "connected and paired",
        Event.WARN_DUE: f"down for {duration(limits.warn_after_s)}",
        Event.ACT_DUE: f"down for {duration(limits.act_after_s)}",
    }
    moves = [(start, events[event], end) for (start, event), end in TRANSITIONS.items()]
    plain = [f"{start:<8} ──({what})──► {end}" for start, what, end in moves]
    mermaid = ["stateDiagram-v2", f"  [*] --> {Phase.UP}", *(f"  {a} --> {b}: {what}" for a, what, b in moves)]
    return f"{_fenced('text', plain)}\n\n{_fenced('mermaid', mermaid)}"


# --- the ladder --------------------------------------------------------------------------------------------------


def ladder() -> str:
    """Which rungs each cause has, when one is left out, and when it waits."""
    return "\n\n".join(
        [
            "`?` means that a human is asked first, by default or where it is not sure.",
            _fenced("text", [_chain(cause) for cause in LADDER]),
            _fenced("mermaid", ["flowchart LR", *_arrows()]),
            textwrap.fill(f"Straight to a human: {_titles(HUMAN_ONLY)}. All other causes are told and watched.", LINE),
            "A rung is *left out*, and the next one looked at, when:",
            table(("rung", "left out when"), [(_name(rung), _doc(skip)) for rung, skip in SKIPS.items()]),
            "An applicable rung *waits* at these gates, asked in this order; the first that says no is the reason:",
            table(("#", "gate", "says no"), [(f"{n}", g.__name__, _doc(g)) for n, g in enumerate(GATES, 1)]),
            _fenced("mermaid", ["flowchart TD", *_decision()]),
        ]
    )


def _chain(cause: Cause) -> str:
    """One line: "disconnected ──► reconnect ──► cleanup ──► relink? ──► human"."""
    return f"{_title(cause):<30} ──► {' ──► '.join([*_rungs(cause), 'human'])}"


def _arrows() -> Iterable[str]:
    yield "  human((human))"
    for cause in LADDER:
        steps = [f'{cause}_{n}["{rung}"]' for n, rung in enumerate(_rungs(cause))]
        yield f'  {cause}(["{_title(cause)}"]) --> {" --> ".join([*steps, "human"])}'


def _rungs(cause: Cause) -> list[str]:
    return [f"{_name(rung)}{'?' if question(_plain(cause), rung) else ''}" for rung in LADDER[cause]]


def _plain(cause: Cause) -> Case:
    """A case in which nothing else is wrong; full folders are those of connected sessions."""
    if cause in (Cause.FILES_CRITICAL, Cause.FILES_DANGER):
        return case(cause, seen=view(conn=ConnState.CONNECTED, timer=Timer(), inventory=inventory(190, 100)))
    return case(cause)


def _decision() -> Iterable[str]:
    yield '  look["look again at the cause"] --> next{"a rung left?"}'
    yield '  next -- no --> human["call a human"]'
    yield '  next -- yes --> skip{"does it apply?"}'
    yield "  skip -- no --> next"
    yield '  hold["hold, and say why"]'
    names = [gate.__name__ for gate in GATES]
    for before, name in zip(["skip", *names], names, strict=False):
        yield f'  {before} -- {"yes" if before == "skip" else "open"} --> {name}{{"{name}"}}'
        yield f"  {name} -- wait --> hold"
    yield f'  {names[-1]} -- open --> question{{"must a human agree?"}}'
    yield '  question -- no --> act["journal it, then act"]'
    yield '  question -- yes --> ask["ask"]'
    yield "  ask -- approved --> act"
    yield "  ask -- rejected, expired --> next"
    yield '  act --> verify{"connected and paired, steadily?"}'
    yield "  verify -- no --> next"
    yield '  verify -- yes --> healed["healed: the story closes"]'


def _titles(causes: Iterable[Cause]) -> str:
    return ", ".join(sorted(map(_title, causes), key=str.lower))


def _title(cause: Cause) -> str:
    title = WORDS[cause].title
    return title if title[:2].isupper() else f"{title[:1].lower()}{title[1:]}"


def _name(rung: Rung) -> str:
    return rung.value.replace("_", " ")


def _doc(check: object) -> str:
    """The first sentence of its documentation, without the full stop."""
    text = re.split(r"\n\n", check.__doc__ or "")[0]
    return " ".join(text.split()).rstrip(".")


def _fenced(language: str, lines: Iterable[str]) -> str:
    return "\n".join([f"```{language}", *lines, "```"])
