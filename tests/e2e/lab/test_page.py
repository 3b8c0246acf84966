"""`docs/lab.md` is true: what it names exists, and its commands do what it says, typed into a real lab.

So do the questions that `docs/gateways.md` puts to the gateway of that lab.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.crash.processes import REPO, environment
from tests.e2e.lab.byhand import desk, settings
from tests.e2e.lab.byhand.breaks import BREAKS, OTHERS
from tests.e2e.lab.byhand.place import MARK, PlaceError, emptied, free_port
from tests.e2e.lab.processes import until

PAGE = (REPO / "docs" / "lab.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TYPED = [line for block in BLOCKS for line in block.splitlines() if line.startswith("lab ")]
STORIES = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
GATEWAYS = (REPO / "docs" / "gateways.md").read_text()
ASK = str(re.findall(r"^ask\(\) .*$", GATEWAYS, re.MULTILINE)[0])
WELL, _, _ = GATEWAYS.partition("A session that is stopped")
ASKED = dict(re.findall(r"^\$ ((?:ask|curl) .*)\n(.+)$", WELL, re.MULTILINE))
"""What somebody types, and what is answered."""

READY_WITHIN_S = 90


# --- what the page names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", sorted(set(TYPED)))
def test_every_lab_command_on_the_page_exists(line: str) -> None:
    _, what, company, *how = line.split()
    assert company in {*settings.NAMES, desk.EVERYBODY}
    assert (what in OTHERS and not how) or (what == "break" and [how[0] in BREAKS, *how[1:]] == [True])


def test_every_break_has_its_place_on_the_page() -> None:
    assert {line.split()[3] for line in TYPED if line.startswith("lab break")} == set(BREAKS)
    assert {line.split()[1] for line in TYPED} == {"break", *OTHERS}


def test_every_story_that_the_page_names_exists() -> None:
    named = set(re.findall(r"^- (test_\w+)", PAGE, re.MULTILINE))
    assert named
    assert {name for name in named if f"def {name}(" not in STORIES} == set()


def test_every_step_that_the_page_shows_was_really_seen() -> None:
    assert re.findall(r"@\w+@", PAGE) == []


def test_a_minute_is_a_second_only_for_what_does_not_protect_a_login() -> None:
    protecting = {"stopped_gap", "quiet_folder", "min_age_days", "session_age_days", "seen_open_guard", "approval"}
    assert protecting.isdisjoint(key for _, key in settings.SHORT)


# --- what stands in the way -------------------------------------------------------------------------------------------


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(PlaceError, match="not empty"):
        emptied(tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_lab_of_before_makes_way(tmp_path: Path) -> None:
    root = emptied(tmp_path / "lab")
    (root / "old.log").touch()
    assert [path.name for path in emptied(root).iterdir()] == [MARK]
    assert root.stat().st_mode & 0o777 == 0o700


def test_a_port_that_is_taken_is_named_with_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(PlaceError, match=f"port {taken} .* HTTP_PORT={taken + 1}"):
            free_port(taken, "HTTP_PORT")
    assert free_port(0, "HTTP_PORT") > 0


def test_a_bot_needs_a_token_and_a_chat() -> None:
    assert settings.telegram({}) == ""
    table = settings.telegram({"TELEGRAM_TOKEN": "1:x", "TELEGRAM_CHAT": "42"})
    assert "chats = [42]\nusers = [42]" in table
    assert "1:x" not in table
    group = settings.telegram({"TELEGRAM_TOKEN": "1:x", "TELEGRAM_CHAT": "-42", "TELEGRAM_USER": "7"})
    assert "chats = [-42]\nusers = [7]" in group
    for half in ({"TELEGRAM_TOKEN": "1:x"}, {"TELEGRAM_CHAT": "42"}, {"TELEGRAM_TOKEN": "1:x", "TELEGRAM_CHAT": "me"}):
        with pytest.raises(ValueError, match="TELEGRAM_"):
            settings.telegram(half)


def test_without_a_lab_the_second_terminal_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.ask(tmp_path, ["hear", "1"]) == desk.FAILED
    assert "make lab" in capsys.readouterr().out


# --- the page, typed in -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine; `born` tells it from a later one of the same number."""

    pid: int
    parent: int
    born: int


