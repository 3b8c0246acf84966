from __future__ import annotations

from collections.abc import Iterable

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
from baileykeep.model.inventory import Creds, PreKeys
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import company
from baileykeep.rules.levels import inventory
from baileykeep.rules.pre_keys import (
    UNCOUNTED_812,
    PoolKnowledge,
    born_812,
    pool_bound,
    pre_keys_of,
    removable_ids,
    step,
)
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


A, B = "a" * 16, "b" * 16
HUGE = files(pre_keys(1, 700))


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ((on_server(20),), PoolKnowledge(20, True)),
        ((on_server(0),), PoolKnowledge(0, True, zero_seen=True)),
        ((on_server(0), on_server(20)), PoolKnowledge(20, True)),
        ((on_server(5),), PoolKnowledge(5, True, low_seen=True)),
        ((on_server(6),), PoolKnowledge(6, True)),
        ((on_server(0), on_server(3)), PoolKnowledge(3, True, low_seen=True)),
        ((uploaded(812),), PoolKnowledge(uploaded_812=True)),
        ((uploaded(600),), PoolKnowledge(uploaded_812=True)),
        ((uploaded(599),), PoolKnowledge()),
        ((on_server(0), uploaded(812)), PoolKnowledge(None, True, True)),
        ((on_server(3), uploaded(812)), PoolKnowledge(None, True, True)),
        ((on_server(0), uploaded(5)), PoolKnowledge(None, True, low_seen=True)),
        ((on_server(20), uploaded(5)), PoolKnowledge(None, True)),
        ((on_server(3), uploaded(5)), PoolKnowledge(None, True, low_seen=True)),
        ((on_server(0), uploaded(None)), PoolKnowledge(None, True, zero_seen=True)),
        ((uploaded(812), on_server(0)), PoolKnowledge(0, True, True, low_seen=True)),
        ((on_server(20), OPENED), PoolKnowledge(20)),
        ((on_server(20), OPENED, OPENED), PoolKnowledge()),
        ((on_server(0), GAP), PoolKnowledge()),
        ((on_server(3), GAP), PoolKnowledge(low_seen=True)),
        ((on_server(20), GAP, OPENED), PoolKnowledge()),
        ((files([]), on_server(3), PAIRED), PoolKnowledge(last_files=0, identity=A)),
        ((files(pre_keys(1, 30)),), PoolKnowledge(last_files=30, identity=A)),
        ((files(pre_keys(1, 600)),), PoolKnowledge(seen_812=True, last_files=600, identity=A)),
        ((files(pre_keys(1, 599)),), PoolKnowledge(last_files=599, identity=A)),
        ((files(pre_keys(1, 30)), files(pre_keys(1, 630))), PoolKnowledge(seen_812=True, last_files=630, identity=A)),
        ((files(pre_keys(1, 31)), files(pre_keys(1, 630))), PoolKnowledge(last_files=630, identity=A)),
        ((HUGE, files(pre_keys(1, 5))), PoolKnowledge(seen_812=True, last_files=5, identity=A)),
        ((files([], creds()), files([], creds(identity=None))), PoolKnowledge(last_files=0, identity=A)),
        ((files([], creds(identity=None)), on_server(3), files([], creds())),
         PoolKnowledge(3, True, low_seen=True, last_files=0, identity=A)),
        ((HUGE, on_server(3), files(pre_keys(1, 599), creds(identity=B))),
         PoolKnowledge(last_files=599, identity=B)),
        ((files([]), files(pre_keys(1, 600), creds(identity=B))),
         PoolKnowledge(seen_812=True, last_files=600, identity=B)),
    ],
)  # fmt: skip
def test_what_is_known_after(facts: tuple[Fact, ...], known: PoolKnowledge) -> None:
    assert after(*facts) == known


def test_the_numbers_that_baileys_was_measured_with() -> None:
    assert (pool_bound(PoolKnowledge(), True), pool_bound(PoolKnowledge(), False)) == (817, 35)
    assert pool_bound(PoolKnowledge(server_count=0), True) == 5
    assert UNCOUNTED_812 == 782


@pytest.mark.parametrize(
    ("pool", "count", "next_id", "baileys", "born"),
    [
        (PoolKnowledge(), 0, 811, None, False),
        (PoolKnowledge(), 0, 812, None, False),
        (PoolKnowledge(), 0, 816, None, False),
        (PoolKnowledge(), 0, 817, None, True),
        (PoolKnowledge(), 0, 815, None, True),
        (PoolKnowledge(last_files=599), 700, 701, None, False),
        (PoolKnowledge(last_files=0), 600, None, None, False),
        (PoolKnowledge(seen_812=True), 1, None, None, True),
        (PoolKnowledge(uploaded_812=True), 1, None, "6", False),
        (PoolKnowledge(), 1, None, "8", False),
    ],
)
def test_how_a_birth_with_812_is_told(
    pool: PoolKnowledge, count: int, next_id: int | None, baileys: str | None, born: bool
) -> None:
    assert born_812(pool, count, next_id, baileys) is born


def test_the_pre_keys_of_a_folder() -> None:
    found = pre_keys_of(listing(["creds.json", *pre_keys(3, 7)]).files, creds(5), PoolKnowledge(server_count=2), "7")
    assert found == PreKeys(5, 7, 5, 7, ("pre-key-5.json", "pre-key-6.json", "pre-key-7.json"), True)
    assert pre_keys_of((), creds(None), PoolKnowledge()) == PreKeys(0, None, None, 35)
    ninth = pre_keys_of(listing(pre_keys(7, 11)).files, creds(9), PoolKnowledge())
    assert ninth.anomalies == ("pre-key-9.json", "pre-key-10.json", "pre-key-11.json")
    unknown = pre_keys_of(listing(pre_keys(3, 7)).files, creds(None), PoolKnowledge())
    assert (unknown.anomalies, unknown.born_812) == ((), False)


@pytest.mark.parametrize(
    ("ids", "keep", "born", "low", "next_id", "gone"),
    [
        (range(1, 52), 50, False, False, 52, (1,)),
        (range(1, 51), 50, False, False, 51, ()),
        (range(1, 11), 50, False, False, 11, ()),
        ((5, 3, 9, 1), 2, False, False, 10, (1, 3)),
        ((5, 3, 9, 1), 2, False, False, 9, (1,)),
        ((0, 1, 2), 1, False, False, 3, (0, 1)),
        (range(810, 816), 1, True, False, 900, (813, 814)),
        (range(810, 816), 1, True, True, 900, (810, 811, 812, 813, 814)),
        (range(810, 816), 1, False, True, 900, (810, 811, 812, 813, 814)),
    ],
)
def test_which_ids_may_go(
    ids: Iterable[int], keep: int, born: bool, low: bool, next_id: int, gone: tuple[int, ...]
) -> None:
    assert removable_ids(ids, keep, born=born, low_seen=low, next_id=next_id) == gone
