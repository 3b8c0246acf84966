"""Ending a login takes two presses, or three: what the questions say, and which answers to them count."""

from __future__ import annotations

import pytest

from tests.fakes.telegram import Shown
from tests.stories import advance_until
from tests.unit.channels.worlds import ANNA, BORIS, GROUP, World, world

pytestmark = pytest.mark.asyncio


async def questions(w: World, count: int = 1) -> list[Shown]:
    """Wait until so many questions stand in the group."""
    await advance_until(w.clock, lambda: len(asking(w)) >= count)
    return asking(w)


def asking(w: World) -> list[Shown]:
    return [message for message in w.tg.messages(GROUP) if message.buttons]


async def test_two_who_say_yes_to_one_question_are_asked_once_more_only_once() -> None:
    async with world(listening=True) as w:
        await w.tg.say(GROUP, ANNA, "/reset alive")
        [asked] = await questions(w)
        yes = asked.button("Yes, do it")
        w.tg.press_only("anna", GROUP, asked.id, yes, user=ANNA)
        w.tg.press_only("boris", GROUP, asked.id, yes, user=BORIS, name="Boris")
        await advance_until(w.clock, lambda: w.tg.answers.keys() >= {"anna", "boris"})
        first, second = w.tg.answers["anna"], w.tg.answers["boris"]
        assert first.text == "Please confirm once more."
        assert (second.alert, second.text) == (True, "this question is answered already; look at the newest message")
        await advance_until(w.clock, lambda: "all the same" in "".join(m.plain for m in asking(w)))
        assert sum("all the same" in message.plain for message in w.tg.ever(GROUP)) == 1


async def test_a_yes_tells_when_it_was_asked() -> None:
    async with world(listening=True) as w:
        now = w.clock.now()
        await w.tg.say(GROUP, ANNA, "/relink 1")
        [asked] = await questions(w)
        await w.tg.press(asked, "Yes, do it", user=ANNA)
        name, args, _ = w.asked[-1]
        assert (name, args) == ("relink", {"company": "1", "asked_at": now // 60 * 60})


@pytest.mark.parametrize("command", ["relink", "reset", "code"])
async def test_a_question_says_when_others_are_stopped_for_it(command: str) -> None:
    async with world(listening=True) as w:
        await w.tg.say(GROUP, ANNA, f"/{command} two")
        await w.tg.say(GROUP, ANNA, f"/{command} 1")
        two, one = (message.plain for message in await questions(w, 2))
        said = "For this the gateway's process is stopped, and with it Acme and <Bella>."
        assert said in two
        assert said not in one
