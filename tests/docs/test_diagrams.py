"""The diagrams are what the rules do: they are drawn from the same tables, and fail here when they are not."""

from __future__ import annotations

import re

import pytest

from baileykeep.model.incident import Rung
from baileykeep.rules.disconnect import TRANSITIONS, Phase
from baileykeep.rules.ladder import GATES, LADDER, SKIPS
from baileykeep.rules.words import WORDS
from tests.docs.diagrams import WIDTH, blocks, filled
from tests.docs.generate import DOCS, FILLED

PAGE = (DOCS / "concepts.md").read_text("utf-8")
BLOCKS = blocks()


@pytest.mark.parametrize("name", sorted(FILLED))
def test_every_block_is_up_to_date(name: str) -> None:
    page = (DOCS / name).read_text("utf-8")
    assert FILLED[name](page) == page, f"docs/{name} is out of date: run `make docs`"


def test_only_what_stands_between_the_markers_is_written() -> None:
    page = "a\n<!-- timer:begin -->\nold\n<!-- timer:end -->\nb\n<!-- ladder:begin --><!-- ladder:end -->\nc\n"
    after = filled(page)
    assert after.startswith("a\n<!-- timer:begin -->\n```text\nup ")
    assert "\nold\n" not in after
    assert "\n<!-- timer:end -->\nb\n<!-- ladder:begin -->\n" in after
    assert after.endswith("\n<!-- ladder:end -->\nc\n")
    assert filled(after) == after


def test_every_transition_and_phase_is_drawn_twice() -> None:
    assert BLOCKS["timer"].count("──►") == len(TRANSITIONS)
    assert len(re.findall(r"^  \w+ --> \w+: ", BLOCKS["timer"], re.MULTILINE)) == len(TRANSITIONS)
    assert all(phase.value in BLOCKS["timer"] for phase in Phase)


def test_every_cause_gate_and_skip_is_drawn() -> None:
    for cause in LADDER:
        assert f"{WORDS[cause].title.lower()} " in BLOCKS["ladder"].lower()
        assert f"  {cause}([" in BLOCKS["ladder"]
    for number, gate in enumerate(GATES, 1):
        assert f"| {number} | {gate.__name__} | " in BLOCKS["ladder"]
    for rung in SKIPS:
        assert f"| {rung.value.replace('_', ' ')} | " in BLOCKS["ladder"]


def test_every_rung_that_is_climbed_says_when_it_is_left_out() -> None:
    assert {rung for rungs in LADDER.values() for rung in rungs} == set(SKIPS)
    assert all((check.__doc__ or "").strip() for check in (*SKIPS.values(), *GATES))


def test_ending_a_login_is_drawn_as_a_question() -> None:
    lines = [line for line in BLOCKS["ladder"].splitlines() if f" {Rung.RELINK}" in line and "──►" in line]
    assert len(lines) == sum(Rung.RELINK in rungs for rungs in LADDER.values())
    assert all(f"{Rung.RELINK}?" in line for line in lines)


def test_plain_text_fits_a_terminal() -> None:
    for text in BLOCKS.values():
        for fence in re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            assert max(map(len, fence.splitlines())) <= WIDTH
