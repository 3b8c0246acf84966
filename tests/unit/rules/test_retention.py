from __future__ import annotations

from dataclasses import replace

from baileykeep.model.backup import CLEARED_FOR, Backup, BackupKind
from baileykeep.model.limits import DAY, BackupLimits
from baileykeep.rules.retention import evictions
from tests.unit.rules.folders import NOW


def made(name: str, kind: BackupKind, days_ago: float, *, paired: bool = True) -> Backup:
    return Backup(name, "c", kind, NOW - days_ago * DAY, paired, "i" if paired else None, None, 1, 1, "t")


def gone(*backups: Backup, limits: BackupLimits | None = None, protected: tuple[str, ...] = ()) -> tuple[str, ...]:
    return evictions(backups, limits or BackupLimits(), NOW, protected)


def test_five_of_each_kind_stay_and_manual_ones_count_with_cold() -> None:
    cold = [made(f"c{n}", BackupKind.COLD if n % 2 else BackupKind.MANUAL, n) for n in range(1, 8)]
    hot = [made(f"h{n}", BackupKind.HOT, n) for n in range(1, 7)]
    aside = [made(f"a{n}", BackupKind.ASIDE, n) for n in range(1, 6)]
    assert gone(*cold, *hot, *aside) == ("c7", "c6", "h6", "a5", "a4")


def test_the_newest_paired_one_never_goes() -> None:
    dead = [made(f"d{n}", BackupKind.COLD, n, paired=False) for n in range(1, 9)]
    assert gone(made("login", BackupKind.COLD, 30), *dead) == ("d8", "d7", "d6")
    assert gone(made("login", BackupKind.COLD, 30), made("older", BackupKind.COLD, 31), *dead)[0] == "older"
    assert "login" not in gone(
        made("login", BackupKind.HOT, 30), *[made(f"h{n}", BackupKind.HOT, n, paired=False) for n in range(9)]
    )


def test_a_set_aside_is_not_the_paired_backup_that_must_stay() -> None:
    assert (
        gone(
            made("aside", BackupKind.ASIDE, 1),
            made("login", BackupKind.COLD, 30),
            *[made(f"d{n}", BackupKind.COLD, n, paired=False) for n in range(5)],
        )
        == ()
    )


def test_copies_from_the_future_do_not_push_out_true_ones() -> None:
    future = [made(f"f{n}", BackupKind.COLD, -100 - n) for n in range(5)]
    assert gone(made("now", BackupKind.COLD, 0), *future) == ("f0",)
    assert gone(made("now", BackupKind.COLD, 0), *future, limits=BackupLimits(keep_before_change=1)) == (
        "f0",
        "f1",
        "f2",
        "f3",
    )


def test_at_least_one_stays_and_protected_names_do() -> None:
    backups = [made(f"c{n}", BackupKind.COLD, n) for n in range(3)]
    none = BackupLimits(keep_before_change=0, keep_periodic=0, keep_set_aside=0)
    assert gone(*backups, limits=none) == ("c2", "c1")
    assert gone(*backups, limits=none, protected=("c2",)) == ("c1",)
    assert gone() == ()


def test_copies_of_the_same_moment_go_in_the_order_of_their_names() -> None:
    same = [made(f"c{n}", BackupKind.COLD, 1) for n in (3, 1, 7, 5, 2, 6, 4)]
    assert gone(*same) == ("c1", "c2")


def test_a_clock_that_was_wrong_by_less_than_an_hour_is_no_future() -> None:
    hour = 1 / 24
    true = [made(f"c{n}", BackupKind.COLD, n) for n in range(5)]
    assert gone(made("soon", BackupKind.COLD, -hour), *true) == ("c4",)
    assert gone(made("later", BackupKind.COLD, -hour - 0.001), *true, made("c9", BackupKind.COLD, 9)) == ("c9",)


def test_the_newest_paired_copy_stays_by_true_time_and_by_its_own() -> None:
    one = BackupLimits(keep_before_change=1)
    future, true = made("future", BackupKind.COLD, -100), made("true", BackupKind.COLD, 5)
    dead = [made(f"d{n}", BackupKind.COLD, n, paired=False) for n in range(3)]
    assert gone(future, true, made("old", BackupKind.COLD, 6), *dead, limits=one) == ("old", "d2", "d1")
    twin = made("b", BackupKind.COLD, 5)
    assert gone(true, twin, *dead, limits=one) == ("b", "d2", "d1")


def test_each_kind_has_its_own_number() -> None:
    limits = BackupLimits(keep_before_change=1, keep_periodic=2, keep_set_aside=3)
    every = [made(f"{kind}{n}", kind, n) for kind in BackupKind for n in range(1, 6)]
    left = {backup.name for backup in every} - set(gone(*every, limits=limits))
    assert left == {"manual1", "hot1", "hot2", "aside1", "aside2", "aside3"}


def test_one_of_each_kind_stays_even_where_none_is_wanted() -> None:
    none = BackupLimits(keep_before_change=0, keep_periodic=0, keep_set_aside=0)
    asides = [made(f"a{n}", BackupKind.ASIDE, n) for n in range(3)]
    assert gone(made("login", BackupKind.COLD, 9), *asides, limits=none) == ("a2", "a1")
    dead = [made(f"h{n}", BackupKind.HOT, n, paired=False) for n in range(3)]
    assert gone(*dead, limits=none) == ("h2", "h1")


def aside(name: str, days_ago: float, *, paired: bool = True, whole: bool = True, reason: str = "relink") -> Backup:
    return replace(made(name, BackupKind.ASIDE, days_ago, paired=paired), whole=whole, reason=reason)


def test_neither_half_logins_nor_wrong_phones_push_out_a_login_that_was_set_aside() -> None:
    half = [aside(f"h{n}", n, paired=False) for n in range(3)]
    wrong = [aside(f"w{n}", n, reason=CLEARED_FOR) for n in range(3)]
    assert gone(aside("login", 30), *half, *wrong) == ("h2", "w2", "h1", "w1")


def test_named_files_and_whole_folders_are_counted_apart() -> None:
    named = [aside(f"n{n}", n, whole=False) for n in range(4)]
    assert gone(aside("login", 30), *named) == ("n3",)


def test_the_newest_paired_one_is_not_a_login_that_was_cleared() -> None:
    wrong = [
        replace(made(f"w{n}", BackupKind.COLD, n), reason=f"before setting aside: {CLEARED_FOR}") for n in range(6)
    ]
    assert "login" not in gone(made("login", BackupKind.COLD, 30), *wrong)
