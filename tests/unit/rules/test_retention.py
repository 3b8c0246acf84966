from __future__ import annotations

from baileykeep.model.backup import Backup, BackupKind
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
