from __future__ import annotations

import math

from baileykeep.watchers.poll_plan import PollPlan


def planned(*companies: str) -> PollPlan:
    plan = PollPlan()
    plan.keep_only(companies, 0.0)
    return plan


def test_the_longest_overdue_comes_first_and_only_once() -> None:
    plan = planned("a", "b")
    plan.put("a", 5.0)
    assert [plan.take(10.0), plan.take(10.0), plan.take(10.0)] == ["b", "a", None]
    assert plan.next_due() == math.inf


def test_what_is_not_due_is_not_taken() -> None:
    plan = planned("a")
    plan.put("a", 5.0)
    assert plan.take(4.9) is None
    assert plan.next_due() == 5.0


def test_a_company_asked_for_while_it_is_out_is_due_at_once_again() -> None:
    plan = planned("a")
    plan.take(0.0)
    plan.put("a", 1.0)
    plan.put_back("a", 99.0)
    assert plan.next_due() == 1.0


def test_a_company_that_went_while_it_was_out_does_not_come_back() -> None:
    plan = planned("a", "b")
    plan.take(0.0)
    assert plan.keep_only(["b"], 0.0) == ["a"]
    plan.put_back("a", 1.0)
    assert "a" not in plan


def test_spreading_leaves_even_gaps() -> None:
    plan = planned("a", "b", "c", "d")
    plan.spread(10.0, 4.0)
    due = []
    while (moment := plan.next_due()) < math.inf:
        due.append(moment)
        plan.take(moment)
    assert due == [10.0, 11.0, 12.0, 13.0]
