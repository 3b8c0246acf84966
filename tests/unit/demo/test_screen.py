"""The demo's screen fits 80 by 24, whatever it has to show."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console, RenderableType

from baileykeep.demo.feed import Line, Verb
from baileykeep.demo.screen import Ending, Picture, Result, Row, last_screen, screen, wrapped

AT = 1_800_000_000.0
ROWS = (
    Row("Harbor Dental", "down", "down 14 min", 64, "healthy", "Held: its gateway still has time"),
    Row("Bella Salon", "trouble", "connected", 71, "healthy", "Watching that it stays connected"),
    Row("Kiosk 24", "watch", "connecting", None, "", "–"),
)
LONG = "Backed up and cleaned the folder: it works again (68 files removed, backup 20261120T124920Z-cold-5ece kept)."
HARBOR = Result("Harbor Dental", "dropped and did not come back", True, "Reconnected", 960, 0, 885, True)
BELLA = Result("Bella Salon", "Bad MAC from two contacts", True, "Set the broken contact sessions aside", 90, 2, 897,
               True)  # fmt: skip
ENDING = Ending((HARBOR, BELLA), 1560, 34, 6, 6, 3, 4)


def shown(what: RenderableType, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=24, record=True, highlight=False)
    console.print(what)
    return [line.rstrip() for line in console.export_text().splitlines()]


def picture(count: int) -> Picture:
    lines = [Line(AT + n, "Kiosk 24", Verb.HEALED, f"{n}. {LONG}") for n in range(count)]
    return Picture(AT, 50, ROWS, lines)


@pytest.mark.parametrize("count", [0, 1, 5, 60])
def test_it_fills_the_terminal_exactly_from_the_first_moment_to_the_last(count: int) -> None:
    lines = shown(screen(picture(count), 80, 23))
    assert len(lines) == 23
    assert max(map(len, lines)) <= 80


def test_the_newest_lines_are_the_ones_that_stay() -> None:
    text = "\n".join(shown(screen(picture(60), 80, 23)))
    assert "59. Backed up" in text
    assert " 1. Backed up" not in text


def test_every_company_is_there_with_state_files_and_what_happens_now() -> None:
    text = "\n".join(shown(screen(picture(1), 80, 23)))
    for word in ("Harbor Dental", "down 14 min", " 64 healthy", "Watching that it stays", "Kiosk 24", "× 50"):
        assert word in text


def test_a_long_line_goes_on_below_under_its_own_text() -> None:
    first, *rest = wrapped(Line(AT, "Kiosk 24", Verb.HEALED, LONG))
    assert first.split()[1:4] == ["Kiosk", "24", "healed"]
    assert rest
    assert all(line.startswith(" " * 30) and len(line) <= 80 for line in rest)
    assert " ".join([first[30:], *(line.strip() for line in rest)]).replace("- ", "-") == LONG


def test_a_terminal_obeys_nothing_that_is_shown() -> None:
    assert "\x1b" not in wrapped(Line(AT, "\x1b[2J", Verb.SAW, "a\x1b]0;b"))[0]


def test_the_last_screen_says_what_was_done_and_what_was_left_alone() -> None:
    lines = shown(last_screen(ROWS, ENDING))
    text = "\n".join(lines)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "All 2 healed in 26 min of the demo's time, 34 s of yours." in text
    assert "Files taken out: 2 of 899." in text
    assert "nobody had to scan a QR code" in text
    assert "6 kept, every one read again just now and whole" in text
    assert "baileykeep init" in text


def test_the_last_screen_names_who_was_not_healed_and_promises_nothing_that_is_not_so() -> None:
    sick = replace(HARBOR, healed=False, did="No step helped", same_login=False)
    text = "\n".join(shown(last_screen(ROWS, replace(ENDING, results=(sick, BELLA), backups_good=5))))
    assert "Not healed in time: Harbor Dental (" in text
    assert "All 2 healed" not in text
    assert "nobody had to scan" not in text
    assert "only 5 of them whole" in text
