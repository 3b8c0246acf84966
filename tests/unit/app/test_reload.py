"""The watcher on real files; only its slow safety net is driven by a virtual clock."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from baileykeep.app.reload import ConfigWatcher
from baileykeep.clock import Clock, SystemClock, VirtualClock
from baileykeep.config import Problem, Settings, load
from baileykeep.config.diff import Diff
from baileykeep.model.errors import BaileykeepError
from tests.unit.config.conftest import MAIN

pytestmark = pytest.mark.asyncio


class Daemon:
    """Notes what it was told, as the real one would act on it."""

    def __init__(self) -> None:
        self.changes: list[tuple[Diff, Settings]] = []
        self.told: list[tuple[Problem, ...]] = []
        self.refuses = False

    async def change(self, diff: Diff, settings: Settings) -> None:
        if self.refuses:
            raise BaileykeepError("the socket is taken", next_step="free it")
        self.changes.append((diff, settings))

    async def problems(self, problems: Sequence[Problem]) -> None:
        self.told.append(tuple(problems))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "companies").mkdir()
    (tmp_path / "baileykeep.toml").write_text(MAIN)
    (tmp_path / "companies" / "1.toml").write_text("name = 'one'\n")
    return tmp_path


def watcher(directory: Path, daemon: Daemon, clock: Clock | None = None) -> ConfigWatcher:
    return ConfigWatcher(directory, clock or VirtualClock(), daemon, load(directory, {}), environ={})


@asynccontextmanager
async def running(watched: ConfigWatcher) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.run)
        await anyio.sleep(0.15)
        yield
        tasks.cancel_scope.cancel()


async def until(done: object, within_s: float = 3.0) -> None:
    assert callable(done)
    with anyio.fail_after(within_s):
        while not done():
            await anyio.sleep(0.01)


async def test_saved_company_applies_within_a_second_to_that_company_alone(directory: Path) -> None:
    daemon = Daemon()
    watched = watcher(directory, daemon)
    async with running(watched):
        (directory / "companies" / "1.toml").write_text('name = "one"\n[limits.disconnect]\nwarn_after = "4m"\n')
        await until(lambda: daemon.changes, within_s=1.0)
    changed, settings = daemon.changes[0]
    assert changed == Diff(limits=frozenset({"1"}))
    assert settings is watched.settings
    assert settings.limits_for("1").disconnect.warn_after_s == 240
    assert daemon.told == []


async def test_bad_edit_keeps_last_good_tells_once_and_resolves(directory: Path) -> None:
    daemon = Daemon()
    watched = watcher(directory, daemon)
    file = directory / "companies" / "1.toml"
    async with running(watched):
        file.write_text("nam = 'uno'\n")
        await until(lambda: daemon.told)
        assert watched.settings.company("1").facts.name == "one"
        watched.poke()
        await anyio.sleep(0.15)
        file.write_text("name = 'uno'\n")
        await until(lambda: len(daemon.told) == 2)
    assert [(p.company, p.key, p.remedy) for p in daemon.told[0]] == [("1", "nam", 'did you mean "name"?')]
    assert daemon.told[1] == ()
    assert [diff.facts for diff, _ in daemon.changes] == [{"1"}]


async def test_half_written_file_is_read_once_more_before_it_is_called_bad(directory: Path) -> None:
    daemon = Daemon()
    watched = watcher(directory, daemon)
    file = directory / "companies" / "1.toml"
    await watched.reload()
    file.write_text("name = 'un")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.reload)
        await anyio.sleep(0.15)
        file.write_text("name = 'uno'\n")
    assert daemon.told == []
    assert watched.settings.company("1").facts.name == "uno"


@pytest.mark.parametrize("way", ["emptied", "gone"])
async def test_file_that_is_empty_or_gone_for_a_moment_changes_nothing(directory: Path, way: str) -> None:
    daemon = Daemon()
    watched = watcher(directory, daemon)
    file = directory / "companies" / "1.toml"
    await watched.reload()
    if way == "emptied":
        file.write_text("")
    else:
        file.unlink()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watched.reload)
        await anyio.sleep(0.15)
        file.write_text("name = 'one'\n")
    assert daemon.changes == []


async def test_new_and_removed_files(directory: Path) -> None:
    daemon = Daemon()
    watched = watcher(directory, daemon)
    (directory / "companies" / "2.toml").write_text("enabled = false\n")
    await watched.reload()
    (directory / "companies" / "2.toml").unlink()
    await watched.reload()
    two = frozenset({"2"})
    assert [diff for diff, _ in daemon.changes] == [Diff(added=two), Diff(removed=two)]


async def test_bad_installation_changes_nothing_and_companies_still_apply(directory: Path) -> None:
    daemon = Daemon()
    watched = watcher(directory, daemon)
    (directory / "baileykeep.toml").write_text(MAIN + "mode = 'act'\n")
    (directory / "companies" / "1.toml").write_text("name = 'uno'\n")
    problems = await watched.reload()
    assert [problem.key for problem in problems] == ["gateways.main.mode"]
    assert watched.settings.installation.mode == "observe"
    assert watched.settings.company("1").facts.name == "uno"
    assert watched.current_problems == problems


async def test_change_that_cannot_be_applied_leaves_the_old_settings_and_is_tried_again(directory: Path) -> None:
    daemon = Daemon()
    watched = watcher(directory, daemon)
    daemon.refuses = True
    (directory / "companies" / "1.toml").write_text("name = 'uno'\n")
    assert "the socket is taken" in str((await watched.reload())[0])
    assert watched.settings.company("1").facts.name == "one"
    daemon.refuses = False
    assert await watched.reload() == ()
    assert watched.settings.company("1").facts.name == "uno"
    assert daemon.told[-1] == ()


async def test_poke_reads_again_what_no_file_event_tells(directory: Path) -> None:
    daemon = Daemon()
    environ: dict[str, str] = {}
    watched = ConfigWatcher(directory, VirtualClock(), daemon, load(directory, {}), environ=environ)
    async with running(watched):
        environ["BAILEYKEEP_MODE"] = "act"
        await anyio.sleep(0.1)
        assert daemon.changes == []
        watched.poke()
        await until(lambda: daemon.changes)
    assert daemon.changes[0][0].keys == ("mode",)


async def test_replaced_folder_of_files_is_noticed(directory: Path) -> None:
    """Editors and config maps put a new file in place of the old one."""
    daemon = Daemon()
    watched = watcher(directory, daemon)
    async with running(watched):
        new = directory / "companies" / ".1.toml.new"
        new.write_text("name = 'uno'\n")
        new.rename(directory / "companies" / "1.toml")
        await until(lambda: daemon.changes, within_s=1.0)
    assert watched.settings.company("1").facts.name == "uno"


async def test_sweep_notices_what_the_watcher_cannot(directory: Path) -> None:
    """Where there is nothing to watch (yet), the files are looked at every half second."""
    daemon = Daemon()
    watched = watcher(directory, daemon, SystemClock())
    away = directory.with_name("away")
    directory.rename(away)
    async with running(watched):
        await until(lambda: daemon.told)
        (away / "companies" / "1.toml").write_text("name = 'uno'\n")
        away.rename(directory)
        await until(lambda: len(daemon.told) == 2)
    assert {problem.file for problem in daemon.told[0]} == {"baileykeep.toml", "companies"}
    assert daemon.told[1] == ()
    assert [diff for diff, _ in daemon.changes] == [Diff(facts=frozenset({"1"}))]


async def test_folder_put_in_place_of_the_watched_one_is_watched_in_turn(directory: Path) -> None:
    daemon, clock = Daemon(), VirtualClock()
    watched = watcher(directory, daemon, clock)
    async with running(watched):
        directory.rename(directory.with_name("old"))
        (directory / "companies").mkdir(parents=True)
        (directory / "baileykeep.toml").write_text("mode = 'act'\n" + MAIN)
        (directory / "companies" / "1.toml").write_text("name = 'one'\n")
        for _ in range(12):
            clock.step_to(clock.monotonic() + 0.5)
            await anyio.sleep(0.01)
        await until(lambda: daemon.changes)
        await anyio.sleep(0.1)
        (directory / "companies" / "1.toml").write_text("name = 'uno'\n")
        await until(lambda: len(daemon.changes) == 2)
    assert watched.settings.company("1").facts.name == "uno"
