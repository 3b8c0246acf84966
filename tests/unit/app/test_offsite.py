"""The daemon's part: it sends beside everything else, and somebody hears when copies stay."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest

from baileykeep.app.offsite import ONE_DISK, Offsite
from baileykeep.app.sites import Sites
from baileykeep.backups.offsite.base import Place, Target
from baileykeep.config import load
from baileykeep.model.backup import BackupKind
from baileykeep.model.limits import DAY, HOUR
from baileykeep.model.symptoms import HOST, Severity, Symptom, SymptomKind
from tests.fakes.far import Lying
from tests.unit.app.test_sites import CONFIG, door
from tests.unit.backups.offsite.hosts import keys
from tests.unit.engine.installation import Daemon, Installation, daemon

pytestmark = pytest.mark.asyncio


def written(root: Path) -> str:
    """The configuration around the table."""
    return CONFIG.format(root=root / "host", sessions=[f"{root}/host/{{company}}"])


@dataclass
class Here:
    d: Daemon
    sites: Sites
    offsite: Offsite
    root: Path
    far: list[Lying]

    def configure(self, table: str = "") -> None:
        """Save another `[offsite]` table."""
        to = f'to = "file://{self.root}/far"\nrecipients = ["{keys()[1]}"]\nsame_disk = true\n'
        offsite = f"[offsite]\n{to}{table}" if table else ""
        (self.root / "config" / "baileykeep.toml").write_text(written(self.root) + offsite)
        self.sites.settings = load(self.root / "config", {})

    def told(self) -> list[Symptom]:
        """What was published of it, and taken off the bus."""
        found = [delivery.symptom for delivery in self.d.bus.take().deliveries]
        return [symptom for symptom in found if symptom.kind is SymptomKind.COPIES_STAY]

    async def round(self) -> None:
        await self.offsite.look()
        await self.offsite.send()

    def later(self, seconds: float) -> None:
        clock = self.d.on.clock
        clock.step_to(clock.monotonic() + seconds)

    def back_up(self, company: str = "acme") -> str:
        on = self.d.on
        (on.folders[company] / "session-4915177777777.0.json").write_text(f'{{"at": {on.clock.now()}}}')
        return on.vault.create(on.store(company), BackupKind.HOT, on.clock.now()).name


@asynccontextmanager
async def installed(root: Path) -> AsyncIterator[Here]:
    """Two companies with a copy each, and a place for them."""
    async with daemon(Installation(root / "host")) as d:
        (root / "config").mkdir()
        (root / "far").mkdir()
        (root / "config" / "baileykeep.toml").write_text(written(root))
        sites = Sites(load(root / "config", {}), d.on.clock, d.on.vault, door)
        await sites.look_around()
        far: list[Lying] = []

        def make(place: Place, beside: Path) -> Target:
            far.append(Lying(place, beside))
            return far[-1]

        here = Here(d, sites, Offsite(sites, d.engine, d.on.vault, d.bus, d.clock, make), root, far)
        for company in ("acme", "other"):
            here.back_up(company)
        yield here


async def test_one_disk_for_everything_is_said_and_is_no_alert(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        await here.offsite.look()
        assert here.offsite.view() == {"to": None, "waiting": 0, "waiting_since": None, "problem": ONE_DISK}
        assert here.told() == []
        assert not here.offsite._due()


async def test_what_is_missing_is_sent_and_known_to_be_there(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        now = here.d.on.clock.now()
        await here.offsite.look()
        assert here.offsite.view()["waiting"] == 2
        assert here.offsite._due()
        await here.offsite.send()
        assert here.offsite.view() == {
            "to": f"file://{tmp_path}/far", "waiting": 0, "waiting_since": None, "problem": None,
        }  # fmt: skip
        assert here.offsite.away("acme").newest_at == now
        assert sorted(path.name for path in (tmp_path / "far").iterdir()) == ["acme", "other"]
        assert here.told() == []


async def test_it_runs_by_itself_and_ends_when_told(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        async with anyio.create_task_group() as group:
            group.start_soon(here.offsite.run)
            with anyio.fail_after(10):
                while not here.offsite.away("acme").newest_at:
                    await anyio.sleep(0.01)
            group.cancel_scope.cancel()


async def test_a_place_that_is_away_shows_at_once_and_is_told_after_a_day_and_once(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        (tmp_path / "far").rmdir()
        await here.round()
        assert here.offsite.view()["problem"] == f"there is no folder {tmp_path}/far"
        assert here.told() == []
        here.later(DAY)
        await here.round()
        await here.round()
        (symptom,) = here.told()
        assert (symptom.active, symptom.severity) == (True, Severity.WARNING)
        assert symptom.detail["what"] == f"those of 2 companies for 1 day: there is no folder {tmp_path}/far"
        (tmp_path / "far").mkdir()
        await here.round()
        assert [symptom.active for symptom in here.told()] == [False]
        await here.round()
        assert here.told() == []


async def test_it_becomes_an_incident_with_a_headline(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        (tmp_path / "far").rmdir()
        here.later(2 * DAY)
        await here.round()
        await here.d.see()
        assert here.d.causes(HOST) == {"copies_stay"}


async def test_a_place_that_lies_is_an_alarm_at_once(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        await here.offsite.look()
        made: list[Lying] = here.far

        def bent(place: Place, beside: Path) -> Target:
            made.append(Lying(place, beside))
            made[-1].bend = lambda name, data: (
                data[:-1] if "/acme" in str(made[-1].put) or name.endswith(".age") else data
            )
            return made[-1]

        here.offsite._make_target = bent
        await here.offsite.send()
        (symptom,) = here.told()
        assert symptom.severity is Severity.CRITICAL
        assert "is not what was sent there" in str(symptom.detail["what"])
        assert here.offsite.away("acme").newest_at is None
        assert here.offsite.view()["waiting"] == 2


async def test_a_trouble_that_was_mended_is_over_at_the_next_round(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        await here.round()
        (sealed,) = (tmp_path / "far" / "acme").glob("*.age")
        sealed.write_bytes(b"cut")
        here.later(6 * HOUR)
        await here.round()
        assert [symptom.active for symptom in here.told()] == [True]
        sealed.unlink()
        here.later(600)
        await here.offsite.look()
        assert here.offsite._due()
        await here.offsite.send()
        assert [symptom.active for symptom in here.told()] == [False]


class Hanging(Lying):
    """Answers nothing until it is released."""

    released = threading.Event()

    def names(self, folder: str) -> Mapping[str, int]:
        self.released.wait(20)
        return super().names(folder)


async def test_a_place_that_hangs_holds_up_nothing_and_is_told(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        here.offsite._make_target = Hanging
        Hanging.released.clear()
        async with anyio.create_task_group() as group:
            await here.offsite.look()
            group.start_soon(here.offsite.send)
            await anyio.wait_all_tasks_blocked()
            here.later(26 * HOUR)
            await here.offsite.look()
            assert not here.offsite._due()
            (symptom,) = here.told()
            assert symptom.detail["what"] == (
                "those of 2 companies for 1 day 2 h: the attempt that began 1 day 2 h ago has not ended"
            )
            Hanging.released.set()
        assert here.offsite.view()["waiting"] == 0
        assert [symptom.active for symptom in here.told()] == [False]


async def test_failures_are_tried_again_at_longer_and_longer_intervals(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        (tmp_path / "far").rmdir()
        for pause_s in (1200, 2400, 3600, 3600):
            await here.round()
            here.later(pause_s - 1)
            assert not here.offsite._due()
            here.later(1)
            assert here.offsite._due()
        (tmp_path / "far").mkdir()
        await here.round()
        here.back_up()
        await here.offsite.look()
        here.later(599)
        assert not here.offsite._due()
        here.later(1)
        assert here.offsite._due()


async def test_an_edited_table_is_tried_at_once(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        (tmp_path / "far").rmdir()
        await here.round()
        (tmp_path / "far").mkdir()
        here.configure("every = 601")
        await here.offsite.look()
        assert here.offsite._due()
        assert here.offsite.view()["problem"] is None
        here.configure()
        await here.offsite.look()
        assert not here.offsite._due()


async def test_what_vanished_there_is_noticed_although_nothing_is_new(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        await here.round()
        for path in (tmp_path / "far" / "acme").iterdir():
            path.unlink()
        here.later(6 * HOUR - 1)
        assert not here.offsite._due()
        here.later(1)
        assert here.offsite._due()
        await here.round()
        assert len(list((tmp_path / "far" / "acme").iterdir())) == 2


async def test_an_alert_of_the_daemon_before_stands_until_something_is_known(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        unit = here.d.engine.unit(HOST)
        assert unit is not None
        unit.note(Symptom(HOST, SymptomKind.COPIES_STAY, here.d.on.clock.now()))
        await here.offsite.look()
        assert here.told() == []
        await here.offsite.send()
        assert [symptom.active for symptom in here.told()] == [False]


async def test_a_disk_that_is_full_here_keeps_one_company_and_no_other(tmp_path: Path) -> None:
    async with installed(tmp_path) as here:
        here.configure("every = 600")
        (tmp_path / "host" / "backups" / "acme" / "offsite.json").mkdir()
        await here.round()
        assert here.offsite.away("other").newest_at is not None
        assert "acme" in str(here.offsite.view()["problem"])


async def test_every_changed_key_makes_another_table() -> None:
    from baileykeep.app.offsite import place_of, terms_of
    from baileykeep.config.offsite_tables import OffsiteTable

    table = OffsiteTable(to="s3://copies/x", recipients=(keys()[1],), endpoint="http://127.0.0.1:1", retention="keep")
    assert place_of(table).allow_http
    assert terms_of(table, lambda: 0.0).keep is None
    other = table.model_copy(update={"endpoint": "https://other.example"})
    assert terms_of(other, lambda: 0.0).place_key != terms_of(table, lambda: 0.0).place_key
    assert not replace(place_of(other)).allow_http
