"""Two daemons by mistake, and commands without one: who comes second does nothing, and says who came first."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from baileykeep.app.locks import daemon_lock
from tests.crash.installation import Installation, installation, until
from tests.crash.processes import REPO, environment
from tests.crash.troubles import danger, zeroed
from tests.crash.watched import folder

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(240)]
COMMAND_WITHIN_S = 90.0


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder whose name is short enough to be told in errors; long ones look like keys, and are hidden."""
    with tempfile.TemporaryDirectory(prefix="bk-two-") as made:
        yield Path(made)


@asynccontextmanager
async def place(root: Path, *, running: bool = True) -> AsyncIterator[Installation]:
    """An installation with two companies of 6.x folders; its daemon is ready, or was never started."""
    async with installation(root, companies=2) as found:
        if running:
            await found.daemon.start()
            await found.daemon.ready()
        yield found


async def command(*words: str, config: Path | None = None) -> tuple[int, str]:
    """Exit code and stderr of one command line in a process of its own."""
    more = ("--config", str(config)) if config is not None else ()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "baileykeep", *words, *more, env=environment(), cwd=REPO,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await asyncio.wait_for(process.communicate(), COMMAND_WITHIN_S)
    assert process.returncode is not None
    return process.returncode, told.decode()


def copied(found: Installation, **changes: str) -> Path:
    """A second configuration for the same companies, with other folders of its own."""
    other = found.root / "other"
    (other / "companies").mkdir(parents=True)
    text = (found.root / "config" / "baileykeep.toml").read_text()
    for key, value in changes.items():
        text = text.replace(f'{key} = "{found.root}/{key.removesuffix("_dir")}"', f'{key} = "{value}"')
    (other / "baileykeep.toml").write_text(text)
    (other / "baileykeep.toml").chmod(0o600)
    return other


async def in_step(found: Installation, step: str) -> bool:
    """Whether some action is in this step within half a minute."""
    return await until(lambda: any(one.step == step for one in found.journal.interrupted()), 30)


async def test_a_second_daemon_is_told_who_runs_and_does_nothing(root: Path) -> None:
    async with place(root) as found:
        entries, messages = found.journal.last_id(), len(found.telegram.messages())
        code, told = await command("run", config=found.root / "config")
        assert code == 3
        assert f"pid {found.daemon.pid}" in told
        assert f"kill {found.daemon.pid}" in told
        started = found.journal.entries(entries, "daemon_started")
        assert (started, len(found.telegram.messages())) == ([], messages)
        assert found.daemon.alive
        assert await asyncio.to_thread(lambda: (found.daemon.state / "control.sock").is_socket())


@pytest.mark.parametrize("shared", ["state", "backups"])
async def test_whoever_shares_one_of_the_folders_never_reaches_the_gateway(root: Path, shared: str) -> None:
    async with place(root, running=False) as found:
        own = {"backups_dir" if shared == "state" else "state_dir": f"{root}/own"}
        before = {company: folder(found.gateway.folder(company)) for company in found.companies}
        name = "daemon.lock" if shared == "state" else ".daemon.lock"
        with daemon_lock(root / shared, name):
            code, told = await command("run", config=copied(found, **own))
        assert code == 3
        assert f"pid {os.getpid()}" in told
        assert str(root / shared) in told
        assert await found.gateway.calls() == []
        assert found.telegram.calls == []
        assert {company: folder(found.gateway.folder(company)) for company in found.companies} == before
        assert not (root / "own" / "journal.db").exists()
        assert not (root / "state" / "journal.db").exists()


async def test_what_a_killed_daemon_leaves_bars_no_other_even_when_its_pid_is_taken(root: Path) -> None:
    async with place(root) as found:
        await found.daemon.killed()
        lock = root / "state" / "daemon.lock"
        assert lock.read_text() == f"daemon {found.daemon.pid}\n"
        lock.write_text(f"daemon {os.getpid()}\n")
        await found.daemon.start()
        await found.daemon.ready()
        assert lock.read_text() == f"daemon {found.daemon.pid}\n"


