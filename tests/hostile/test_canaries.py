"""Nothing secret in any output. A whole daemon is driven through good days and bad ones; then everything that it said
is searched for every key, token, QR, code and phone that it ever came near.

Looked through: logs, messages and what they were before each edit, metrics, HTTP answers, every command's output and
errors, the journal's bytes, the state folder, and command lines. Backups hold logins on purpose and are not looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import os
import random
import re
import shutil
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import structlog

from baileykeep.api.base import COMMANDS
from baileykeep.cli import main
from baileykeep.demo.folders import Shape
from baileykeep.journal.sql import SqlJournal
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.facts import Fact, FilesSeen
from baileykeep.model.symptoms import company
from baileykeep.telemetry import configure
from tests.e2e.world import ANN, CHAT, World, world
from tests.fakes.http_gateway import Answer, FakeHttp, fake_http

pytestmark = [pytest.mark.slow, pytest.mark.asyncio, pytest.mark.timeout(280)]

LONG = re.compile(r"[A-Za-z0-9+/=_-]{16,}")
PHONES = re.compile(r"(?<!\d)\d{11,15}(?!\d)")


@dataclass
class Canaries:
    """Secrets by where they were planted, and every word that was ever put out, by where."""

    dice: random.Random
    secrets: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def plant(self, where: str, secret: str) -> str:
        self.secrets[secret] = where
        return secret

    def word(self, where: str, length: int = 24) -> str:
        """A made-up token, as random as real ones."""
        return self.plant(where, "".join(self.dice.choices(string.ascii_letters + string.digits, k=length)))

    def phone(self, where: str) -> str:
        return self.plant(where, f"4917{self.dice.randrange(10**9):09d}")

    def of_folder(self, folder: Path) -> None:
        """Every key that lies in an auth folder, and every phone in its files and their names."""
        for path in folder.glob("*.json"):
            text = path.read_text(errors="replace")
            for found in LONG.findall(text) if "version" not in path.name else ():
                if re.search(r"[A-Z]", found) and re.search(r"[a-z]", found) and re.search(r"\d", found):
                    self.plant(path.name, found)
            for found in PHONES.findall(text + " " + path.name):
                if not found.startswith(("17", "18", "120363")):  # times and groups
                    self.plant(path.name, found)

    def put_out(self, where: str, text: str) -> None:
        self.outputs[where] = self.outputs.get(where, "") + text

    def leaked(self) -> list[str]:
        """What was found where."""
        return [
            f"{planted}: …{text[max(0, text.index(secret) - 60) : text.index(secret) + len(secret) + 20]}… in {where}"
            for where, text in self.outputs.items()
            for secret, planted in self.secrets.items()
            if secret in text
        ]


def log_lines(canaries: Canaries) -> str:
    """What careless gateways print."""
    c = canaries
    dump = " ".join(f"{c.dice.randrange(256):02x}" for _ in range(32))
    c.plant("dump", dump[:40])
    phone, key, qr = c.phone("log"), c.word("log key", 43) + "=", c.word("log qr", 44)
    return "\n".join(
        (
            "Closing session: SessionEntry {",
            f"  _chains: {{ '{key}': {{ chainKey: [Object], messageKeys: {{}} }} }},",
            f"  currentRatchet: {{ ephemeralKeyPair: {{ privKey: <Buffer {dump}>, rootKey: <Buffer {dump}> }} }} }}",
            f"Session error:Error: Bad MAC Error: Bad MAC at {phone}",
            f'{{"level":30,"companyId":"acme","qr":"2@{qr},{qr},1","msg":"qr"}}',
            f"QR code generated https://wa.me/settings/linked_devices#2@{qr},{qr}",
            f'{{"level":50,"companyId":"acme","token":"{c.word("log token")}","msg":"connection errored",'
            f'"trace":"Error: WebSocket Error wss://x/?token={c.word("log url")} for {phone}"}}',
            f"[acme] Connection Closed, code: 428, Authorization: Bearer {c.word('log bearer')}, phone +{phone}",
            f"pairing code for {phone}: {c.plant('log code', 'QK7RM2ZX')}",
            f'{{"level":50,"companyId":"acme","key":{{"remoteJid":"{phone}@s.whatsapp.net"}},'
            f'"err":{{"message":"Bad MAC {key}"}},"msg":"failed to decrypt message"}}',
            "",
        )
    )


def answers(canaries: Canaries, key: str) -> list[Answer]:
    """What a gateway may answer on a bad day: errors that print what they should not."""
    c = canaries
    phone, token = c.phone("answer"), c.word("answer token")
    words = f"bad key {key}, session {phone}@s.whatsapp.net privKey={token} for +{phone}"
    leaks = {"error": words, "message": words, "status": words, "state": words, "data": {"status": token}}
    return [
        Answer.of(leaks, 500), Answer.of(leaks, 400), Answer.of(leaks, 401), Answer.of({**leaks, "error": None}),
        Answer.of({"success": False, "message": words}), Answer.of({"status": token}), Answer.of({"status": key}),
        Answer(200, f"<html>{words}</html>".encode(), "text/html"), Answer(200, words.encode(), "text/plain"),
        Answer(raw=f"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:9/?k={key}\r\nContent-Length: 0\r\n\r\n".encode()),
        Answer(raw=f"HTTP/1.1 {words}\r\n\r\n".encode()), Answer(drop=True), Answer.of(leaks, 404),
    ]  # fmt: skip


@contextlib.contextmanager
def logged(canaries: Canaries, *, as_json: bool) -> Iterator[None]:
    """The daemon's own log, in one of its two dresses."""
    root = logging.getLogger()
    before, level, out = list(root.handlers), root.level, io.StringIO()
    configure("debug", json=as_json, stream=out)
    try:
        yield
    finally:
        canaries.put_out("log", out.getvalue())
        root.handlers[:], root.level = before, level
        structlog.reset_defaults()


