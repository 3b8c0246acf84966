from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.model.errors import ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.pm2 import Pm2, parse_jlist
from tests.fakes.process_managers import PM2, Program, fake_pm2, pm2_daemon, pm2_process

SAMPLE = Path(__file__).parents[2] / "fixtures" / "processes" / "pm2-jlist.json"


def test_a_real_list_is_read_and_its_environment_left_behind() -> None:
    entries = parse_jlist(SAMPLE.read_bytes())
    assert [(e.name, e.pm_id, e.status, e.restarts) for e in entries] == [
        ("acme", 0, "online", 0),
        ("beta", 1, "online", 0),
    ]
    assert "secret" in SAMPLE.read_text()
    assert "secret" not in repr(entries)


@pytest.mark.parametrize(
    "banner",
    ["", ">>>> In-memory PM2 is out-of-date, do:\n>>>> $ pm2 update\n", "[PM2] Spawning daemon\n[PM2][WARN] old\n\n"],
)
def test_banner_lines_before_the_list_do_no_harm(banner: str) -> None:
    assert len(parse_jlist(banner.encode() + SAMPLE.read_bytes())) == 2
    assert parse_jlist(banner.encode() + b"[]\n") == []


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[PM2] nothing", b"[1, 2]", b'[{"name": "half"', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_list_is_an_error(raw: bytes) -> None:
    with pytest.raises(ProcessError, match="no list"):
        parse_jlist(raw)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("online", ProcessState.RUNNING),
        ("launching", ProcessState.RUNNING),
        ("stopping", ProcessState.RUNNING),
        ("stopped", ProcessState.STOPPED),
        ("errored", ProcessState.ERRORED),
        ("waiting restart", ProcessState.UNKNOWN),
        ("never heard of", ProcessState.UNKNOWN),
    ],
)
async def test_each_word_of_pm2_has_one_meaning(tmp_path: Path, status: str, state: ProcessState) -> None:
    async with fake_pm2(tmp_path, [pm2_process("gw", 3, status, restarts=7)]) as (program, home):
        found = await Pm2("gw", home=home, program=str(program.path)).status()
    assert (found.state, found.restarts, found.detail) == (state, 7, status)


@pytest.mark.asyncio
async def test_instances_are_down_only_when_all_are(tmp_path: Path) -> None:
    cluster = [pm2_process("gw", 0, "stopped", 1), pm2_process("gw", 1, "online", 2), pm2_process("gw", 2, "errored")]
    async with fake_pm2(tmp_path, cluster) as (program, home):
        pm2 = Pm2("gw", home=home, program=str(program.path))
        found = await pm2.status()
        assert (found.state, found.restarts) == (ProcessState.RUNNING, 3)
        await pm2.start()
        assert program.verbs[-1] == "start 0 2"
        await pm2.stop()
        assert (await pm2.status()).state is ProcessState.STOPPED


@pytest.mark.asyncio
async def test_a_stopped_process_that_still_has_a_pid_runs(tmp_path: Path) -> None:
    async with fake_pm2(tmp_path, [pm2_process("gw", 0, "stopped") | {"pid": 99}]) as (program, home):
        assert (await Pm2("gw", home=home, program=str(program.path)).status()).state is ProcessState.RUNNING


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["all", "/.*/", "ecosystem.json", "-"])
async def test_actions_go_by_number_so_that_no_name_means_more_than_one(tmp_path: Path, name: str) -> None:
    async with fake_pm2(tmp_path, [pm2_process(name, 5), pm2_process("other", 6)]) as (program, home):
        pm2 = Pm2(name, home=home, program=str(program.path))
        await pm2.restart()
        await pm2.stop()
    assert [v for v in program.verbs if v != "jlist"] == ["restart 5", "stop 5"]
    assert program.state["list"][1]["pm2_env"]["status"] == "online"


@pytest.mark.asyncio
async def test_an_app_can_be_given_by_its_number(tmp_path: Path) -> None:
    async with fake_pm2(tmp_path, [pm2_process("gw", 5, "stopped")]) as (program, home):
        await Pm2("5", home=home, program=str(program.path)).start()
    assert program.state["list"][0]["pm2_env"]["status"] == "online"


@pytest.mark.asyncio
async def test_a_running_process_is_not_started_since_pm2_would_restart_it(tmp_path: Path) -> None:
    async with fake_pm2(tmp_path, [pm2_process("gw", 0)]) as (program, home):
        await Pm2("gw", home=home, program=str(program.path)).start()
    assert program.verbs == ["jlist"]


@pytest.mark.asyncio
async def test_pm2_is_never_run_where_no_daemon_listens(tmp_path: Path) -> None:
    program = Program(tmp_path / "bin", "pm2", PM2, {"list": []})
    home = tmp_path / "home"
    pm2 = Pm2("gw", home=home, program=str(program.path))
    for act in (pm2.status, pm2.start, pm2.stop, pm2.restart):
        with pytest.raises(ProcessError, match=str(home)):
            await act()
    with pm2_daemon(home):
        pass
    assert (home / "rpc.sock").exists(), "a daemon that died leaves its sockets behind"
    with pytest.raises(ProcessError, match="nobody listens"):
        await pm2.status()
    assert program.calls == []


@pytest.mark.asyncio
async def test_our_own_secrets_do_not_reach_pm2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAILEYKEEP_TELEGRAM__TOKEN", "our-secret")
    async with fake_pm2(tmp_path, [pm2_process("gw", 0)]) as (program, home):
        await Pm2("gw", home=home, program=str(program.path)).status()
    (call,) = program.calls
    assert call["argv"] == ["jlist", "--silent"]
    assert call["env"]["PM2_HOME"] == str(home)
    assert "BAILEYKEEP_TELEGRAM__TOKEN" not in call["env"]


@pytest.mark.asyncio
async def test_the_home_of_the_environment_counts_when_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fake_pm2(tmp_path, [pm2_process("gw", 0)]) as (program, home):
        monkeypatch.setenv("PM2_HOME", str(home))
        assert (await Pm2("gw", program=str(program.path)).status()).state is ProcessState.RUNNING


@pytest.mark.asyncio
async def test_an_unknown_name_is_told_with_those_there_are(tmp_path: Path) -> None:
    async with fake_pm2(tmp_path, [pm2_process("acme", 0), pm2_process("beta", 1)]) as (program, home):
        with pytest.raises(ProcessError, match=r"'gw'.*acme, beta"):
            await Pm2("gw", home=home, program=str(program.path)).status()


def test_a_number_may_be_any_app_of_its_home() -> None:
    assert Pm2("gw", home="/h").identity.may_be(Pm2("5", home="/h").identity)
    assert not Pm2("gw", home="/h").identity.may_be(Pm2("5", home="/other").identity)
    assert not Pm2("gw", home="/h").identity.may_be(Pm2("hook", home="/h").identity)


def test_a_home_behind_a_link_is_the_same_home(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Pm2("gw", home=tmp_path / "link").identity == Pm2("gw", home=tmp_path / "real").identity
