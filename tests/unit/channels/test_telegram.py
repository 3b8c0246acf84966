import traceback
from collections.abc import Mapping
from typing import Any

import pytest
import structlog

from baileykeep.channels.telegram import TelegramChannel, TelegramConfig
from baileykeep.clock import VirtualClock
from baileykeep.engine.memory import JournalMemory
from baileykeep.journal.memory import MemoryJournal
from baileykeep.model.errors import ChannelError, ConfigError
from baileykeep.model.limits import NotifyLimits
from baileykeep.model.symptoms import Severity
from tests.fakes.telegram import FakeTelegram
from tests.stories import START, Story, advance_until, settle
from tests.unit.channels.worlds import ANNA, BORIS, CHAT, GROUP, World, world

pytestmark = pytest.mark.asyncio


async def test_one_message_tells_the_whole_story() -> None:
    async with world() as w:
        story = Story()
        await w.deliver(story.open(START))
        await w.deliver(story.line(START + 300, "Reconnecting."))
        await w.deliver(story.close(START + 400))
        (message,) = w.tg.messages(CHAT)
        assert message.sounding
        assert [edit.plain.count("\n") for edit in message.history] == [3, 4, 4]
        assert message.plain.startswith("✅ Acme (1): over after 6 min")
        assert "08:05 Reconnecting." in message.plain
        assert message.buttons == []
        assert w.tg.violations == []


async def test_a_rise_sounds_below_the_message_and_information_never_does() -> None:
    async with world() as w:
        story, calm = Story(), Story("calm")
        await w.deliver(story.open(START))
        await w.deliver(story.line(START + 1, "Worse.", severity=Severity.CRITICAL))
        await w.deliver(calm.open(START, Severity.INFO))
        first, reply, info = w.tg.messages(CHAT)
        assert (reply.reply_to, reply.sounding) == (first.id, True)
        assert reply.plain == "🔴 Now critical. Acme (1): disconnected for 10 min"
        assert first.plain.startswith("🔴")
        assert not info.sounding


async def test_what_needed_a_human_is_resolved_with_a_silent_reply() -> None:
    async with world() as w:
        story = Story()
        await w.deliver(story.open(START))
        await w.deliver(story.line(START, "Help.", needs_human=True))
        await w.deliver(story.close(START + 60))
        assert [m.sounding for m in w.tg.messages(CHAT)] == [True, True, False]
        assert w.tg.messages(CHAT)[2].plain.startswith("✅ Resolved.")


async def test_delivered_again_after_a_crash_it_neither_repeats_nor_piles_up() -> None:
    async with world() as w:
        story = Story()
        opened, worse = story.open(START), story.line(START, "Worse.", severity=Severity.CRITICAL)
        await w.deliver(opened)
        await w.deliver(worse)
        w.next_id -= 1
        await w.deliver(worse)
        assert len(w.tg.messages(CHAT)) == 2
        w.clock.step_to(w.clock.monotonic() + 2)
        async with world(journal=w.journal, tg=w.tg, clock=w.clock) as after:
            after.next_id = 1
            await after.deliver(worse)
            await after.deliver(story.line(START + 5, "After the restart."))
        assert len(w.tg.messages(CHAT)) == 2
        assert "After the restart." in w.tg.messages(CHAT)[0].plain


async def test_a_reply_that_failed_comes_later_without_another_edit() -> None:
    async with world() as w:
        story = Story()
        await w.deliver(story.open(START))
        w.tg.fail(500, "Internal Server Error", method="sendMessage")
        worse = story.line(START, "Worse.", severity=Severity.CRITICAL)
        with pytest.raises(ChannelError):
            await w.deliver(worse)
        w.next_id -= 1
        await w.deliver(worse)
        message, reply = w.tg.messages(CHAT)
        assert len(message.history) == 2
        assert reply.reply_to == message.id


async def test_a_deleted_message_is_posted_anew() -> None:
    async with world() as w:
        story = Story()
        await w.deliver(story.open(START))
        w.tg.delete(w.tg.messages(CHAT)[0])
        await w.deliver(story.line(START, "Worse.", severity=Severity.CRITICAL))
        (message,) = w.tg.messages(CHAT)
        assert message.sounding
        assert "Worse." in message.plain