async def command(canaries: Canaries, line: str) -> None:
    """One command line, as somebody on the machine types it."""

    def typed() -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
            main(line.split())
        return out.getvalue(), err.getvalue()

    out, err = await asyncio.to_thread(typed)
    canaries.put_out(f"`{line}`", out)
    canaries.put_out(f"`{line}` (errors)", err)
    assert "this should not have happened" not in err


LOOKS = (
    "health", "health --json", "health acme", "health acme --json", "inspect acme", "inspect acme --json",
    "explain acme", "explain acme --json", "events", "events --json", "events acme", "cleanup acme --dry-run",
    "cleanup acme --dry-run --json", "backup list acme", "backup list acme --json", "backup verify acme",
    "config check", "config check --json", "config show acme", "config show acme --json", "doctor", "doctor --json",
    "inspect nobody", "cleanup acme --dry-run --policy newest",
)  # fmt: skip
ACTS = (
    "backup create acme --no-wait", "pause acme 1m", "resume acme", "reconnect beta --no-wait", "guard acme",
    "ack acme", "reset beta --yes --no-wait", "relink beta --yes --no-wait", "approve acme", "reject beta",
    "forget acme", "relink acme --pairing-code --phone 4917000000000 --yes", "backup restore acme --backup x --no-wait",
    "--debug reconnect nobody",
)  # fmt: skip


async def look_everywhere(w: World, canaries: Canaries) -> None:
    """Everything that can be asked, by every way of asking."""
    for line in LOOKS:
        await command(canaries, line)
    assert w.daemon is not None
    assert w.daemon.url is not None
    token = w.daemon.settings.installation.http.token
    assert token is not None
    async with httpx.AsyncClient(base_url=w.daemon.url, timeout=10) as web:
        for path in ("healthz", "readyz", "metrics", "api/companies", "api/companies/acme", "api/incidents", "api/x"):
            for headers in ({}, {"Authorization": f"Bearer {token.get_secret_value()}"}):
                answer = await web.get(f"/{path}", headers=headers)
                canaries.put_out(f"GET /{path}", f"{answer.headers} {answer.text}")
        for path in (
            "companies/acme/pause",
            "companies/nobody/cleanup",
            "clear-corrupted-session",
            "companies/acme/resume",
        ):
            body = {"organization_id": "beta", "token": token.get_secret_value()}
            answer = await web.post(f"/api/{path}", headers=headers, json=body if "clear" in path else None)
            canaries.put_out(f"POST /{path}", answer.text)
    for name in sorted(COMMANDS.keys() & {"overview", "company", "incidents", "events", "explain", "inspect"}):
        assert w.daemon.control is not None
        args = {"company": "acme"} if "company" in COMMANDS[name] else {}
        canaries.put_out(f"control {name}", json.dumps(await w.daemon.control.call(name, args, "test")))


async def a_bad_day(w: World, canaries: Canaries, hostile: FakeHttp, key: str) -> None:
    """Trouble of every kind, one after the other."""
    session = w.gateway["acme"]
    error_log = w.gateway.root / "logs" / "gateway-error.log"
    with error_log.open("a") as file:
        file.write(log_lines(canaries))
    addresses = [p.name[8:-5] for p in sorted(w.gateway.folder("acme").glob("session-*.json")) if "_1." not in p.name][
        :2
    ]
    session.bad_mac(addresses, count=6)
    for answer in answers(canaries, key):
        hostile.default = answer
        await w.pass_time(35, step_s=15)
    await w.pass_time(420, until=lambda: not w.open_causes("acme"), step_s=15)
    session.device_removed()
    assert await w.pass_time(90, until=lambda: any("relink" in text for text in w.texts()))
    for line in ACTS:
        await command(canaries, line)
        await w.rest()
    await w.pass_time(180, until=lambda: session.qr is not None)
    if session.qr is not None:
        canaries.plant("the QR", session.qr)
        canaries.plant("the QR's reference", session.qr.partition("2@")[2].partition(",")[0])
        await w.pass_time(30)
        session.scan()
    canaries.of_folder(w.gateway.folder("acme"))
    await w.pass_time(120, until=lambda: not w.open_causes("acme"), step_s=15)


