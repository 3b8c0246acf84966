"""The list of promises, a whole action that keeps every one, and what is remembered of actions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baileykeep.model.evidence import Ended, Intended, Looked, StepBegun
from baileykeep.model.incident import Outcome, Rung
from baileykeep.model.limits import DAY
from baileykeep.rules import invariants_steps as steps
from baileykeep.rules.invariants import INVARIANTS, promise
from baileykeep.rules.watch import MOST_TRIES, Watch
from baileykeep.rules.words_steps import STEPS
from tests.unit.rules.sights import BEGUN, NOW, WHOLE_CLEANUP, attempt, begun, resumed, told


def test_every_promise_is_one_sentence_and_has_its_own_name() -> None:
    texts = [promise(name) for name in INVARIANTS]
    assert len(set(texts)) == len(texts)
    assert promise("network_and_brake_obeyed") == (
        "Offline, or with WhatsApp out of reach, nothing is begun by itself, and under the fleet brake only what a "
        "code proved, or the restart of a gateway's process"
    )
    assert all(30 < len(text) < 300 and "\n" not in text and not text.endswith(".") for text in texts)


def test_every_step_of_every_action_is_of_one_kind() -> None:
    kinds = (steps.HARMLESS, steps.ON_SESSION, steps.ON_FILES)
    assert frozenset().union(*kinds) == set(STEPS)
    assert sum(map(len, kinds)) == len(STEPS)


def test_a_whole_cleanup_keeps_every_promise_and_leaves_only_its_try() -> None:
    watch, found = told(*WHOLE_CLEANUP)
    assert found == []
    assert watch.act is None
    assert [(t.rung, t.by_itself) for t in watch.tries] == [(Rung.CLEANUP, True)]


def test_without_its_documentation_a_promise_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under `python -OO`."""
    monkeypatch.setattr(steps.intent_before_effect, "__doc__", None)
    assert promise("intent_before_effect") == "intent_before_effect"
    assert set(INVARIANTS) > {promise("intent_before_effect")}


def test_what_a_dead_daemon_left_is_taken_up_even_where_it_should_not_have_been() -> None:
    watch, found = told((begun(), 0), (resumed(Rung.CLEANUP, "stop"), 0))
    assert found == ["one_action_at_a_time"]
    assert watch.act is not None
    assert (watch.act.rung, watch.act.owes_start) == (Rung.CLEANUP, True)


def test_what_is_barred_is_not_taken_in_and_what_happened_is() -> None:
    watch, _ = told(*BEGUN, (StepBegun("remove"), 0))
    assert watch.act is not None
    assert watch.act.steps == ()
    watch, _ = told(*BEGUN, (StepBegun("stop", journaled=False, must_come=True), 0))
    assert watch.act is not None
    assert watch.act.steps == ("stop",)


def test_a_try_that_did_nothing_is_forgotten_and_an_untouched_one_marked() -> None:
    watch, _ = told(*BEGUN, (Ended(attempt(outcome=Outcome.SUPERSEDED)), 0))
    assert watch.tries == ()
    watch, _ = told(*BEGUN, (Ended(attempt(outcome=Outcome.FAILED, untouched=True)), 0))
    assert [t.untouched for t in watch.tries] == [True]
    another = replace(watch.tries[0], action="a0", begun_at=NOW - 2 * DAY, untouched=False)
    for untouched in (True, False):
        ended = (Ended(attempt(outcome=Outcome.FAILED, untouched=untouched)), 0)
        watch, _ = told(*BEGUN, ended, watch=Watch(None, (another,)))
        assert [(t.action, t.untouched) for t in watch.tries] == [("a0", False), ("a1", untouched)]


def test_old_tries_are_forgotten_and_their_number_is_bounded() -> None:
    watch, _ = told(*WHOLE_CLEANUP)
    old = Watch(None, tuple(replace(watch.tries[0], action=f"b{n}", begun_at=n) for n in range(5)))
    again, _ = told((resumed(Rung.CLEANUP), 0), watch=old)
    assert [t.action for t in again.tries] == ["a1"]
    many = Watch(None, tuple(replace(watch.tries[0], action=f"b{n}") for n in range(MOST_TRIES + 9)))
    again, _ = told((resumed(Rung.CLEANUP), 0), watch=many)
    assert len(again.tries) == MOST_TRIES
    assert again.tries[-1].action == "a1"


def test_sights_of_no_action_change_nothing() -> None:
    assert told((Intended(), 0), (Looked(True), 0))[0] == Watch()
