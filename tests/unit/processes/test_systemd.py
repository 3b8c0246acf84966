from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.model.errors import ConfigError, ProcessError
from baileykeep.model.facts import ProcessState
from baileykeep.processes.systemd import Systemd
from tests.fakes.process_managers import fake_systemctl, unit


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("active", "sub", "state"),
    [
        ("active", "running", ProcessState.RUNNING),
        ("active", "exited", ProcessState.UNKNOWN),
        ("reloading", "reload", ProcessState.RUNNING),
        ("activating", "start", ProcessState.RUNNING),
        ("activating", "auto-restart", ProcessState.UNKNOWN),
        ("deactivating", "stop-sigterm", ProcessState.RUNNING),
        ("inactive", "dead", ProcessState.STOPPED),
        ("failed", "failed", ProcessState.ERRORED),
        ("maintenance", "x", ProcessState.UNKNOWN),
    ],
)
async def test_each_state_of_systemd_has_one_meaning(
    tmp_path: Path, active: str, sub: str, state: ProcessState
) -> None:
    program = fake_systemctl(tmp_path, {"gw.service": unit(active, sub, NRestarts="4")})
    found = await Systemd("gw.service", program=str(program.path)).status()
    assert (found.state, found.restarts, found.detail) == (state, 4, f"{active} ({sub})")


@pytest.mark.asyncio
async def test_why_it_failed_is_told(tmp_path: Path) -> None:
    program = fake_systemctl(tmp_path, {"gw.service": unit("failed", "failed", Result="oom-kill")})
    assert (await Systemd("gw.service", program=str(program.path)).status()).detail == "failed (failed), oom-kill"


@pytest.mark.asyncio
async def test_a_unit_of_a_user_is_asked_from_the_user_s_manager(tmp_path: Path) -> None:
    program = fake_systemctl(tmp_path, {"gw.service": unit()})
    await Systemd("gw.service", user=True, program=str(program.path)).restart()
    assert program.calls[0]["argv"] == ["--user", "--no-pager", "--no-ask-password", "restart", "--", "gw.service"]


@pytest.mark.parametrize("name", ["", "-H evil", "gw*", "a b", "gw;reboot", "[ab].service", "gw\n"])
def test_what_is_no_single_unit_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="no unit name"):
        Systemd(name)


@pytest.mark.asyncio
async def test_a_refusal_is_told_in_systemd_s_own_words(tmp_path: Path) -> None:
    program = fake_systemctl(tmp_path, {"gw.service": unit()})
    program.update(fail="noise\nFailed to stop gw.service: Interactive authentication required.\n")
    with pytest.raises(ProcessError, match="Interactive authentication required") as caught:
        await Systemd("gw.service", program=str(program.path)).stop()
    assert "polkit" in caught.value.next_step


@pytest.mark.asyncio
async def test_a_job_that_failed_is_told_without_systemd_s_hint_after_it(tmp_path: Path) -> None:
    program = fake_systemctl(tmp_path, {"gw.service": unit()})
    program.update(
        fail="Job for gw.service failed because the control process exited with error code.\n"
        'See "systemctl status gw.service" and "journalctl -xeu gw.service" for details.\n'
    )
    with pytest.raises(ProcessError, match=r"control process exited") as caught:
        await Systemd("gw.service", program=str(program.path)).restart()
    assert caught.value.next_step == "see `systemctl status gw.service`"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("load", "remedy"),
    [("not-found", "process.unit"), ("masked", "unmask"), ("bad-setting", "status"), ("error", "st")],
)
async def test_a_unit_that_cannot_be_used_is_told_with_its_remedy(tmp_path: Path, load: str, remedy: str) -> None:
    program = fake_systemctl(tmp_path, {"gw.service": unit("inactive", "dead", LoadState=load)})
    with pytest.raises(ProcessError, match=load) as caught:
        await Systemd("gw.service", program=str(program.path)).status()
    assert remedy in caught.value.next_step


@pytest.mark.asyncio
async def test_a_user_without_a_manager_is_told_how_to_get_one(tmp_path: Path) -> None:
    program = fake_systemctl(tmp_path, {"gw.service": unit()})
    program.update(fail="Failed to connect to bus: No medium found\n")
    with pytest.raises(ProcessError, match="No medium found") as caught:
        await Systemd("gw.service", user=True, program=str(program.path)).status()
    assert "linger" in caught.value.next_step


def test_a_unit_is_one_with_and_without_its_suffix_but_not_a_user_s_own() -> None:
    assert Systemd("gw").identity.may_be(Systemd("gw.service").identity)
    assert not Systemd("gw").identity.may_be(Systemd("gw", user=True).identity)
