"""What leaves this host, what may go on the far side, and when somebody hears of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.model.backup import CLEARED_FOR, Backup, BackupKind
from baileykeep.model.limits import DAY, HOUR
from baileykeep.model.offsite import FarCopy, Sent
from baileykeep.rules.offsite import Late, anchors, late, to_let_go, to_send
from tests.unit.rules.folders import NOW
from tests.unit.rules.test_retention import made


def there(backup: Backup, *, ours: bool = True) -> Sent:
    copy = FarCopy(
        backup.name, backup.company, backup.kind, backup.created_at, backup.paired, backup.whole, backup.cleared,
        "a" * 64, 1, "b" * 64, 2,
    )  # fmt: skip
    return Sent(copy, NOW, ours)


def hot(name: str, days_ago: float, *, paired: bool = True) -> Backup:
    return made(name, BackupKind.HOT, days_ago, paired=paired)


def test_the_newest_login_goes_first_and_then_by_age() -> None:
    here = [hot("old", 3), hot("torn", 1, paired=False), hot("login", 2)]
    assert to_send(here, [], 10, NOW) == ("login", "torn", "old")


def test_what_is_there_is_not_sent_again() -> None:
    assert to_send([hot("a", 2), hot("b", 1)], [there(hot("b", 1)).copy], 10, NOW) == ("a",)


def test_what_would_go_at_once_is_not_sent() -> None:
    newer = [there(hot(f"n{n}", n)).copy for n in range(2)]
    assert to_send([hot("old", 9)], newer, 2, NOW) == ()
    assert to_send([hot("old", 9)], newer, None, NOW) == ("old",)
    assert to_send([hot("old", 9)], newer, 3, NOW) == ("old",)


def test_so_many_of_each_sort_stay() -> None:
    logins = [there(hot(f"h{n}", n)) for n in range(1, 5)]
    whole = [there(made(f"w{n}", BackupKind.ASIDE, n)) for n in range(1, 5)]
    named = [there(replace(made(f"s{n}", BackupKind.ASIDE, n), whole=False)) for n in range(1, 5)]
    assert to_let_go([*logins, *whole, *named], 3, NOW) == ("h4", "s4", "w4")
    assert to_let_go([*logins, *whole, *named], None, NOW) == ()


def test_the_newest_login_never_goes() -> None:
    dead = [there(hot(f"d{n}", n, paired=False)) for n in range(1, 9)]
    assert to_let_go([there(hot("login", 30)), *dead], 1, NOW) == tuple(f"d{n}" for n in range(8, 1, -1))


def test_another_phones_cleared_login_is_not_the_one_that_stays() -> None:
    cleared = replace(made("other", BackupKind.COLD, 1), reason=f"before setting aside: {CLEARED_FOR}")
    dead = [there(hot("dead", 0.5, paired=False))]
    assert to_let_go([there(cleared), there(hot("login", 30)), *dead], 1, NOW) == ("other",)


def test_a_folder_that_never_was_paired_pushes_out_none_that_was() -> None:
    asides = [there(made("login", BackupKind.ASIDE, 9)), there(made("half", BackupKind.ASIDE, 1, paired=False))]
    assert to_let_go(asides, 1, NOW) == ("half",)


def test_what_others_sent_counts_and_never_goes() -> None:
    found = [there(hot("theirs", 9), ours=False), there(hot("b", 2)), there(hot("a", 1))]
    assert to_let_go(found, 1, NOW) == ("b",)


def test_one_from_the_future_pushes_out_nothing_true() -> None:
    assert to_let_go([there(hot("future", -400)), there(hot("a", 1)), there(hot("b", 2))], 1, NOW) == ("b",)


def test_a_number_of_none_keeps_one() -> None:
    assert to_let_go([there(hot("a", 1)), there(hot("b", 2))], 0, NOW) == ("b",)


def test_the_newest_of_each_sort_are_the_anchors() -> None:
    found = [
        there(hot("login", 5)), there(hot("older", 6)), there(hot("torn", 1, paired=False)),
        there(made("aside", BackupKind.ASIDE, 2)),
        there(replace(made("named", BackupKind.ASIDE, 3), whole=False)),
    ]  # fmt: skip
    assert anchors(found, NOW) == ("aside", "login", "named", "torn")
    assert anchors([], NOW) == ()


copies = st.lists(
    st.builds(
        lambda n, kind, days, paired, whole, ours: (n, kind, days, paired, whole, ours),
        st.integers(0, 60), st.sampled_from(BackupKind), st.floats(-500, 500), st.booleans(), st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda drawn: drawn[0],
    max_size=25,
)  # fmt: skip


def _sents(drawn: list[tuple[int, BackupKind, float, bool, bool, bool]]) -> list[Sent]:
    return [
        there(replace(made(f"n{n}", kind, days, paired=paired), whole=whole), ours=ours)
        for n, kind, days, paired, whole, ours in drawn
    ]


@given(copies, st.integers(1, 6))
def test_whatever_lies_there_no_last_login_goes(
    drawn: list[tuple[int, BackupKind, float, bool, bool, bool]], keep: int
) -> None:
    found = _sents(drawn)
    gone = set(to_let_go(found, keep, NOW))
    assert not gone & set(anchors(found, NOW))
    left = [sent for sent in found if sent.copy.name not in gone]
    assert not gone & {sent.copy.name for sent in found if not sent.ours}
    logins = [s for s in found if s.copy.paired and s.copy.kind is not BackupKind.ASIDE]
    assert not logins or any(s in left for s in logins)
    assert to_let_go(left, keep, NOW) == ()


@given(copies, copies, st.integers(1, 6))
def test_what_was_just_sent_does_not_go_at_once(
    drawn: list[tuple[int, BackupKind, float, bool, bool, bool]],
    more: list[tuple[int, BackupKind, float, bool, bool, bool]],
    keep: int,
) -> None:
    found = _sents(drawn)
    known = {sent.copy.name for sent in found}
    here = {s.copy.name: s for s in _sents(more) if s.copy.name not in known}
    backups = [replace(made(name, s.copy.kind, 0, paired=s.copy.paired), created_at=s.copy.created_at,
                       whole=s.copy.whole) for name, s in here.items()]  # fmt: skip
    sent = to_send(backups, [s.copy for s in found], keep, NOW)
    gone = to_let_go([*found, *(replace(here[name], ours=True) for name in sent)], keep, NOW)
    assert not set(sent) & set(gone)


@pytest.mark.parametrize(
    ("ages_h", "expected"),
    [((), None), ((23,), None), ((24, 3), Late(1, 24 * HOUR)), ((26, 30, 1), Late(2, 30 * HOUR))],
)
def test_late_is_what_waits_longer_than_it_may(ages_h: tuple[int, ...], expected: Late | None) -> None:
    waiting = {f"c{n}": NOW - age * HOUR for n, age in enumerate(ages_h)}
    assert late(waiting, NOW, DAY) == expected
