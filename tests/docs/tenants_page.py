"""The generated block of `docs/tenants.md`: every message in every language, as a company reads it."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from baileykeep.channels.tenant_message import TYPES
from baileykeep.rules.tenant_words import TEST, told
from baileykeep.rules.tenants import Condition
from baileykeep.rules.tongues import TONGUES

BEGIN, END = "<!-- texts:begin -->", "<!-- texts:end -->"
NAMES = {"en": "English", "es": "Spanish", "ru": "Russian", "he": "Hebrew"}
SINCE, AT = 1_796_031_600.0, 1_796_035_200.0
KINDS = (
    *((kind.value, "connected") for kind in Condition if kind is not Condition.CONNECTED),
    ("connected", "down"),
    ("connected", "unreadable"),
    (TEST, "connected"),
)


def filled(page: str) -> str:
    """The page with its block as it should be."""
    head, _, rest = page.partition(BEGIN)
    texts, tail = "\n".join(_texts()), rest.partition(END)[2]
    return f"{head}{BEGIN}\n{texts}\n{END}{tail}"


def _texts() -> Iterator[str]:
    for language in NAMES:
        yield f"\n### {NAMES[language]}\n"
        for kind, after in KINDS:
            yield from _text(language, kind, after)
    yield ""


def _text(language: str, kind: str, after: str) -> Iterator[str]:
    zone, link = ZoneInfo("Europe/Madrid"), "https://wa.example/7"
    found = told(kind, after, name="Rosa", language=language, zone=zone, since=SINCE, at=AT, scan_url=link)
    yield f"- `{TYPES[kind]}` **{found.title}**  \n  {found.text}  \n  {found.todo}"
    if kind == Condition.NEEDS_SCAN:
        plain = told(kind, after, name="Rosa", language=language, zone=zone, since=SINCE, at=AT)
        yield f"  - where there is no page to scan on: {plain.todo}"


assert set(NAMES) == set(TONGUES)  # a new language needs its name here
