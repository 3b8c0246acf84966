"""The report on a release, as Markdown that reads well on a terminal, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.e2e.lab.judge.compare import Chapter
from tests.e2e.lab.judge.observe import Observation

WIDTH = 120


@dataclass(frozen=True, slots=True)
class Story:
    """One story that was run; `failure` is the first line of what went wrong, empty when it held.

    `wavered` is that of a first try after which a second one held, `place` is how pytest finds it.
    """

    name: str
    failure: str = ""
    place: str = ""
    wavered: str = ""


def report(package: str, pinned: Observation, other: Observation, chapters: Sequence[Chapter], stories: Sequence[Story]
) -> str:  # fmt: skip
    """The whole text."""
    return "\n".join(_lines(package, pinned, other, chapters, stories)) + "\n"


def _lines(
    package: str, pinned: Observation, other: Observation, chapters: Sequence[Chapter], stories: Sequence[Story]
) -> Iterator[str]:
    failed = [story for story in stories if story.failure]
    yield f"# {package}, compared with {pinned.version}"
    yield ""
    yield f"{len(stories) - len(failed)} of {len(stories)} stories hold. {_walked(other)}"
    if failed:
        yield "\n## Stories that do not hold\n"
        yield from (f"- {story.name}: {story.failure[:WIDTH]}" for story in failed)
    wavered = [story for story in stories if story.wavered]
    if wavered:
        yield "\n## Stories that hold only at the second try\n"
        yield from (f"- {story.name}: {story.wavered[:WIDTH]}" for story in wavered)
    for chapter in chapters:
        yield f"\n## {chapter.heading}\n"
        yield from (f"- {line}" for line in chapter.lines)
    if not chapters:
        yield "\nNothing changed in files and logs."


def _walked(seen: Observation) -> str:
    bad = [step for step, how in seen.steps.items() if how != "ok"]
    return f"In the walk, these steps failed: {', '.join(bad)}." if bad else "Every step of the walk worked."
