"""What the model itself decides: how errors read, how subjects are named, how severities and levels compare."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from baileykeep.model import errors as errors_module
from baileykeep.model import overview
from baileykeep.model.errors import BaileykeepError, ChannelError, ConfigError, Refused, UsageError
from baileykeep.model.incident import Attempt, Cause, Rung
from baileykeep.model.inventory import NEVER_CLEANED, Category, Level
from baileykeep.model.limits import MIN_AGE_FLOOR_DAYS, MIN_PRE_KEYS, Limits
from baileykeep.model.symptoms import HOST, Scope, Severity, Subject, company, gateway
from tests.unit.rules.cases import incident


def errors() -> list[type[BaileykeepError]]:
    kinds = [kind for kind in vars(errors_module).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, BaileykeepError)]


@pytest.mark.parametrize("kind", errors(), ids=lambda kind: kind.__name__)
def test_an_error_says_what_happened_and_what_to_do(kind: type[BaileykeepError]) -> None:
    assert str(kind("it broke")) == "it broke"
    error = kind("it broke", next_step="mend it")
    assert str(error) == "it broke; mend it"
    assert (error.cause, error.next_step) == ("it broke", "mend it")
    assert error.code == kind.code
    assert error.code.isidentifier()


def test_an_error_may_be_more_precise_than_its_class() -> None:
    error = UsageError("no such company", code="unknown_company", permanent=False)
    assert (error.code, error.permanent, UsageError.code) == ("unknown_company", False, "usage")


def test_exit_codes_follow_the_tree() -> None:
    codes = {kind.__name__: kind.exit_code for kind in (BaileykeepError, UsageError, ConfigError, Refused)}
    assert codes == {"BaileykeepError": 1, "UsageError": 2, "ConfigError": 2, "Refused": 3}


def test_a_channel_may_say_when_to_come_back() -> None:
    error = ChannelError("flooded", retry_after_s=7.0)
    assert (error.retry_after_s, error.permanent) == (7.0, False)


@pytest.mark.parametrize("subject", [HOST, company("a:b"), gateway("main"), company("")])
def test_a_subject_is_read_back_from_its_name(subject: Subject) -> None:
    assert Subject.parse(str(subject)) == subject
    assert sorted([company("b"), HOST, company("a")]) == [company("a"), company("b"), HOST]
    assert {company("a").scope, gateway("a").scope, HOST.scope} == set(Scope)


def test_severities_and_levels_rise_in_the_order_in_which_they_are_written() -> None:
    assert [s.rank for s in Severity] == [0, 1, 2, 3]
    assert [level.rank for level in Level] == list(range(7))


def test_only_three_categories_are_ever_cleaned() -> None:
    assert set(Category) - NEVER_CLEANED == {Category.SESSION, Category.SENDER_KEY, Category.PRE_KEY}


def test_attempts_are_found_by_rung_and_cause() -> None:
    first = Attempt(Rung.RECONNECT, Cause.PHANTOM, 1.0, "a1")
    second = Attempt(Rung.RECONNECT, Cause.DISCONNECTED, 2.0, "a2")
    story = incident(Cause.DISCONNECTED, first, second)
    assert story.tried(Rung.RECONNECT) == (first, second)
    assert story.tried(Rung.RECONNECT, Cause.DISCONNECTED) == (second,)
    assert story.tried(Rung.CLEANUP) == ()


def test_every_limit_has_its_line_of_documentation() -> None:
    for group in dataclasses.fields(Limits):
        for limit in dataclasses.fields(getattr(Limits(), group.name)):
            assert limit.metadata["doc"], f"{group.name}.{limit.name}"


def test_hard_floors_are_the_domains() -> None:
    assert (MIN_AGE_FLOOR_DAYS, MIN_PRE_KEYS) == (7.0, 30)
    assert overview.HEALTHS[0] == "ok"


DOMAIN: Mapping[str, Mapping[str, float | str]] = {
    "thresholds": {"healthy": 50, "monitor": 100, "warning": 120, "critical": 150, "danger": 180, "fatal": 200,
                   "hysteresis": 5, "connected_critical_s": 86_400},
    "cleanup": {"min_age_days": 14, "session_age_days": 14, "sender_key_age_days": 3, "keep_pre_keys": 50,
                "cooldown_s": 21_600, "window_cooldown_s": 604_800},
    "disconnect": {"warn_after_s": 600, "act_after_s": 900, "startup_grace_s": 120, "unknown_polls": 3,
                   "phantom_after_s": 30, "no_qr_after_s": 30, "gateway_dead_after_s": 300, "flap_drops": 5,
                   "flap_window_s": 600},
    "ladder": {"verify_within_s": 300, "steady_s": 30, "stopped_gap_s": 5, "quiet_folder_s": 10, "daily_budget": 5,
               "clock_jump_s": 3600},
    "brake": {"share": 0.5, "min_companies": 3, "window_s": 120, "lift_after_s": 1800},
    "relink": {"approval": "ask", "approval_ttl_s": 1800, "scan_within_s": 600, "qr_lock_s": 60,
               "pairing_code_timeout_s": 20, "seen_open_guard_s": 86_400},
    "backups": {"every_s": 21_600, "keep_before_change": 5, "keep_periodic": 5, "keep_set_aside": 3},
    "bad_mac": {"preset": "stable", "daily_target": 1, "hourly_alert": 1, "in_a_row_alert": 3,
                "after_repair_alert": 10, "stale_sessions": 3, "stale_window_s": 600},
}  # fmt: skip
"""Numbers that the people who asked for this gave, group by group."""


@pytest.mark.parametrize("group", DOMAIN)
def test_defaults_are_the_numbers_that_were_asked_for(group: str) -> None:
    values = dataclasses.asdict(getattr(Limits(), group))
    assert {name: values[name] for name in DOMAIN[group]} == DOMAIN[group]