async def test_not_modified_counts_as_done() -> None:
    async with world() as w:
        story = Story()
        await w.deliver(story.open(START))
        w.tg.fail(400, "Bad Request: message is not modified: same", method="editMessageText")
        await w.deliver(story.line(START, "Reconnecting."))
        assert len(w.tg.messages(CHAT)) == 1


async def test_a_group_that_becomes_a_supergroup_is_followed_for_good() -> None:
    async with world() as w:
        story, other = Story(to="-500"), Story("i2", to="-500")
        await w.deliver(story.open(START), to="-500")
        w.tg.migrate(GROUP, -1005)
        await w.deliver(story.line(START, "Reconnecting."), to="-500")
        assert "Reconnecting." in w.tg.messages(-1005)[0].plain
        w.clock.step_to(w.clock.monotonic() + 2)
        async with world(journal=w.journal, tg=w.tg, clock=w.clock) as after:
            after.next_id = 10
            calls = len(w.tg.calls)
            await after.deliver(other.open(START), to="-500")
            assert [(c.chat, c.status) for c in w.tg.calls[calls:]] == [(-1005, 200)]
            await after.deliver(story.line(START, "Still."), to="-500")
        assert len(w.tg.messages(-1005)) == 2


@pytest.mark.parametrize(
    ("status", "description", "parameters", "retry_after_s", "permanent"),
    [
        (429, "Too Many Requests: retry after 17", {"retry_after": 17}, 17.0, False),
        (403, "Forbidden: bot was blocked by the user", {}, 300.0, False),
        (400, "Bad Request: chat not found", {}, 300.0, False),
        (400, "Bad Request: something new", {}, None, True),
        (401, "Unauthorized", {}, 300.0, False),
        (404, "Not Found", {}, 300.0, False),
        (500, "Internal Server Error", {}, None, False),
        (502, "Bad Gateway", {}, None, False),
    ],
)
async def test_each_answer_of_telegram_is_understood(
    status: int, description: str, parameters: dict[str, Any], retry_after_s: float | None, permanent: bool
) -> None:
    async with world() as w:
        w.tg.fail(status, description, **parameters)
        with pytest.raises(ChannelError) as caught:
            await w.deliver(Story().open(START))
        assert (caught.value.retry_after_s, caught.value.permanent) == (retry_after_s, permanent)


async def test_no_error_shows_the_token() -> None:
    async with world() as w:
        token = w.tg.token
        w.tg.token = "1:other"
        with structlog.testing.capture_logs() as logged, pytest.raises(ChannelError) as caught:
            await w.deliver(Story().open(START))
        w.tg.token, w.tg.down = token, True
        with pytest.raises(ChannelError) as down:
            await w.deliver(Story().open(START))
        for error in (caught.value, down.value):
            printed = "".join(traceback.format_exception(error)) + repr(error) + repr(logged)
            assert token.partition(":")[2] not in printed


async def test_the_configuration_hides_the_token_and_a_bad_one_is_told() -> None:
    assert "secret" not in repr(TelegramConfig("1:secret", (1,)))
    with pytest.raises(ConfigError) as caught:
        TelegramChannel(
            TelegramConfig("no token", (1,)),
            JournalMemory(MemoryJournal(), "t"),
            _never,
            VirtualClock(),
            NotifyLimits(),
        )
    assert "no token" not in str(caught.value)


async def _never(name: str, args: Mapping[str, Any], operator: str) -> Mapping[str, Any]:
    raise AssertionError(name)


async def test_an_address_that_is_no_chat_is_a_clear_error() -> None:
    async with world() as w:
        with pytest.raises(ChannelError, match="'ops' is no Telegram chat") as caught:
            await w.deliver(Story(to="ops").open(START), to="ops")
        assert caught.value.permanent


async def test_buttons_reach_the_control_service_with_the_operators_name() -> None:
    async with world(listening=True) as w:
        story = Story()
        await w.deliver(story.open(START))
        await w.deliver(story.ask(START))
        message = w.tg.messages(CHAT)[0]
        approved = await w.tg.press(message, "approve", user=ANNA, name="Anna")
        assert approved.text.startswith("Approved.")
        for what in ("reject", "ack", "pause"):
            _ = await w.tg.press(message, what, user=ANNA, name="Anna")
        assert w.asked == [
            ("approve", {"incident": "i1", "revision": 2}, "Anna (Telegram 1)"),
            ("reject", {"incident": "i1", "revision": 2}, "Anna (Telegram 1)"),
            ("ack", {"incident": "i1"}, "Anna (Telegram 1)"),
            ("pause", {"company": "1", "seconds": 3600.0}, "Anna (Telegram 1)"),
        ]


