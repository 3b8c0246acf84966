"""The whole daemon sends its digest at nine: to each chat its own companies, and late where Telegram was away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from baileykeep.demo.folders import Shape
from tests.e2e.world import ANN, CHAT, World, world
from tests.fakes.telegram import Shown

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(120)]
OWN_CHAT = -777


def digests(w: World, chat: int = CHAT) -> list[Shown]:
    return [m for m in w.telegram.ever(chat) if "Daily digest" in m.plain]


async def shortly_before(w: World) -> None:
    """So that the day's nine o'clock comes two minutes after the daemon."""
    now = datetime.fromtimestamp(w.clock.now() + 120, UTC)
    main = w.config_dir / "baileykeep.toml"
    main.write_text(main.read_text().replace("[digest]\n", f'[digest]\nat = "{now:%H:%M}"\nzone = "UTC"\n'))
    await w.start()


async def test_each_chat_hears_of_its_own_companies_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for ident in ("acme", "bolt"):
            w.gateway.add(ident, Shape.counting(60))
        w.configure(digest=True)
        w.company_file("bolt", f'name = "Bolt"\ncontacts = [{OWN_CHAT}]\n')
        await shortly_before(w)
        assert await w.pass_time(300, until=lambda: bool(digests(w)) and bool(digests(w, OWN_CHAT)))
        (ours,), (theirs,) = digests(w), digests(w, OWN_CHAT)
        assert ours.plain.splitlines()[0].endswith("Daily digest: 1 company is well.")
        assert theirs.plain.splitlines()[0].endswith("Daily digest: 1 company is well.")
        assert len(ours.plain.splitlines()) <= 10
        assert not ours.sounding
        await w.kill()
        await w.start()
        await w.pass_time(120)
        assert (len(digests(w)), len(digests(w, OWN_CHAT))) == (1, 1)
        await w.telegram.say(CHAT, ANN, "/digest")
        assert await w.pass_time(30, until=lambda: len(digests(w)) == 2)
        assert "all 2 companies are well" in digests(w)[1].plain, "whoever is obeyed may ask for all of them"


async def test_a_telegram_that_is_away_at_nine_gets_it_when_it_is_back(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.gateway.add("acme", Shape.counting(60))
        w.configure(digest=True)
        await shortly_before(w)
        w.telegram.down = True
        await w.pass_time(600)
        assert digests(w) == []
        w.telegram.down = False
        assert await w.pass_time(900, until=lambda: bool(digests(w)))
        assert len(digests(w)) == 1
