"""The promises about actions that are checked while the daemon runs, each just before the effect it is about.

`INVARIANTS` is the list; each check's docstring is the promise as the documentation states it. A check looks at what
is known (`watch`), at what is about to happen (`evidence`) and at the limits, and answers with what is wrong, or
with an empty text. It decides from evidence and its own arithmetic, never by asking the rules that it watches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from baileykeep.model.evidence import Ended, Evidence, LookedAgain, Removed, Resumed, StepBegun
from baileykeep.model.limits import Limits
from baileykeep.rules import invariants_begin as begin
from baileykeep.rules import invariants_files as files
from baileykeep.rules import invariants_steps as steps
from baileykeep.rules.watch import Watch, fold

Check = Callable[[Watch, Evidence, Limits], str]

INVARIANTS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        begin.one_action_at_a_time,
        begin.nothing_new_while_held,
        begin.network_and_brake_obeyed,
        begin.looks_first_after_a_start,
        begin.rungs_in_order,
        begin.cooldowns_kept,
        begin.windows_kept,
        begin.daily_budget_kept,
        begin.login_ends_only_with_consent,
        begin.no_cleanup_after_a_clock_jump,
        steps.intent_before_effect,
        steps.looked_again_before_acting,
        steps.nothing_repeated_blindly,
        steps.stopped_before_files_change,
        files.backup_before_removal,
        files.removed_within_plan_within_listing,
        files.never_list_kept,
        files.thirty_pre_keys_kept,
        files.age_floor_kept,
        files.group_memory_goes_with_its_key,
        files.nothing_removed_after_a_clock_jump,
        files.only_what_was_planned_is_gone,
        steps.damaged_creds_are_not_opened,
        steps.healed_means_verified,
        steps.session_started_again,
    )
}
"""Every promise by its name, in the order in which an action meets them."""

AFTERWARDS = (Resumed, LookedAgain, Removed, Ended)
"""Sights of what has happened already: a breach in them is told and bars what comes next, but nothing is undone."""


def step(watch: Watch, evidence: Evidence, limits: Limits) -> tuple[Watch, tuple[tuple[str, str], ...]]:
    """Check one piece of evidence and take it in; returns the breaches as (invariant, what is wrong).

    What is barred by a breach does not happen, so it is not taken in either.
    """
    found = ((name, check(watch, evidence, limits)) for name, check in INVARIANTS.items())
    breaches = tuple((name, wrong) for name, wrong in found if wrong)
    if breaches and is_barred(evidence):
        return watch, breaches
    return fold(watch, evidence, limits), breaches


def is_barred(evidence: Evidence) -> bool:
    """Whether a breach keeps this from happening: all that is still ahead, except what must come whatever happens."""
    sight = evidence.sight
    return not (isinstance(sight, AFTERWARDS) or (isinstance(sight, StepBegun) and sight.must_come))


def promise(name: str) -> str:
    """An invariant as one sentence for people: its check's documentation, without the full stop.

    Where Python was told to leave documentation out, only its name is left.
    """
    return " ".join((INVARIANTS[name].__doc__ or name).split()).removesuffix(".")