async def test_a_hold_after_a_failed_safety_check_is_ended_by_its_button() -> None:
    async with world(listening=True) as w:
        await w.deliver(Story().open(START))
        message = w.tg.messages(CHAT)[0]
        answer = await w.tg.press_data(CHAT, message.id, "resume|c:1|2", user=ANNA)
        assert answer.text.startswith("Resumed.")
        assert [(what, args) for what, args, _ in w.asked] == [("resume", {"company": "1"})]
        assert (await w.tg.press_data(CHAT, message.id, "resume|1|2", user=ANNA)).alert


async def test_a_button_that_no_longer_fits_alerts_who_pressed_it() -> None:
    async with world(listening=True) as w:
        await w.deliver(Story(who="nobody").open(START))
        message = w.tg.messages(CHAT)[0]
        answer = await w.tg.press(message, "pause", user=ANNA)
        assert answer.alert
        assert answer.text.startswith("there is no company nobody")
        for forged in ("", "approve", "approve|x|y", "drop|i1|1", "|||", "pause|1"):
            assert (await w.tg.press_data(CHAT, message.id, forged or "x", user=ANNA)).alert


async def said(w: World, chat: int, text: str, *, user: int = ANNA) -> str:
    """What the bot answers in that chat."""
    before = len(w.tg.messages(chat))
    await w.tg.say(chat, user, text)
    await advance_until(w.clock, lambda: len(w.tg.messages(chat)) > before, lambda: w.tg.busy > 0)
    return w.tg.messages(chat)[-1].plain


async def test_commands_are_obeyed_and_answered_silently() -> None:
    async with world(listening=True) as w:
        assert (await said(w, CHAT, "/status")).startswith("1 of 1 companies are fine.")
        assert (await said(w, GROUP, "/company 1")).startswith("🟢 Acme (1)")
        assert await said(w, CHAT, "/pause") == "⏸ Paused everything for 1 h."
        assert await said(w, CHAT, "/pause 997441 20m") == "⏸ Paused 997441 for 20 min."
        assert await said(w, CHAT, "/pause 1h30m") == "⏸ Paused everything for 1 h 30 min."
        assert await said(w, CHAT, "/resume 997441") == "▶️ Resumed 997441."
        assert "/pause – hands off" in await said(w, CHAT, "/help")
        assert (await said(w, CHAT, "/company nobody")) == "⚠️ there is no company nobody <b>; see /status"
        assert (await said(w, CHAT, "/company")).startswith("⚠️ /company needs")
        assert (await said(w, CHAT, "/pause 1 2")).startswith("⚠️ /pause takes")
        assert [(name, args) for name, args, _ in w.asked] == [
            ("overview", {}),
            ("company", {"company": "1"}),
            ("pause", {"seconds": 3600.0}),
            ("pause", {"company": "997441", "seconds": 1200.0}),
            ("pause", {"seconds": 5400.0}),
            ("resume", {"company": "997441"}),
            ("company", {"company": "nobody"}),
        ]
        assert not any(message.sounding for message in w.tg.messages())
        assert w.tg.commands == [
            "status", "digest", "company", "pause", "resume", "relink", "code", "qr", "reset", "help",
        ]  # fmt: skip


async def test_strangers_are_ignored_and_logged_once() -> None:
    with structlog.testing.capture_logs() as logged:
        async with world(users=(ANNA,), listening=True) as w:
            await w.deliver(Story().open(START))
            message = w.tg.messages(CHAT)[0]
            for _ in range(2):
                await w.tg.say(CHAT, BORIS, "/pause")
                await w.tg.say(999, ANNA, "/pause")
                w.tg.press_only("stranger", CHAT, message.id, message.button("ack"), user=BORIS)
            await w.tg.say(CHAT, ANNA, "/nonsense")
            await w.tg.say(CHAT, ANNA, "just talking about /pause")
            await w.tg.say(CHAT, ANNA, "/pause@otherbot")
            assert (await said(w, CHAT, "/status@KeepBot")).startswith("1 of 1")
            assert [name for name, _, _ in w.asked] == ["overview"]
            assert w.tg.answers == {}
    ignored = [(line["chat"], line["user"]) for line in logged if line["event"] == "telegram_stranger_ignored"]
    assert ignored == [(CHAT, BORIS), (999, ANNA)]


