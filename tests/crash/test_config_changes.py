"""The configuration is changed while an action runs: what was begun ends with its session started, nothing is lost."""

from __future__ import annotations

import random
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.crash.archives import copies
from tests.crash.installation import Installation, installation, until
from tests.crash.troubles import danger, unscanned
from tests.crash.watched import Folder, folder, sha

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(240)]
RNG = random.Random(1)


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path, as sockets need it."""
    with tempfile.TemporaryDirectory(prefix="bk-conf-") as made:
        yield Path(made)


@asynccontextmanager
async def acting(root: Path, step: str) -> AsyncIterator[tuple[Installation, Folder]]:
    """A daemon that is just cleaning company 1 (or relinking it), with the folder as it was before."""
    async with installation(root, companies=2) as place:
        await place.daemon.start()
        await place.daemon.ready()
        strike = unscanned if step == "wait_for_scan" else danger
        before = folder(place.gateway.folder("1"))
        await strike(place, "1", RNG)
        assert await until(lambda: any(one.step == step for one in place.journal.interrupted()), 40)
        yield place, before


def rewrite(place: Installation, old: str, new: str) -> None:
    """Save another configuration."""
    path = place.root / "config" / "baileykeep.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def ended_well(place: Installation, before: Folder) -> None:
    """The action has an outcome, the session runs, and every file of before is in place."""
    assert await until(lambda: not place.journal.interrupted(), 60), place.journal.interrupted()

    async def running() -> bool:
        return bool((await place.gateway.state())["1"]["state"] == "connected")

    assert await until(running, 20), place.daemon.tail()
    now = folder(place.gateway.folder("1"))
    changed = {name for name, wanted in before.files.items() if now.files.get(name) != wanted}
    assert changed <= {"creds.json"}
    assert now.identity == before.identity
    assert place.daemon.alive
    assert "Traceback" not in place.daemon.tail(200)


async def test_its_gateway_goes_away_under_another_name(root: Path) -> None:
    async with acting(root, "prove_stopped") as (place, before):
        rewrite(place, "gateways.main", "gateways.renamed")
        await ended_well(place, before)
        assert await until(lambda: not place.journal.open_incidents(), 30), place.journal.open_incidents()


async def test_from_acting_to_observing_with_another_place_for_backups(root: Path) -> None:
    async with acting(root, "prove_stopped") as (place, before):
        rewrite(place, 'mode = "act"', 'mode = "observe"')
        rewrite(place, f'backups_dir = "{root}/backups"', f'backups_dir = "{root}/elsewhere"')
        await ended_well(place, before)
        steps = [e["data"]["step"] for e in place.journal.entries(0, "step_begun")]
        assert steps == ["stop", "prove_stopped", "backup", "remove", "start", "verify"]
        (cold,) = [copy for copy in copies(place.backups, "1") if copy.manifest["kind"] == "cold"]
        assert cold.problem == ""
        lost = {
            name: data for name, data in cold.contents.items() if name not in folder(place.gateway.folder("1")).files
        }
        assert len(lost) >= 100
        assert {sha(data) for data in lost.values()}
        await place.gateway.turn("drop", company="2", heals="asked")
        assert await until(lambda: any(i["subject"]["id"] == "2" for i in place.journal.open_incidents()), 30)
        assert not [e for e in place.journal.entries(0, "action_begun") if e["subject"] == "company:2"]


async def test_a_company_is_disabled_while_nobody_scans(root: Path) -> None:
    async with acting(root, "wait_for_scan") as (place, before):
        (place.root / "config" / "companies" / "1.toml").write_text("enabled = false\n")
        await ended_well(place, before)


async def test_a_configuration_of_nonsense_changes_nothing(root: Path) -> None:
    async with acting(root, "prove_stopped") as (place, before):
        rewrite(place, "[gateways.main]", "[gateways.main\n\x00")
        await ended_well(place, before)
