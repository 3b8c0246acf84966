"""One walk with a release of Baileys, and what its files and logs looked like: the same walk for each release."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from baileykeep.logs.attribution import Attribution
from baileykeep.logs.scan import COUNTS, Scanner, chunks_of, opened
from baileykeep.model.inventory import Category
from baileykeep.rules.naming import category_of
from tests.e2e.lab.people import Company, lid_of, session_name
from tests.e2e.lab.processes import until
from tests.e2e.lab.talks import turns
from tests.e2e.lab.world import baileys

ANNA, BEN = "4915200000001", "4915200000002"
GROUP = "120363000000000001@g.us"
LEVELS = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}

Walk = Callable[[Company], Awaitable[None]]


@dataclass(slots=True)
class Observation:
    """What was seen of a release. All texts are without ids.

    `steps` maps each step of the walk to "ok" or what went wrong, `files` each category of files to their number.
    `unknown` are the shapes of names that Baileykeep does not know, `signs` is what `baileykeep scan` counts, and
    `fields` maps a log record to the names of its fields.
    """

    version: str = ""
    steps: dict[str, str] = field(default_factory=dict)
    uploads: list[int] = field(default_factory=list)
    files: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    creds: list[str] = field(default_factory=list)
    stdout: dict[str, int] = field(default_factory=dict)
    stderr: dict[str, int] = field(default_factory=dict)
    fields: dict[str, list[str]] = field(default_factory=dict)
    signs: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> str:
        """For keeping."""
        return json.dumps(asdict(self), indent=1, sort_keys=True)


async def observe(modules: Path, root: Path) -> Observation:
    """Walk with the Baileys in this folder; whatever fails is noted, and the walk goes on."""
    seen = Observation()
    async with baileys(root, modules=str(modules)) as found:
        company = found["1"]
        for name, walk in WALK.items():
            seen.steps[name] = await _tried(walk, company)
            if company.folder.is_dir() and name != "removed":
                await _files(seen, company)
        seen.uploads = [event["count"] for event in company.whatsapp.events("pre-keys")]
        _logs(seen, company.gateway.out, company.gateway.err)
    return seen


async def _tried(walk: Walk, company: Company) -> str:
    try:
        await walk(company)
    except (AssertionError, httpx.HTTPError) as error:
        return f"failed: {(str(error).strip() or type(error).__name__).splitlines()[0]}"
    return "ok"


# --- the walk ---------------------------------------------------------------------------------------------------------


async def _pair(company: Company) -> None:
    await company.pair()


async def _by_number(company: Company) -> None:
    await company.whatsapp.client.post("/contact", number=BEN, showsLid=False)
    await company.hears(BEN, "by number")
    await company.reaches(BEN, "answer by number")


async def _by_lid(company: Company) -> None:
    await company.whatsapp.client.post("/contact", number=ANNA, addressing="lid")
    await company.hears(ANNA, "by LID")
    await company.reaches(ANNA, "answer by LID", to=f"{lid_of(ANNA)}@lid")


async def _group(company: Company) -> None:
    await company.whatsapp.client.post("/group", id=GROUP, members=[ANNA, BEN])
    await company.tell("group-send", **{"from": ANNA}, group=GROUP, text="to all")
    await company.has_read("to all")
    await company.reaches(ANNA, "to all of you", to=GROUP)


async def _reconnect(company: Company) -> None:
    logins = (await company.device())["logins"]
    await company.tell("drop")
    await until(lambda: company.logged_in(logins + 1), 30, "it logs in again by itself")
    await company.settled()


async def _bad_mac(company: Company) -> None:
    name = next((n for n in (session_name(ANNA), f"session-{lid_of(ANNA)}.0.json") if n in company.files()), None)
    assert name is not None, "there is no session file of a contact that is known by LID"
    older = (company.folder / name).read_bytes()
    await turns(company, ANNA, "first", "second")
    await company.stop()
    (company.folder / name).write_bytes(older)
    await company.start()
    await company.settled()
    await company.tell("send", **{"from": ANNA}, text="unreadable at first")
    await company.has_read("unreadable at first")
    assert "Bad MAC" in company.gateway.err.read_text() + company.gateway.out.read_text(), "no Bad MAC was logged"


async def _removed(company: Company) -> None:
    await company.tell("stream-error", kind="device_removed")
    await until(lambda: company.closed_by(401), 15, "it is closed with 401")


WALK: dict[str, Walk] = {
    "pair by QR": _pair,
    "talk by number": _by_number,
    "talk by LID": _by_lid,
    "group": _group,
    "reconnect": _reconnect,
    "Bad MAC": _bad_mac,
    "removed": _removed,
}


# --- what is left of it -----------------------------------------------------------------------------------------------


async def _files(seen: Observation, company: Company) -> None:
    names = company.files()
    seen.files = dict(sorted(Counter(category_of(name).value for name in names).items()))
    seen.shapes = dict(sorted(Counter(shape(name) for name in names).items()))
    seen.unknown = sorted({shape(name) for name in names if category_of(name) is Category.OTHER})
    if "creds.json" in names:
        seen.creds = await until(lambda: _keys_of_creds(company), 5, "creds.json is whole")


def _keys_of_creds(company: Company) -> list[str]:
    """Its keys; none while it is being written."""
    try:
        return sorted(company.creds())
    except ValueError:
        return []


def _logs(seen: Observation, out: Path, err: Path) -> None:
    lines = out.read_text(errors="replace").splitlines()
    records = [record for record in map(_record, lines) if record is not None]
    plain = [line for line in lines if _record(line) is None]
    told = Counter(_told(record) for record in records) + Counter(texts(plain))
    seen.stdout, seen.stderr = _sorted(told), _sorted(Counter(texts(err.read_text(errors="replace").splitlines())))
    names: dict[str, set[str]] = {}
    for record in records:
        names.setdefault(_told(record), set()).update(_names(record))
    seen.fields = {text: sorted(found) for text, found in sorted(names.items())}
    seen.version = next((str(record["baileys"]) for record in records if "baileys" in record), "")
    seen.signs = _signs(out, err)


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _record(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "level" in found else None


def _told(record: dict[str, Any]) -> str:
    """A record as one text: its level, its message, and the error in it."""
    error = record.get("err") or record.get("error")
    why = error.get("message") if isinstance(error, dict) else None
    message = f"{record.get('msg', '')} [{why}]" if why else str(record.get("msg", ""))
    return f"{LEVELS.get(record['level'], record['level'])}: {neutral(message)}"


def _names(record: dict[str, Any]) -> Iterable[str]:
    """Names of fields, one level deep."""
    for name, value in record.items():
        yield name
        if isinstance(value, dict) and name in ("key", "err"):
            yield from (f"{name}.{inner}" for inner in value)


def texts(lines: Iterable[str]) -> Iterable[str]:
    """Lines of plain text without ids; the insides of dumps and of stacks are left out."""
    return (neutral(line) for line in lines if line and not line.startswith((" ", "}", "\t")))


IDS = (
    (re.compile(r"\b(?:BAE|3EB)?[0-9A-F]{12,}\b"), "<id>"),
    (re.compile(r"[A-Za-z0-9+/]{24,}={0,2}"), "<key>"),
    (re.compile(r"\d+"), "<n>"),
)


def neutral(text: str) -> str:
    """A text without numbers, ids and keys, so that two runs can be compared."""
    for pattern, stand_in in IDS:
        text = pattern.sub(stand_in, text)
    return text.strip()


def shape(name: str) -> str:
    """A file's name without numbers and ids."""
    return re.sub(r"\d+", "<n>", re.sub(r"(?<=app-state-sync-key-).+(?=\.json)", "<id>", name))


def _signs(out: Path, err: Path) -> dict[str, int]:
    scanner = Scanner(Attribution("companyId", None))
    for path in (out, err):
        with opened(path) as stream:
            scanner.read(chunks_of(stream, None))
    numbers = scanner.report().total.numbers
    return {name: numbers[name] for name in COUNTS}