async def test_other_chats_and_users_are_taken_while_it_runs() -> None:
    async with world(users=(BORIS,), listening=True) as w:
        await w.tg.say(CHAT, ANNA, "/status")
        config = TelegramConfig(w.tg.token, (777,), (ANNA,), base_url=w.tg.url)
        await settle(lambda: w.tg.busy > 0)
        w.channel.apply(config, NotifyLimits())
        assert (await said(w, 777, "/status")).startswith("1 of 1")
        await w.deliver(Story(to="").open(START), to="")
        assert len(w.tg.messages(777)) == 2
        w.channel.apply(TelegramConfig(w.tg.token, ()), NotifyLimits())
        with pytest.raises(ChannelError, match="no Telegram chat is configured"):
            await w.deliver(Story("i2", to="").open(START), to="")


async def test_a_command_from_hours_ago_is_not_obeyed() -> None:
    clock = VirtualClock(START)
    async with FakeTelegram(clock.now) as tg:
        await tg.say(CHAT, ANNA, "/resume")
        clock.step_to(START + 3600)
        async with world(tg=tg, clock=clock, listening=True) as w:
            await advance_until(clock, lambda: bool(tg.messages(CHAT)), lambda: tg.busy > 0)
            assert tg.messages(CHAT)[0].plain.startswith("This was sent 1 h ago, so it is not done.")
            assert w.asked == []


async def test_a_bug_behind_a_command_does_not_stop_the_listening() -> None:
    with structlog.testing.capture_logs() as logged:
        async with world(listening=True) as w:
            await w.tg.say(CHAT, ANNA, "/company crash")
            assert (await said(w, CHAT, "/status")).startswith("1 of 1")
    assert [line["event"] for line in logged if line["log_level"] == "error"] == ["telegram_command_crashed"]


async def test_telegram_away_at_the_start_is_outlived_and_logged_once() -> None:
    with structlog.testing.capture_logs() as logged:
        clock = VirtualClock(START)
        async with FakeTelegram(clock.now) as tg:
            tg.down = True
            async with world(tg=tg, clock=clock, listening=True) as w:
                await advance_until(clock, lambda: len(tg.calls) > 8, lambda: tg.busy > 0)
                tg.down = False
                assert (await said(w, CHAT, "/status")).startswith("1 of 1")
                assert tg.commands
    events = [line["event"] for line in logged]
    assert events.count("telegram_not_listening") == 1
    assert events.count("telegram_listening_again") == 1


async def test_an_announced_migration_keeps_the_new_group_obeyed() -> None:
    async with world(listening=True) as w:
        w.tg.migrate(GROUP, -1005, announce=True)
        await settle(lambda: w.tg.busy > 0)
        assert (await said(w, -1005, "/status")).startswith("1 of 1")


async def test_messages_of_stories_closed_long_ago_are_forgotten() -> None:
    async with world() as w:
        closed, still_open = Story("i1"), Story("i2")
        await w.deliver(closed.open(START))
        await w.deliver(still_open.open(START))
        await w.deliver(closed.close(START + 60))
        assert set(await w.journal.recall("telegram")) == {"post:i1@100", "post:i2@100"}
        w.clock.step_to(START + 8 * 86400)
        w.clock.step_to(w.clock.monotonic() + 2)
        async with world(journal=w.journal, tg=w.tg, clock=w.clock) as after:
            after.next_id = 10
            await after.deliver(still_open.line(START + 8 * 86400, "Still down."))
        assert set(await w.journal.recall("telegram")) == {"post:i2@100"}


async def test_with_no_user_named_nobody_is_obeyed() -> None:
    async with world(users=(), listening=True) as w:
        await w.tg.say(CHAT, ANNA, "/pause")
        await settle(lambda: w.tg.busy > 0)
        assert w.asked == []
