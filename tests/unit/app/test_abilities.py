"""For every shipped dialect and every cause: nothing is begun that must fail, and what is missing is named."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from baileykeep.app.abilities import NO_MANAGER, NO_START, NO_STATE, can_of
from baileykeep.config.discover import Placement
from baileykeep.gateways.base import Capabilities
from baileykeep.gateways.dialect import Dialect, dialect_names, load_dialect
from baileykeep.model.decisions import Reason, Verb
from baileykeep.model.incident import Cause, Rung
from baileykeep.processes.base import ProcessManager
from baileykeep.rules.case import Can
from baileykeep.rules.lacks import Lacks, left
from baileykeep.rules.ladder import LADDER, decide, incapable, may_request
from tests.unit.rules.cases import case, inventory, tried, view

PM2 = cast(ProcessManager, SimpleNamespace(can_act=True, kind="pm2"))
PROCESSES = {"none": (None, False), "alone": (PM2, True), "shared": (PM2, False)}
FOLDERS = {"files": Path("/auth/1"), "folderless": None}
FULL = inventory(210, 100)
NOBODY_SAID = "this gateway cannot do it"


def abilities(dialect: str, process: str = "none", folder: str = "files") -> Can:
    loaded, (manager, alone) = load_dialect(dialect), PROCESSES[process]
    return can_of(loaded.capabilities, manager, loaded, Placement("1", "main", FOLDERS[folder]), alone=alone)


def possible(rung: Rung, dialect: Dialect, process: str, folder: str) -> bool:
    """Said once more, plainly: what a rung needs of the world."""
    does, manager, files = dialect.capabilities, process != "none", folder == "files"
    opens = does.start or does.reconnect
    stops = (does.status and does.stop and opens) or manager
    if rung is Rung.RECONNECT:
        return opens
    if rung is Rung.RESTART_PROCESS:
        return manager
    if rung in (Rung.SNAPSHOT, Rung.BACKUP):
        return files
    if rung is Rung.RELINK:
        return files and stops and (opens or does.force_relink)
    if rung is Rung.RESET:
        return does.reset or (files and does.status and does.stop and opens)
    return files and stops


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("dialect", dialect_names())
def test_nothing_is_begun_that_must_fail_and_what_is_missing_is_named(dialect: str, process: str, folder: str) -> None:
    can, loaded = abilities(dialect, process, folder), load_dialect(dialect)
    seen = view(inventory=FULL if folder == "files" else None)
    for cause in LADDER:
        attempts: tuple[Any, ...] = ()
        for _ in LADDER[cause]:
            made = case(cause, *attempts, can=can, seen=seen, detail={"addresses": ("49151.0",)})
            decision = decide(made)
            if decision.rung is None:
                break
            assert possible(decision.rung, loaded, process, folder), (cause, decision)
            attempts = (*attempts, tried(decision.rung, cause))
        told = " ".join(incapable(cause, can))
        for rung in LADDER[cause]:
            if not possible(rung, loaded, process, folder):
                assert told, (cause, rung)
        assert NOBODY_SAID not in told
    for rung in Rung:
        allowed = may_request(case(can=can, seen=seen), rung, force=True).verb is Verb.ACT
        assert allowed == possible(rung, loaded, process, folder) or rung is Rung.RESTART_PROCESS, rung


@pytest.mark.parametrize("dialect", dialect_names())
def test_the_words_of_a_dialect_reach_what_people_read(dialect: str) -> None:
    loaded, can = load_dialect(dialect), abilities(dialect, folder="folderless")
    everything = " ".join(str(getattr(can.lacks, field.name)) for field in fields(Lacks))
    for capability in ("qr", "pairing_code", "reset", "status"):
        if not getattr(loaded.capabilities, capability):
            assert loaded.cannot[capability] in everything
    assert "no levels, no cleanup, no backups" in can.lacks.not_watched()[0]


NO_STOP = "no call that stops one organization is known; stop its process instead, and " + NO_MANAGER
ROWS = [
    ("ai-admin", Cause.DISCONNECTED, Verb.ACT, Reason.NEXT_RUNG, ""),
    ("ai-admin", Cause.LOGGED_OUT, Verb.ACT, Reason.NEXT_RUNG, ""),
    ("ai-admin", Cause.FILES_DANGER, Verb.ACT, Reason.NEXT_RUNG, ""),
    ("x-internal-secret", Cause.DISCONNECTED, Verb.ACT, Reason.NEXT_RUNG, ""),
    ("x-internal-secret", Cause.HALF_PAIRED, Verb.ACT, Reason.NEXT_RUNG, ""),
    (
        "x-api-key", Cause.DISCONNECTED, Verb.HUMAN, Reason.CANNOT_DO,
        "Cannot reconnect: no call that reconnects is known; the server reconnects by itself.",
    ),
    ("x-api-key", Cause.FILES_DANGER, Verb.HUMAN, Reason.CANNOT_STOP, f"clean the folder: {NO_STOP}."),
    ("fazer-ai", Cause.DISCONNECTED, Verb.HUMAN, Reason.CANNOT_DO, "that the company's own app has set."),
    ("fazer-ai", Cause.LOGGED_OUT, Verb.ACT, Reason.NEXT_RUNG, ""),
    ("fazer-ai", Cause.FILES_DANGER, Verb.HUMAN, Reason.CANNOT_STOP, "its only call for that logs the device out"),
    ("x-api-key", Cause.LOGGED_OUT, Verb.ACT, Reason.NEXT_RUNG, ""),
    ("x-api-key", Cause.BAD_MAC, Verb.HUMAN, Reason.CANNOT_DO, NO_STOP),
    ("x-api-key", Cause.GATEWAY_DOWN, Verb.HUMAN, Reason.CANNOT_DO, f"Cannot restart the gateway: {NO_MANAGER}."),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "cause", "verb", "reason", "words"), ROWS)
def test_what_a_shipped_dialect_lets_the_ladder_do(
    dialect: str, cause: Cause, verb: Verb, reason: Reason, words: str
) -> None:
    made = case(cause, can=abilities(dialect), seen=view(inventory=FULL), detail={"addresses": ("49151.0",)})
    decision = decide(made)
    assert (decision.verb, decision.reason) == (verb, reason)
    lines = decision.detail.get("cannot", ())
    assert words in (" ".join(lines) if isinstance(lines, tuple) else "")


def test_what_can_be_stopped_but_not_started_or_seen_is_left_running() -> None:
    def lack(does: Capabilities) -> str:
        found = can_of(does, None, None, Placement("1", "main", FOLDERS["files"]), alone=True)
        assert not found.stop
        return found.lacks.stop

    assert lack(Capabilities(stop=True)) == f"{NO_START}, and {NO_MANAGER}"
    assert lack(Capabilities(status=False, stop=True, start=True)) == f"{NO_STATE}, and {NO_MANAGER}"
    assert lack(Capabilities(start=True)) == f"{NOBODY_SAID}, and {NO_MANAGER}"


def test_a_dead_login_without_a_folder_is_paired_at_the_gateway_or_by_its_reset() -> None:
    assert "own page" in left(abilities("ai-admin", folder="folderless").lacks, Cause.LOGGED_OUT)
    assert "baileykeep reset COMPANY" in left(abilities("x-api-key", folder="folderless").lacks, Cause.LOGGED_OUT)
