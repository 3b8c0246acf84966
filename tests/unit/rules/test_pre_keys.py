from __future__ import annotations

import pytest

from baileykeep.model.facts import (
    Fact,
    FilesSeen,
    LogGap,
    PairingDone,
    PreKeysOnServer,
    PreKeysUploaded,
    StreamOpened,
    Tick,
)
from baileykeep.model.inventory import Creds
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import company
from baileykeep.rules.levels import inventory
from baileykeep.rules.pre_keys import PoolKnowledge, born_812, pool_bound, pre_keys_of, removable_ids, step
from tests.unit.rules.folders import NOW, creds, listing, pre_keys


def on_server(count: int) -> Fact:
    return PreKeysOnServer(at=NOW, gateway="g", company="c", count=count)


def uploaded(count: int | None) -> Fact:
    return PreKeysUploaded(at=NOW, gateway="g", company="c", count=count)


def files(names: list[str], facts: Creds | None = None) -> Fact:
    seen = inventory(listing(names), facts or creds(), PoolKnowledge(), Limits(), NOW)
    return FilesSeen(at=NOW, company="c", inventory=seen)


OPENED = StreamOpened(at=NOW, gateway="g", company="c")
GAP = LogGap(at=NOW, gateway="g")
PAIRED = PairingDone(at=NOW, gateway="g", company="c")


def after(*facts: Fact) -> PoolKnowledge:
    state = PoolKnowledge()
    for fact in facts:
        state, symptoms = step(state, company("c"), fact, NOW, Limits())
        assert symptoms == ()
    return state


@pytest.mark.parametrize(
    ("facts", "born", "bound"),
    [
        ((), False, 35),
        ((), True, 817),
        ((on_server(20),), False, 25),
        ((on_server(400),), True, 405),
        ((on_server(20), OPENED), False, 25),
        ((on_server(20), OPENED, OPENED), False, 35),
        ((on_server(4), uploaded(30)), False, 35),
        ((on_server(4), uploaded(None)), True, 817),
        ((on_server(20), GAP), False, 35),
        ((on_server(20), GAP, on_server(9)), False, 14),
        ((on_server(20), PAIRED), False, 35),
    ],
)
def test_the_pool_is_the_last_count_unless_something_voided_it(facts: tuple[Fact, ...], born: bool, bound: int) -> None:
    assert pool_bound(after(*facts), born) == bound


def test_the_first_open_is_not_a_low_count() -> None:
    assert not after(on_server(0), uploaded(812), OPENED).low_seen
    assert not after(files(pre_keys(1, 812), creds(813)), on_server(0)).low_seen


def test_a_later_low_count_frees_the_first_batch() -> None:
    assert after(on_server(0), uploaded(812), OPENED, on_server(5)).low_seen
    assert not after(on_server(0), uploaded(812), OPENED, on_server(6)).low_seen
    assert after(files(pre_keys(1, 812), creds(813)), on_server(3)).low_seen
    assert after(on_server(0), uploaded(5)).low_seen


def test_a_second_big_batch_takes_the_word_back() -> None:
    assert not after(uploaded(812), on_server(4), uploaded(812)).low_seen


def test_a_new_pairing_forgets_the_old_pool() -> None:
    state = after(uploaded(812), on_server(4), PAIRED)
    assert (state.uploaded_812, state.low_seen, state.server_count) == (False, False, None)


def test_another_identity_in_the_folder_forgets_the_old_pool() -> None:
    state = after(files([], creds()), uploaded(812), on_server(4), files([], creds(identity="b" * 16)))
    assert (state.uploaded_812, state.low_seen) == (False, False)


@pytest.mark.parametrize(
    ("facts", "count", "next_id", "baileys", "born"),
    [
        ((), 599, 601, None, False),
        ((), 600, 601, None, True),
        ((), 600, 601, "6", False),
        ((), 10, 31, "7", True),
        ((uploaded(812),), 10, 31, None, True),
        ((uploaded(30),), 10, 31, None, False),
        ((), 200, 813, None, True),
        ((), 200, 818, None, True),
        ((), 200, 1640, None, True),
        ((), 200, 901, None, False),
        ((), 20, 31, None, False),
        ((), 20, None, None, False),
    ],
)
def test_born_with_812(
    facts: tuple[Fact, ...], count: int, next_id: int | None, baileys: str | None, born: bool
) -> None:
    assert born_812(after(*facts), count, next_id, baileys) is born


def test_a_folder_that_grew_to_600_was_not_born_with_them() -> None:
    grown = after(files(pre_keys(1, 300), creds(301)), files(pre_keys(1, 630), creds(631)))
    assert not born_812(grown, 630, 631)
    jumped = after(files([], creds(1)), files(pre_keys(1, 812), creds(813)))
    assert born_812(jumped, 5, None)


def test_anomalies_are_the_ids_that_were_never_minted() -> None:
    found = pre_keys_of(listing(pre_keys(25, 33)).files, creds(31), PoolKnowledge())
    assert (found.count, found.newest, found.next_id, found.pool_bound) == (9, 33, 31, 35)
    assert found.anomalies == ("pre-key-31.json", "pre-key-32.json", "pre-key-33.json")


def test_removable_ids_leave_the_newest_and_the_anomalies() -> None:
    assert removable_ids(range(1, 101), 50, born=False, low_seen=False, next_id=101) == tuple(range(1, 51))
    assert removable_ids(range(1, 101), 50, born=False, low_seen=False, next_id=81) == tuple(range(1, 31))
    assert removable_ids(range(1, 101), 50, born=False, low_seen=False, next_id=None) == ()


def test_the_first_812_stay_until_they_are_proved_used_up() -> None:
    ids = range(700, 900)
    assert removable_ids(ids, 50, born=True, low_seen=False, next_id=900) == tuple(range(813, 850))
    assert removable_ids(ids, 50, born=True, low_seen=True, next_id=900) == tuple(range(700, 850))


def test_other_facts_say_nothing_about_the_pool() -> None:
    known = after(on_server(20), uploaded(812))
    assert step(known, company("c"), Tick(at=NOW), NOW, Limits()) == (known, ())