async def test_a_frozen_daemon_is_named_at_once_and_nobody_acts_in_its_place(root: Path) -> None:
    async with place(root) as found:
        before = folder(found.gateway.folder("1"))
        os.kill(found.daemon.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            code, told = await command("health", config=root / "config")
            assert (code, f"kill -CONT {found.daemon.pid}" in told) == (1, True), told
            for words in (("cleanup", "1", "--force"), ("backup", "create", "1"), ("reconnect", "1")):
                code, told = await command(*words, config=root / "config")
                assert (code, f"pid {found.daemon.pid}" in told) == (1, True), (words, told)
            assert time.monotonic() - began < COMMAND_WITHIN_S
        finally:
            os.kill(found.daemon.pid, signal.SIGCONT)
        assert folder(found.gateway.folder("1")) == before


async def test_commands_without_a_daemon_keep_off_a_folder_that_one_acts_on(root: Path) -> None:
    async with place(root) as found:
        await danger(found, "1", random.Random(1))
        assert await in_step(found, "prove_stopped")
        auth, elsewhere = found.gateway.folder("1"), str(root / "elsewhere")
        held = folder(auth)
        for words in (
            ("cleanup", "--folder", str(auth), "--backups", elsewhere, "--stopped"),
            ("cleanup", "--folder", str(auth), "--backups", str(root / "backups"), "--stopped"),
        ):
            code, told = await command(*words)
            assert (code, "another process" in told) == (3, True), (words, told)
        assert folder(auth).files == held.files or not found.journal.interrupted()
        assert await until(lambda: not found.journal.interrupted(), 40)
        assert (await found.gateway.state())["1"]["state"] == "connected"


async def test_the_guard_and_a_restore_keep_off_creds_that_the_daemon_puts_back(root: Path) -> None:
    async with place(root) as found:
        auth = found.gateway.folder("1")
        code, told = await command("backup", "create", "--folder", str(auth), "--to", str(root / "elsewhere"))
        assert code == 0, told
        assert await until(lambda: (root / "backups" / "1" / "good-creds.json").exists(), 30)
        await zeroed(found, "1", random.Random(1))
        assert await in_step(found, "prove_stopped")
        broken = folder(auth).files["creds.json"]
        guard, restore = await asyncio.gather(
            command("guard", "1", config=root / "config"),
            command("backup", "restore", "--folder", str(auth), "--to", str(root / "elsewhere"), "--stopped"),
        )
        if found.journal.interrupted():
            assert folder(auth).files["creds.json"] == broken
            assert (guard[0], restore[0]) == (3, 3), (guard, restore)
        assert await until(lambda: not found.journal.interrupted(), 40)
        assert (await found.gateway.state())["1"]["state"] == "connected"
        assert (await found.gateway.state())["1"]["qr"] is None


async def test_a_daemon_keeps_off_a_folder_that_a_command_works_on(root: Path) -> None:
    async with place(root) as found:
        auth = found.gateway.folder("1")
        descriptor = os.open(auth, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            await danger(found, "1", random.Random(1))
            assert await until(lambda: found.journal.entries(0, "action_ended"), 30)
            ended = [entry["data"]["attempt"] for entry in found.journal.entries(0, "action_ended")]
            assert [(one["rung"], one["outcome"]) for one in ended] == [("cleanup", "refused")]
            assert not [call for call in await found.gateway.calls() if call["verb"] == "stop"]
        finally:
            os.close(descriptor)


async def test_no_daemon_starts_while_a_command_works_without_one(root: Path) -> None:
    async with place(root, running=False) as found:
        auth = found.gateway.folder("1")
        (auth / "session-4917100000001.0.json").touch()
        words = ("cleanup", "1", "--stopped")
        task = asyncio.create_task(command(*words, config=root / "config"))
        assert await until((root / "state" / "daemon.lock").exists, 30, every_s=0.005)
        code, told = await command("run", config=root / "config")
        assert (await task)[0] == 0
        assert (code, "a command that works without a daemon" in told) == (3, True), told
        assert await found.gateway.calls() == []


async def test_an_orderly_stop_ends_with_zero_however_often_it_is_asked_for(root: Path) -> None:
    async with place(root) as found:
        running = found.daemon.running
        assert running is not None
        with contextlib.suppress(ProcessLookupError):
            while running.alive:
                os.kill(running.pid, signal.SIGTERM)
                await asyncio.sleep(0.001)
        assert await running.ended == 0
