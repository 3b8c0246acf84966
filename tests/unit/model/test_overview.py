"""The order and the word for the health of companies."""

from __future__ import annotations

import pytest

from baileykeep.model.overview import HEALTHS, CompanyView, FilesView, unhealthy, worst_first
from tests.fakes.overview import company


def files(counted: int) -> FilesView:
    return {"total": 500, "counted": counted, "level": "healthy", "reclaimable": 0}


def order(*companies: CompanyView) -> list[str]:
    return [view["id"] for view in worst_first(list(companies))]


def test_down_comes_before_trouble_before_watch_before_ok() -> None:
    assert HEALTHS == ("ok", "watch", "trouble", "down")
    assert order(*(company(health, health=health) for health in HEALTHS)) == ["down", "trouble", "watch", "ok"]


def test_a_word_that_this_version_does_not_know_is_shown_first() -> None:
    assert order(company("a", health="down"), company("b", health="melting")) == ["b", "a"]


def test_among_equals_more_counted_files_come_first_and_then_the_id() -> None:
    assert order(
        company("c", files=files(1)), company("b", files=None), company("a", files=None), company("d", files=files(2))
    ) == ["d", "c", "a", "b"]


@pytest.mark.parametrize(("health", "bad"), [("ok", False), ("watch", False), ("trouble", True), ("down", True)])
def test_only_trouble_and_down_need_somebody(health: str, bad: bool) -> None:
    assert unhealthy(health) is bad
