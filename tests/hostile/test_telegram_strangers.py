"""Updates from people who are not named, passed on, replayed, forged or broken: nothing is done, nothing breaks."""

from __future__ import annotations

from typing import Any

import pytest
import structlog.testing

from baileykeep.channels.telegram_commands import operator_name
from tests.stories import START, Story
from tests.unit.channels.test_telegram import said
from tests.unit.channels.worlds import ANNA, CHAT, GROUP, World, world

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(30)]
STRANGER = 666
ADMIN_IN_DISGUISE = 1087968824
"""What Telegram calls the sender of a message that an admin of a group wrote without showing who it was."""


def message(chat: int, user: int | None, text: str, **more: Any) -> dict[str, Any]:
    """A message as the Bot API sends it."""
    body: dict[str, Any] = {
        "message_id": 77, "date": int(START), "chat": {"id": chat, "type": "private" if chat > 0 else "supergroup"},
        "text": text, **more,
    }  # fmt: skip
    return body if user is None else {**body, "from": {"id": user, "is_bot": False, "first_name": "X"}}


async def settled(w: World) -> None:
    """A command of somebody who is obeyed, behind everything before it: when it is answered, that was handled."""
    assert "/pause" in await said(w, CHAT, "/help")


USER = {"type": "user", "sender_user": {"id": STRANGER, "is_bot": False, "first_name": "X"}, "date": int(START)}
IGNORED = {
    "a stranger": message(CHAT, STRANGER, "/pause"),
    "a stranger in the group": message(GROUP, STRANGER, "/pause"),
    "a named user elsewhere": message(-999, ANNA, "/pause"),
    "an admin in disguise": message(
        GROUP, ADMIN_IN_DISGUISE, "/pause", sender_chat={"id": GROUP, "type": "supergroup"}
    ),
    "a channel behind the group": message(GROUP, 777000, "/pause", sender_chat={"id": -1009, "type": "channel"}),
    "nobody": message(GROUP, None, "/pause"),
    "passed on by a named user": message(CHAT, ANNA, "/pause", forward_origin=USER),
    "written through another bot": message(CHAT, ANNA, "/pause", via_bot={"id": 5, "is_bot": True, "first_name": "B"}),
    "a command for another bot": message(GROUP, ANNA, "/pause@otherbot"),
    "no command": message(CHAT, ANNA, "please /pause everything"),
    "a caption": {**message(CHAT, ANNA, ""), "text": None, "caption": "/pause"},
}


@pytest.mark.parametrize("who", IGNORED)
async def test_a_message_that_is_not_obeyed_changes_nothing_and_is_not_answered(who: str) -> None:
    async with world(users=(ANNA,), listening=True) as w:
        w.tg.hand_over("message", IGNORED[who])
        await settled(w)
        assert w.asked == []
        assert len(w.tg.messages()) == 1


@pytest.mark.parametrize("kind", ["edited_message", "channel_post", "business_message"])
async def test_other_kinds_of_updates_are_no_commands(kind: str) -> None:
    async with world(users=(ANNA,), listening=True) as w:
        w.tg.hand_over(kind, message(CHAT, ANNA, "/pause"))
        await settled(w)
        assert w.asked == []


BUTTONS = {
    "a stranger": (STRANGER, CHAT, "approve|i1|1"),
    "a stranger in the group": (STRANGER, GROUP, "approve|i1|1"),
    "an admin in disguise": (ADMIN_IN_DISGUISE, GROUP, "approve|i1|1"),
    "a named user with a message passed on elsewhere": (ANNA, 999, "approve|i1|1"),
}


@pytest.mark.parametrize("who", BUTTONS)
async def test_a_button_of_somebody_else_is_not_pressed(who: str) -> None:
    user, chat, data = BUTTONS[who]
    async with world(users=(ANNA,), listening=True) as w:
        w.tg.press_only("cb", chat, 1, data, user=user)
        inline = {
            "id": "cb2",
            "from": {"id": ANNA, "is_bot": False, "first_name": "A"},
            "chat_instance": "1",
            "data": data,
        }
        w.tg.hand_over("callback_query", {**inline, "inline_message_id": "x"})
        await settled(w)
        assert w.asked == []
        assert w.tg.answers == {}


FORGED = [
    "", "|", "||", "approve", "approve|", "approve||", "approve|i1", "approve|i1|", "approve|i1|-1", "approve|i1|1.0",
    "approve|i1|²", "approve|i1|٣", "approve|i1|" + "9" * 50, "approve|i1|0x1", "delete|i1|1", "pause|i1|1",
    "pause|c:|1", "pause|x:1|1", "reset|g:1|1", "relink|c:|1", "approve|i1|1\n", "\x00",
    "approve\x00|i1|1", "APPROVE|i1|1", "yes_reset|g:1|1", "yes_reset|c:1|", "yes_forget|c:1|1", "over_|c:1|1",
    "code|g|1", "show_qr|1|1",
]  # fmt: skip


