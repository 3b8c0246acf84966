import anyio
import pytest

from baileykeep.channels.telegram_limits import Limiter
from baileykeep.clock import VirtualClock
from baileykeep.model.limits import NotifyLimits
from tests.fakes.telegram_wire import Traffic
from tests.stories import advance, advance_until

pytestmark = pytest.mark.asyncio


async def sent_times(chats: list[int], each: int, took_s: float = 0.0) -> tuple[dict[int, list[float]], Traffic]:
    clock, traffic = VirtualClock(), Traffic()
    start = clock.monotonic()
    limiter = Limiter(clock, NotifyLimits())
    times: dict[int, list[float]] = {chat: [] for chat in chats}

    async def send(chat: int) -> None:
        for _ in range(each):
            async with limiter.slot(chat):
                traffic.count(chat, clock.monotonic())
                times[chat].append(clock.monotonic() - start)
                await clock.sleep(took_s)

    async with anyio.create_task_group() as tasks:
        for chat in chats:
            tasks.start_soon(send, chat)
        await advance_until(clock, lambda: all(len(found) == each for found in times.values()))
        await advance(clock, took_s)
    return times, traffic


async def test_a_private_chat_gets_about_one_a_second() -> None:
    times, traffic = await sent_times([7], 10)
    assert times[7][-1] == pytest.approx(9 * 1.05)
    assert traffic.violations == []


async def test_a_group_gets_no_more_than_its_minute_allows() -> None:
    times, traffic = await sent_times([-7], 40)
    assert times[-7][17] < 20
    assert times[-7][18] >= 60
    assert times[-7][36] >= 120
    assert traffic.violations == []


async def test_all_chats_together_stay_below_the_second_limit() -> None:
    times, traffic = await sent_times(list(range(1, 61)), 2, took_s=0.02)
    assert traffic.violations == []
    assert max(found[0] for found in times.values()) < 5


async def test_the_gap_counts_from_the_end_of_a_slow_call() -> None:
    times, _ = await sent_times([7], 3, took_s=2.0)
    assert times[7] == pytest.approx([0, 3.05, 6.1])


async def test_a_failed_call_counts_and_frees_the_chat() -> None:
    clock = VirtualClock()
    limiter = Limiter(clock, NotifyLimits())
    with pytest.raises(RuntimeError):
        async with limiter.slot(7):
            raise RuntimeError
    entered: list[float] = []

    async def again() -> None:
        async with limiter.slot(7):
            entered.append(clock.monotonic())

    began = clock.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(again)
        await advance(clock, 2)
    assert entered == [pytest.approx(began + 1.05)]