async def break_things(w: World, canaries: Canaries) -> None:
    """Bad configuration, crashes with everything in the error's text, a journal that cannot be read."""
    assert w.daemon is not None
    for bad in (
        f'phone = "{canaries.phone("config")}x"', f'tokn = "{canaries.word("config")}"',
        f'enabled = "{canaries.word("config")}"', f'[limits.bad_mac]\npreset = "{canaries.word("config")}"',
        f'name = "{canaries.word("config")}',
    ):  # fmt: skip
        w.company_file("acme", bad)
        await w.daemon.config.reload()
        await w.pass_time(10)
        await command(canaries, "config check")
        await command(canaries, "health")
    w.company_file("acme", "")
    await w.daemon.config.reload()
    unit = w.daemon.engine.unit(company("acme"))
    assert unit is not None
    known, observe = [w.gateway.folder("acme") / "creds.json"], unit.observe

    def crash(fact: Fact, now: float) -> Any:
        if type(fact) is FilesSeen:
            creds = known[0].read_text()
            raise LookupError(f"{fact!r} {creds} {json.loads(creds)}")
        return observe(fact, now)

    unit.observe = crash  # type: ignore[method-assign]
    for _ in range(7):
        w.gateway["acme"].write_activity()
        await w.pass_time(10)
    broken = w.root / "broken.db"
    shutil.copy(w.root / "state" / "journal.db", broken)
    data = bytearray(broken.read_bytes())
    for place in range(4096, len(data), 97):
        data[place] = 0xFF
    broken.write_bytes(data)
    try:
        journal = await SqlJournal.open(broken)
        try:
            await journal.entries()
        finally:
            await journal.aclose()
    except BaileykeepError as error:
        canaries.put_out("a broken journal", f"{error} {error!r} {error.__cause__}")


def said_by_now(w: World, canaries: Canaries) -> None:
    """Messages with all that they ever showed, the journal's bytes, the state folder, and command lines."""
    for message in w.telegram.messages():
        canaries.put_out("telegram", " ".join(edit.html for edit in message.history) + str(message.buttons))
    canaries.put_out("telegram answers", str(w.telegram.answers))
    for path in (w.root / "state").iterdir():
        if path.is_file():
            canaries.put_out(f"state/{path.name}", path.read_bytes().decode("latin-1"))
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"\nPPid:\t{os.getpid()}\n" in (process / "status").read_text():
                canaries.put_out("argv", (process / "cmdline").read_bytes().decode("latin-1"))


@pytest.mark.parametrize(("seed", "as_json"), [(1, True), (2, False)])
async def test_no_secret_is_in_any_output(
    seed: int, as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canaries = Canaries(random.Random(seed))
    key, api, phone = canaries.word("gateway secret"), canaries.word("api token"), canaries.phone("company phone")
    monkeypatch.setenv("BAILEYKEEP_HEARTBEAT__URL", f"http://127.0.0.1:9/{canaries.word('heartbeat')}")
    monkeypatch.setenv("SOME_PASSWORD", canaries.word("environment"))
    monkeypatch.setenv("BAILEYKEEP_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "300")
    with logged(canaries, as_json=as_json):
        async with world(tmp_path) as w, fake_http() as hostile:
            canaries.plant("telegram token", w.telegram.token.partition(":")[2])
            w.gateway.add("acme", Shape.counting(140, 20, generation=6), phone=phone)
            shutil.copytree(w.gateway.folder("acme"), tmp_path / "beta" / "beta")
            canaries.of_folder(w.gateway.folder("acme"))
            w.configure(
                f'[gateways.hostile]\ndialect = "x-api-key"\nurl = "{hostile.url}"\nsecret = "{key}"\n'
                f'sessions = "{tmp_path}/beta/{{company}}"\n'
            )
            main_file = tmp_path / "config" / "baileykeep.toml"
            main_file.write_text(main_file.read_text().replace("[http]\n", f'[http]\ntoken = "{api}"\n'))
            w.company_file("acme", f'phone = "{phone}"\nname = "Acme"\n')
            await w.start()
            await w.pass_time(130, step_s=15)
            await a_bad_day(w, canaries, hostile, key)
            await look_everywhere(w, canaries)
            await break_things(w, canaries)
            await w.telegram.say(CHAT, ANN, "/status")
            await w.telegram.say(CHAT, ANN, "/company acme")
            await w.pass_time(10)
            await look_everywhere(w, canaries)
            said_by_now(w, canaries)
        await anyio.sleep(0)
    assert len(canaries.secrets) > 200
    said_by_now(w, canaries)
    for wanted in ("log", "telegram", "GET /metrics", "`health`", "state/journal.db", "`doctor` (errors)"):
        assert wanted in canaries.outputs
    assert "unit_crashed" in canaries.outputs["log"]
    leaks = canaries.leaked()
    assert leaks == [], "\n".join(leaks)