@pytest.mark.parametrize("data", FORGED)
async def test_forged_buttons_of_a_named_user_are_refused_with_a_word(data: str) -> None:
    async with world(listening=True) as w:
        answer = await w.tg.press_data(CHAT, 1, data, user=ANNA)
        assert answer.alert
        assert "another version" in answer.text
        assert w.asked == []


@pytest.mark.parametrize("data", ["yes_reset|c:1|1", "over_relink|c:1|99999999", "yes_pairing_code|c:1|0"])
async def test_a_forged_yes_is_as_good_as_its_time(data: str) -> None:
    async with world(listening=True) as w:
        answer = await w.tg.press_data(CHAT, 1, data, user=ANNA)
        assert (answer.alert, answer.text) == (True, "this question is too old; begin again")
        assert w.asked == []


async def test_a_yes_counts_once_however_often_and_by_whom_it_is_pressed() -> None:
    async with world(listening=True) as w:
        data = f"over_reset|c:1|{int(w.clock.now() // 60)}"
        assert (await w.tg.press_data(CHAT, 1, data, user=ANNA)).text.startswith("Begun.")
        again = await w.tg.press_data(CHAT, 1, data, user=ANNA)
        assert (again.alert, again.text) == (True, "this question is answered already; look at the newest message")
        assert [name for name, _, _ in w.asked] == ["reset"]


async def test_a_forged_wish_to_end_a_login_only_brings_the_question() -> None:
    async with world(listening=True) as w:
        answer = await w.tg.press_data(CHAT, 1, "reset|c:<b>1|1", user=ANNA)
        assert answer.text == "Please confirm."
        await w.tg.until(lambda: bool(w.tg.messages(CHAT)))
        assert w.tg.messages(CHAT)[0].plain.startswith("Reset the login of <b>1?")
        assert [name for name, _, _ in w.asked] == ["company"]


async def test_a_forged_wish_about_nobody_is_refused_with_a_word() -> None:
    async with world(listening=True) as w:
        answer = await w.tg.press_data(CHAT, 1, "reset|c:nobody|1", user=ANNA)
        assert (answer.alert, answer.text) == (True, "there is no company nobody <b>; see /status")
        assert w.tg.messages(CHAT) == []


async def test_a_replayed_button_names_the_revision_that_it_was_made_for() -> None:
    async with world(listening=True) as w:
        for _ in range(3):
            await w.tg.press_data(CHAT, 1, "approve|i1|4", user=ANNA)
        assert [(name, args) for name, args, _ in w.asked] == [("approve", {"incident": "i1", "revision": 4})] * 3


async def test_one_broken_update_does_not_take_others_down_with_it() -> None:
    with structlog.testing.capture_logs() as logs:
        async with world(listening=True) as w:
            broken: list[Any] = [{"message_id": "x"}, [], "text", None, {"chat": {"id": {}}}, 7]
            for body in broken:
                w.tg.hand_over("message", body)
            w.tg.hand_over("callback_query", {"id": 1})
            assert "Paused 1" in await said(w, CHAT, "/pause 1 20m")
            assert [name for name, _, _ in w.asked] == ["pause"]
    assert {line["event"] for line in logs} == {"telegram_update_unreadable"}


@pytest.mark.parametrize(
    "words", ["9" * 400 + "d", "9999999d" * 60, "١٠m", "1e9m", "-5m", "0s" * 500, "\x1b[2J", "../.."]
)
async def test_odd_arguments_never_crash_a_command(words: str) -> None:
    with structlog.testing.capture_logs() as logs:
        async with world(listening=True) as w:
            for command in ("/pause", "/resume", "/company", "/status"):
                assert await said(w, CHAT, f"{command} {words}")
    assert not [line for line in logs if line["log_level"] == "error"]


async def test_an_operators_name_is_one_short_line_of_text() -> None:
    async with world(users=(ANNA,), listening=True) as w:
        await w.deliver(Story().open(START))
        shown = w.tg.messages(CHAT)[0]
        await w.tg.press(shown, "ack", user=ANNA, name="Eve\n\x1b[31m\u202e<b>" + "x" * 500)
        ((_, _, operator),) = w.asked
    assert operator.isprintable()
    assert len(operator) < 100
    assert operator_name(None)
