"""What every journal promises."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio
import pytest
import pytest_asyncio

from baileykeep.journal.base import Journal
from baileykeep.journal.memory import MemoryJournal
from baileykeep.journal.sql import SqlJournal
from baileykeep.model.errors import JournalError
from baileykeep.model.records import Entry, EntryKind, Notice, NoticeState
from baileykeep.model.symptoms import HOST, Severity, company, gateway

pytestmark = pytest.mark.asyncio
AT = 1_800_000_000.0
ACME, BETA = company("997441"), company("2")


@pytest_asyncio.fixture(params=["memory", "sqlite"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    opened: Journal = MemoryJournal() if request.param == "memory" else await SqlJournal.open(tmp_path / "j" / "x.db")
    yield opened
    await opened.aclose()


def entry(at: float = 0, kind: EntryKind = EntryKind.SYMPTOM, **more: object) -> Entry:
    return Entry(**{"at": AT + at, "kind": kind, "subject": ACME, **more})  # type: ignore[arg-type]


def incident(ident: str, at: float = 0, closed_at: float | None = None) -> Entry:
    return entry(at, EntryKind.INCIDENT, incident=ident, data={"id": ident, "closed_at": closed_at})


def notice(at: float = 0, **more: object) -> Notice:
    usual = {
        "channel": "telegram",
        "key": "i1@1",
        "incident": "i1",
        "subject": ACME,
        "severity": Severity.CRITICAL,
        "sound": True,
        "data": {"headline": "Ümläut <b> 🚨", "story": [{"at": AT, "text": "x"}], "none": None},
    }
    return Notice(**{"at": AT + at, **usual, **more})  # type: ignore[arg-type]


def times(found: Sequence[Entry | Notice]) -> list[float]:
    return [one.at - AT for one in found]


async def test_entries_come_back_as_they_were_in_order_with_ids(journal: Journal) -> None:
    full = Entry(
        at=AT + 0.25,
        kind=EntryKind.ACTION_BEGUN,
        subject=gateway("main"),
        incident="i1",
        action="a1",
        operator="Anna Ø",
        data={"rung": "clean", "n": 3, "f": 0.5, "deep": {"list": [1, None, True]}},
    )
    await journal.write([full, entry(1)])
    await journal.write([entry(-5, subject=HOST)])
    first, second, third = await journal.entries()
    assert (first.at, first.kind, first.subject, first.incident) == (full.at, full.kind, full.subject, "i1")
    assert (first.action, first.operator, dict(first.data)) == ("a1", "Anna Ø", dict(full.data))
    assert 0 < first.id < second.id < third.id
    assert third.subject == HOST


async def test_what_the_codec_knows_is_stored_as_plain_json(journal: Journal) -> None:
    await journal.write([entry(data={"severity": Severity.INFO, "pair": (1, 2), "subject": ACME})])
    (found,) = await journal.entries()
    assert dict(found.data) == {"severity": "info", "pair": [1, 2], "subject": {"scope": "company", "id": "997441"}}


async def test_entries_are_selected_by_everything_given(journal: Journal) -> None:
    await journal.write(
        [
            entry(0),
            entry(1, EntryKind.CONFIG),
            entry(2, subject=BETA),
            entry(3, incident="i1"),
            entry(4, EntryKind.CONFIG, incident="i1"),
        ]
    )
    assert times(await journal.entries(subject=ACME)) == [0, 1, 3, 4]
    assert times(await journal.entries(since=AT + 2)) == [2, 3, 4]
    assert times(await journal.entries(kinds=[EntryKind.CONFIG, EntryKind.BACKUP])) == [1, 4]
    assert times(await journal.entries(incident="i1")) == [3, 4]
    assert times(await journal.entries(subject=ACME, kinds=[EntryKind.CONFIG], incident="i1", since=AT)) == [4]
    assert times(await journal.entries(limit=2)) == [0, 1]
    assert times(await journal.entries(limit=2, newest_first=True)) == [4, 3]
    assert times(await journal.entries(newest_first=True, subject=BETA)) == [2]


async def test_a_write_is_all_or_nothing(journal: Journal) -> None:
    with pytest.raises(JournalError):
        await journal.write([entry(0), entry(1, data={"bad": object()})], [notice()])
    with pytest.raises(JournalError):
        await journal.write([entry(0)], [notice(), notice(data={"bad": float("nan")})])
    with pytest.raises(JournalError):
        await journal.write([entry(0)], [notice()], {("a", "k"): 1, ("b", "k"): object()})
    assert await journal.entries() == []
    assert await journal.pending_notices(AT) == []
    assert await journal.recall("k") == {}
    await journal.write([entry(2)], [notice(2)], {("a", "k"): 2})
    assert await journal.recall("k") == {"a": 2}
    assert times(await journal.entries()) == [2]
    assert times(await journal.pending_notices(AT)) == [2]


async def test_nothing_written_is_nothing_stored(journal: Journal) -> None:
    await journal.write()
    assert await journal.entries() == []


async def test_open_incidents_are_those_whose_newest_entry_says_so(journal: Journal) -> None:
    await journal.write([incident("i1", 0), incident("i2", 1), incident("i3", 2)])
    await journal.write([incident("i1", 3), incident("i2", 4), incident("i2", 5, closed_at=AT)])
    await journal.write([incident("i4", 6, closed_at=AT), incident("i4", 7)])
    assert [(e.incident, e.at - AT) for e in await journal.open_incidents()] == [("i3", 2), ("i1", 3), ("i4", 7)]


async def test_memories_are_replaced_recalled_by_key_and_forgotten(journal: Journal) -> None:
    await journal.remember({("company:1", "timer"): {"a": 1}, ("company:2", "timer"): [2], ("company:1", "x"): "y"})
    assert await journal.recall("timer") == {"company:1": {"a": 1}, "company:2": [2]}
    await journal.remember({("company:1", "timer"): {"a": 2}, ("company:2", "timer"): None})
    assert await journal.recall("timer") == {"company:1": {"a": 2}}
    assert await journal.recall("x") == {"company:1": "y"}
    assert await journal.recall("nothing") == {}


async def test_pending_notices_come_oldest_first_even_when_not_due(journal: Journal) -> None:
    await journal.write(notices=[notice(0), notice(1, not_before=AT + 900), notice(2)])
    found = await journal.pending_notices(AT)
    assert times(found) == [0, 1, 2]
    assert found[0].data == notice().data
    assert (found[0].severity, found[0].sound, found[0].key, found[0].incident) == (
        Severity.CRITICAL,
        True,
        "i1@1",
        "i1",
    )
    assert times(await journal.pending_notices(AT, limit=2)) == [0, 1]


async def test_notices_leave_the_outbox_sent_covered_or_dead(journal: Journal) -> None:
    await journal.write(notices=[notice(n) for n in range(5)])
    ids = [n.id for n in await journal.pending_notices(AT)]
    await journal.notice_sent(ids[:1], AT)
    await journal.notices_covered(ids[1:2], AT)
    await journal.notice_failed(ids[2], not_before=AT, error="blocked", dead=True)
    await journal.notice_failed(ids[3], not_before=AT + 60, error="down")
    await journal.notice_failed(ids[3], not_before=AT + 120, error="down")
    await journal.notice_sent([], AT)
    left = await journal.pending_notices(AT)
    assert [(n.at - AT, n.attempts, n.not_before - AT if n.not_before else 0) for n in left] == [(3, 2, 120), (4, 0, 0)]
    assert await journal.notice_counts() == {
        NoticeState.PENDING: 2,
        NoticeState.SENT: 1,
        NoticeState.COVERED: 1,
        NoticeState.DEAD: 1,
    }


async def test_what_was_put_off_moves_with_the_clock(journal: Journal) -> None:
    await journal.write(notices=[notice(n) for n in range(4)])
    ids = [n.id for n in await journal.pending_notices(AT)]
    await journal.notice_failed(ids[0], not_before=AT + 60, error="down")
    await journal.notice_failed(ids[1], not_before=AT + 60, error="blocked", dead=True)
    await journal.notice_sent(ids[2:3], AT)
    await journal.notices_moved(-3600.0)
    left = await journal.pending_notices(AT)
    assert [(n.at - AT, n.not_before - AT if n.not_before else 0) for n in left] == [(0, 60 - 3600), (3, 0)]


async def test_what_left_the_outbox_stays_out(journal: Journal) -> None:
    await journal.write(notices=[notice()])
    (one,) = await journal.pending_notices(AT)
    await journal.notice_failed(one.id, not_before=AT, error="blocked", dead=True)
    await journal.notice_sent([one.id], AT)
    await journal.notice_failed(one.id, not_before=AT, error="late")
    assert (await journal.notice_counts())[NoticeState.DEAD] == 1


async def test_old_closed_history_is_forgotten_and_nothing_else(journal: Journal) -> None:
    await journal.write(
        [
            entry(0),
            incident("open", 1),
            entry(2, incident="open"),
            incident("closed", 3),
            incident("closed", 4, closed_at=AT + 4),
            entry(5, EntryKind.ACTION_BEGUN, action="cut", incident="closed"),
            entry(6, EntryKind.STEP_BEGUN, action="cut"),
            entry(7, EntryKind.ACTION_BEGUN, action="whole"),
            entry(8, EntryKind.ACTION_ENDED, action="whole"),
            entry(100),
        ],
        [notice(0, incident="closed"), notice(1, incident="closed"), notice(2, incident="open"), notice(3)],
    )
    ids = [n.id for n in await journal.pending_notices(AT)]
    await journal.notice_sent([ids[0], ids[2], ids[3]], AT)
    assert await journal.prune(before=AT + 50, max_bytes=10**9) == 7
    assert times(await journal.entries()) == [1, 2, 5, 6, 100]
    assert times(await journal.pending_notices(AT)) == [1]
    assert (await journal.notice_counts())[NoticeState.SENT] == 1
    assert [e.incident for e in await journal.open_incidents()] == ["open"]


async def test_size_forces_the_oldest_out_and_steering_last(journal: Journal) -> None:
    bulk = {"text": "x" * 1000}
    await journal.write([entry(n, data=bulk) for n in range(700)])
    await journal.write(
        [entry(800, EntryKind.ACTION_BEGUN, action="a"), entry(801, EntryKind.ACTION_ENDED, action="a")]
    )
    await journal.write([incident("open", 802)], [notice(803, data=bulk) for _ in range(100)])
    assert await journal.prune(before=0, max_bytes=10**9) == 0
    gone = await journal.prune(before=0, max_bytes=700_000)
    assert gone == 500
    assert times(await journal.entries(limit=1)) == [500]
    await journal.prune(before=0, max_bytes=1)
    assert times(await journal.entries()) == [802]
    assert len(await journal.pending_notices(AT)) == 100


async def test_writers_and_readers_do_not_disturb_each_other(journal: Journal) -> None:
    async def write(start: int) -> None:
        for n in range(20):
            await journal.write([entry(start + n)], [notice(start + n)])
            await journal.entries(limit=3, newest_first=True)

    async with anyio.create_task_group() as tasks:
        for worker in range(5):
            tasks.start_soon(write, worker * 100)
    found = await journal.entries()
    assert len(found) == 100
    assert sorted({e.id for e in found}) == [e.id for e in found]
