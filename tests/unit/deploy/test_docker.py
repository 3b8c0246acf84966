"""The image and the compose example, read as text: what must hold whoever edits them."""

import json
import re

from tests.unit.deploy.files import DEPLOY, ROOT

INSTRUCTION = re.compile(r"^([A-Z]+)\s+(.*)$")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with continued lines joined, comments left out."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (found[1], " ".join(found[2].split())) for line in joined.splitlines() if (found := INSTRUCTION.match(line))
    ]


def runtime() -> list[tuple[str, str]]:
    """The instructions of the last stage."""
    found = instructions()
    last = max(n for n, (name, _) in enumerate(found) if name == "FROM")
    return found[last:]


def only(name: str) -> str:
    (value,) = (value for word, value in runtime() if word == name)
    return value


def service(name: str) -> str:
    """The block of one service of the compose example."""
    text = (DEPLOY / "docker" / "compose.yaml").read_text()
    services = text.partition("\nservices:\n")[2].partition("\nvolumes:\n")[0]
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", services + "\n", re.MULTILINE)
    assert found, f"no service {name}"
    return found[1]


def volume_at(block: str, target: str) -> str:
    found = re.search(rf"^\s+- ([\w.-]+):{re.escape(target)}$", block, re.MULTILINE)
    assert found, f"nothing is mounted at {target}"
    return found[1]


def test_built_in_stages_from_checked_wheels() -> None:
    stages = [value for name, value in instructions() if name == "FROM"]
    assert len(stages) == 2
    assert all(stage.startswith("python:3.11-slim AS ") for stage in stages)
    runs = " ".join(value for name, value in instructions() if name == "RUN")
    assert "--require-hashes" in runs
    assert "--no-index" in runs


def test_runs_as_nobody_special() -> None:
    names = [name for name, _ in runtime()]
    assert only("USER") == "baileykeep"
    assert "RUN" not in names[names.index("USER") :]


def test_auth_backups_and_state_are_volumes() -> None:
    assert json.loads(only("VOLUME")) == ["/data/auth", "/data/backups", "/data/state"]


def test_health_is_that_of_the_daemon_without_a_proxy_or_a_shell() -> None:
    check = only("HEALTHCHECK")
    program = json.loads(check.partition("CMD ")[2])
    assert program[:2] == ["python", "-c"]
    assert "/healthz" in program[2]
    compile(program[2], "healthcheck", "exec")


def test_starts_the_daemon_directly() -> None:
    assert json.loads(only("ENTRYPOINT")) == ["baileykeep"]
    assert json.loads(only("CMD"))[0] == "run"


def test_the_build_context_is_closed_but_for_what_the_image_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    copied = {
        source
        for name, value in instructions()
        if name == "COPY" and not value.startswith("--from")
        for source in value.split()[:-1]
    }
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert all((ROOT / source).exists() for source in copied)


def test_the_gateway_keeps_its_auth_on_the_named_volume_that_baileykeep_looks_after() -> None:
    auth = volume_at(service("gateway"), "/app/baileys_sessions")
    assert volume_at(service("baileykeep"), "/data/auth") == auth
    declared = (DEPLOY / "docker" / "compose.yaml").read_text().partition("\nvolumes:\n")[2].partition("\nsecrets:")[0]
    used = {auth, *(volume_at(service("baileykeep"), f"/data/{name}") for name in ("backups", "state"))}
    assert used <= set(re.findall(r"^  ([\w-]+):$", declared, re.MULTILINE))


def test_both_run_as_the_same_user_and_baileykeep_without_any_privilege() -> None:
    users = {re.search(r'^    user: "(.*)"$', service(name), re.MULTILINE)[1] for name in ("gateway", "baileykeep")}  # type: ignore[index]
    assert users == {"1000:1000"}
    for line in ("cap_drop: [ALL]", "no-new-privileges:true", "read_only: true", "stop_grace_period: 5m"):
        assert line in service("baileykeep")


def test_the_image_keeps_state_and_backups_on_its_volumes() -> None:
    environment = " ".join(value for name, value in runtime() if name == "ENV")
    assert "BAILEYKEEP_STATE_DIR=/data/state" in environment
    assert "BAILEYKEEP_BACKUPS_DIR=/data/backups" in environment
