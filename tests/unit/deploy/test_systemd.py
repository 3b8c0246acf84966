import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.deploy.files import DEPLOY, DROP_INS, UNIT, settings

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=30, check=False)


def installed(folder: Path, *drop_ins: Path) -> str:
    """A copy of the unit whose program exists here, as `verify` wants it, with these drop-ins beside it."""
    program = settings(UNIT.read_text())["ExecStart"][0].split()[0]
    copy = folder / UNIT.name
    copy.write_text(UNIT.read_text().replace(program, "/bin/true"))
    beside = folder / f"{UNIT.name}.d"
    beside.mkdir()
    for drop_in in drop_ins:
        shutil.copy(drop_in, beside)
    return str(copy)


def test_every_process_manager_has_its_drop_in() -> None:
    assert {path.name for path in DROP_INS} >= {"pm2.conf", "systemd.conf", "docker.conf", "auth.conf"}


@needs_systemd
@pytest.mark.parametrize("drop_in", [None, *DROP_INS], ids=lambda path: path.name if path else "base")
def test_systemd_finds_nothing_wrong(tmp_path: Path, drop_in: Path | None) -> None:
    done = analyze("verify", installed(tmp_path, *([drop_in] if drop_in else [])))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_all_drop_ins_together_are_clean_too(tmp_path: Path) -> None:
    done = analyze("verify", installed(tmp_path, *DROP_INS))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_the_base_unit_is_exposed_2_0_at_most(tmp_path: Path) -> None:
    done = analyze("security", "--offline=yes", "--threshold=20", "--no-pager", installed(tmp_path))
    assert done.returncode == 0, done.stdout


def test_reload_works_before_systemd_253_and_failures_end() -> None:
    unit = settings(UNIT.read_text())
    assert unit["Type"] == ["notify"]
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert int(unit["WatchdogSec"][0]) > 0
    assert unit["Restart"] == ["on-failure"]
    assert unit["RestartPreventExitStatus"] == ["2"]
    assert unit["StartLimitBurst"]


def test_only_the_owner_may_read_what_it_writes() -> None:
    unit = settings(UNIT.read_text())
    assert unit["UMask"] == ["0077"]
    assert unit["StateDirectoryMode"] == ["0700"]
    assert unit["PrivateUsers"] == ["no"], "mapped users would hide the owners that must be kept"


@needs_node
@pytest.mark.parametrize(
    ("user", "unit", "verb", "answer"),
    [
        ("baileykeep", "whatsapp-gateway.service", "restart", "yes"),
        ("baileykeep", "whatsapp-gateway.service", "stop", "yes"),
        ("baileykeep", "whatsapp-gateway.service", "kill", "not handled"),
        ("baileykeep", "ssh.service", "restart", "not handled"),
        ("somebody", "whatsapp-gateway.service", "restart", "not handled"),
    ],
)
def test_polkit_allows_one_unit_three_verbs_one_user(user: str, unit: str, verb: str, answer: str) -> None:
    rules = (DEPLOY / "polkit" / "50-baileykeep.rules").read_text()
    lookup = {"unit": unit, "verb": verb}
    script = f"""
        const polkit = {{Result: {{YES: "yes", NOT_HANDLED: "not handled"}}, addRule: rule => (polkit.rule = rule)}};
        {rules}
        const asked = {{id: "org.freedesktop.systemd1.manage-units", lookup: key => ({json.dumps(lookup)})[key]}};
        process.stdout.write(polkit.rule(asked, {{user: {json.dumps(user)}}}));
    """
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == answer
