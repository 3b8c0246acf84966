"""The bus: nothing blocks, nothing is lost, and it never grows beyond one slot a subject and kind."""

from __future__ import annotations

import anyio
import pytest

from baileykeep.bus import Bus, Delivery
from baileykeep.model.symptoms import HOST, Subject, Symptom, SymptomKind, company, gateway

ACME, ZETA = company("acme"), company("zeta")


def symptom(subject: Subject = ACME, kind: SymptomKind = SymptomKind.DOWN, at: float = 0.0) -> Symptom:
    return Symptom(subject, kind, at)


@pytest.mark.asyncio
async def test_the_newest_of_a_slot_is_delivered_with_how_many_it_stands_for() -> None:
    bus = Bus()
    for at in range(3):
        bus.publish(symptom(at=at))
    bus.publish(symptom(kind=SymptomKind.FILES))
    assert len(bus) == 2
    drained = await bus.drain()
    assert drained.deliveries == (Delivery(symptom(at=2), 3), Delivery(symptom(kind=SymptomKind.FILES), 1))
    assert len(bus) == 0


@pytest.mark.asyncio
async def test_everybody_concerned_is_named_once_symptoms_first() -> None:
    bus = Bus()
    for subject in (HOST, ACME):
        bus.touch(subject)
    bus.publish(symptom(ZETA))
    bus.publish(symptom(ACME))
    bus.publish(symptom(ZETA, SymptomKind.FILES))
    bus.touch(gateway("main"))
    assert len(bus) == 6
    assert (await bus.drain()).subjects() == [ZETA, ACME, gateway("main"), HOST]


@pytest.mark.asyncio
async def test_a_drain_waits_until_there_is_something() -> None:
    bus, got = Bus(), []

    async def take() -> None:
        got.append((await bus.drain()).subjects())

    async with anyio.create_task_group() as group:
        group.start_soon(take)
        await anyio.wait_all_tasks_blocked()
        assert got == []
        bus.touch(ACME)
    assert got == [[ACME]]


@pytest.mark.asyncio
async def test_what_comes_while_a_batch_is_worked_off_is_in_the_next_one() -> None:
    bus = Bus()
    bus.publish(symptom())
    await bus.drain()
    bus.publish(symptom(at=5))
    bus.touch(ZETA)
    drained = await bus.drain()
    assert [d.symptom.at for d in drained.deliveries] == [5]
    with pytest.raises(TimeoutError), anyio.fail_after(0.01):
        await bus.drain()


@pytest.mark.asyncio
async def test_a_storm_leaves_one_slot_a_subject_and_kind() -> None:
    bus = Bus()
    for n in range(10_000):
        bus.publish(symptom(company(str(n % 10)), at=n))
        bus.touch(company(str(n % 10)))
    assert len(bus) == 20
    drained = await bus.drain()
    assert sum(d.count for d in drained.deliveries) == 10_000
    assert [d.symptom.at for d in drained.deliveries] == list(range(9_990, 10_000))


@pytest.mark.asyncio
async def test_a_drain_that_is_cancelled_takes_nothing_away() -> None:
    bus = Bus()
    with anyio.move_on_after(0):
        await bus.drain()
    bus.publish(symptom())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await bus.drain()
    assert len(bus) == 1
    assert len((await bus.drain()).deliveries) == 1


def test_taking_leaves_nothing_and_never_waits() -> None:
    bus = Bus()
    bus.touch(company("1"))
    bus.publish(Symptom(company("3"), SymptomKind.FLAPPING, 1.0))
    bus.publish(Symptom(company("1"), SymptomKind.FLAPPING, 1.0))
    taken = bus.take()
    assert taken.symptomatic() == [company("3"), company("1")]
    assert len(bus) == 0
    assert bus.take().subjects() == []
