"""What the hand-written pages promise must be there: alerts, limits and links."""

import re
from pathlib import Path

import pytest

from baileykeep.model.incident import Cause
from baileykeep.model.limits import Limits
from baileykeep.rules.words import WORDS

DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()
CONCEPTS = (DOCS / "concepts.md").read_text()


@pytest.mark.parametrize("cause", Cause)
def test_every_alert_says_what_to_do(cause: Cause) -> None:
    assert f"| **{WORDS[cause].title}** |" in OPERATIONS


def test_no_alert_is_explained_that_does_not_exist() -> None:
    titles = set(re.findall(r"^\| \*\*(.+?)\*\* \|", OPERATIONS, re.MULTILINE))
    assert titles == {words.title for words in WORDS.values()}


def test_levels_are_told_as_they_are() -> None:
    bounds = Limits().thresholds
    for name, low, high in (
        ("healthy", bounds.healthy, bounds.monitor),
        ("monitor", bounds.monitor, bounds.warning),
        ("warning", bounds.warning, bounds.critical),
        ("critical", bounds.critical, bounds.danger),
        ("danger", bounds.danger, bounds.fatal),
    ):
        assert f"| {low}–{high - 1} | {name} |" in CONCEPTS


@pytest.mark.parametrize("page", [OPERATIONS, CONCEPTS], ids=["operations", "concepts"])
def test_links_lead_somewhere(page: str) -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", page, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", page):
        file, _, anchor = target.partition("#")
        assert not file or (DOCS / file).exists(), target
        assert not anchor or file or anchor in anchors, target


def test_the_diagrams_have_their_place() -> None:
    for name in ("ladder", "timer"):
        assert CONCEPTS.index(f"<!-- {name}:begin -->") < CONCEPTS.index(f"<!-- {name}:end -->")