@dataclass(slots=True)
class Terminals:
    """The first terminal, which runs the lab, and a second one for typing."""

    root: Path
    first: asyncio.subprocess.Process
    output: Path

    async def typed(self, line: str) -> str:
        """What a command prints; AssertionError unless it ends with 0."""
        shell = await asyncio.create_subprocess_exec(
            "sh", "-c", f". {self.root}/env; {line}", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1"}, cwd="/",
        )  # fmt: skip
        output, _ = await asyncio.wait_for(shell.communicate(), 60)
        assert shell.returncode == 0, f"{line}: {output.decode()}"
        return output.decode()

    def shown(self) -> str:
        """The first terminal."""
        return self.output.read_text(errors="replace")

    async def tells(self, text: str, within_s: float = 60) -> None:
        """Wait until the first terminal shows it."""
        await until(lambda: text in self.shown(), within_s, text, self)

    def family(self) -> set[Process]:
        """Everything that the lab started, and what that started."""
        found, running = {self.first.pid}, list(_running())
        for _ in running:  # a child may stand before its parent
            found |= {one.pid for one in running if one.parent in found}
        return {one for one in running if one.pid in found - {self.first.pid}}

    def __str__(self) -> str:
        return self.shown()


def _running() -> Iterator[Process]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            yield Process(int(folder.name), int(fields[1]), int(fields[19]))


def _left(family: set[Process]) -> set[int]:
    """Those that still run, whoever their parent is now."""
    running = {(one.pid, one.born) for one in _running()}
    return {one.pid for one in family if (one.pid, one.born) in running}


@asynccontextmanager
async def terminals(root: Path) -> AsyncIterator[Terminals]:
    """A lab that is ready, as `make lab` starts it."""
    output = root.with_suffix(".out")
    with output.open("wb") as out:
        first = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.e2e.lab", "--folder", str(root), "run", stdout=out, stderr=out,
            env=environment(), cwd=REPO,
        )  # fmt: skip
    found = Terminals(root, first, output)
    try:
        await found.tells("Ctrl-C ends everything.", READY_WITHIN_S)
        yield found
    finally:
        if first.returncode is None:
            first.kill()
            await first.wait()


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.timeout(240)
async def test_the_page_can_be_followed(tmp_path: Path) -> None:
    async with terminals(tmp_path / "lab") as lab:
        assert "3 ok" in await lab.typed("baileykeep health")
        await _answers(lab)
        await _questions(lab)
        await asyncio.gather(_hang(lab), _removed(lab), _bad_mac(lab))
        family = lab.family()
        lab.first.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(lab.first.wait(), 30) == 0
        assert _left(family) == set()
        assert lab.shown().endswith("stays until the next `make lab` or `make clean`.\n")


async def _answers(lab: Terminals) -> None:
    """The addresses and keys of `env` are those of the page's curl lines."""
    gateway, secret, http, token = (await lab.typed("echo $GATEWAY $SECRET $HTTP $TOKEN")).split()
    async with httpx.AsyncClient(trust_env=False) as client:
        status = await client.get(f"{gateway}/whatsapp/status", headers={"X-Internal-Secret": secret})
        company = await client.get(f"{http}/api/companies/1", headers={"Authorization": f"Bearer {token}"})
    assert [one["connected"] for one in status.json()["sessions"]] == [True] * 3
    assert company.json()["name"] == "Salon Rosa"


async def _questions(lab: Terminals) -> None:
    """The gateway answers as its own page says."""
    assert len(ASKED) == 4
    for typed, answered in ASKED.items():
        assert (await lab.typed(f"{ASK}; {typed}")).strip() == answered


async def _hang(lab: Terminals) -> None:
    await lab.typed("lab break 1 hang")
    await lab.tells("Salon Rosa: Reconnected: it works again.")
    assert "can read it" in await lab.typed("lab hear 1")


async def _removed(lab: Terminals) -> None:
    await lab.typed("lab break 2 device_removed")
    await lab.tells("City Clinic: Your answer is needed.")
    assert "approved" in await lab.typed("baileykeep approve 2")
    await lab.tells("City Clinic: waiting for the QR to be scanned")
    assert "scanned the QR" in await lab.typed("lab scan 2")
    await lab.tells("City Clinic: Relinked with a new QR code: it works again")
    assert "can read it" in await lab.typed("lab send 2")


async def _bad_mac(lab: Terminals) -> None:
    await lab.typed("lab break 3 bad_mac")
    await lab.tells("Corner Shop: Set the broken contact sessions aside: it works again (2 session files set aside).")


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.timeout(120)
async def test_nothing_outlives_a_lab_that_is_killed(tmp_path: Path) -> None:
    async with terminals(tmp_path / "lab") as lab:
        family = lab.family()
        assert len(family) == len({"WhatsApp", "gateway", "daemon"})
        lab.first.kill()
        await lab.first.wait()
        await until(lambda: not _left(family), 30, "all processes are gone")
