"""What companies read, in each language: short, complete, without our own words, and in the right order."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from baileykeep.rules.tenant_words import LONGEST_NAME, TEST, name_of, told
from baileykeep.rules.tenants import Condition
from baileykeep.rules.tongues import TONGUES
from baileykeep.rules.tongues.base import Told, Tongue

KINDS = [(kind.value, "connected") for kind in Condition if kind is not Condition.CONNECTED]
KINDS += [("connected", "down"), ("connected", "unreadable"), (TEST, "connected")]
SINCE, AT = 1_796_031_600.0, 1_796_035_200.0
"""10:40 and 11:40 in Madrid."""

JARGON = re.compile(
    r"\b(session|gateway|bad mac|pre-?key|socket|qr|jid|baileys|relink|backup|incident|login|token|sesión|сесси)\b",
    re.I,
)
FOREIGN = {"he": re.compile("[A-Za-zА-я]"), "ru": re.compile("[A-Za-z\u0590-\u05ff]")}
OUR_OWN = re.compile(r"WhatsApp( Web)?|Rosa & Co|https://wa\.example/7|\d+")
LONGEST = {"title": 75, "text": 230, "todo": 200}


def filled(
    kind: str, after: str, language: str, *, name: str = "Rosa & Co", scan_url: str = "", at: float = AT
) -> Told:
    zone = ZoneInfo("Europe/Madrid")
    return told(kind, after, name=name, language=language, zone=zone, since=SINCE, at=at, scan_url=scan_url)


def every_text(tongue: Tongue) -> Iterator[tuple[str, str]]:
    for field in dataclasses.fields(tongue):
        value = getattr(tongue, field.name)
        if isinstance(value, Told):
            yield from ((f"{field.name}.{part}", getattr(value, part)) for part in ("title", "text", "todo"))
    yield "scan_here", tongue.scan_here


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TONGUES)
def test_each_text_has_the_same_places_to_fill_in_as_the_english_one(language: str) -> None:
    english, other = dict(every_text(TONGUES["en"])), dict(every_text(TONGUES[language]))
    assert {key: places(text) for key, text in other.items()} == {key: places(text) for key, text in english.items()}


@pytest.mark.parametrize("language", TONGUES)
@pytest.mark.parametrize(("kind", "after"), KINDS)
def test_it_is_short_and_without_jargon(language: str, kind: str, after: str) -> None:
    for scan_url in ("", "https://wa.example/7"):
        found = filled(kind, after, language, scan_url=scan_url)
        for part, most in LONGEST.items():
            text = getattr(found, part)
            assert 0 < len(text) <= most, (part, len(text), text)
            assert "{" not in text
            assert not JARGON.search(text), text
        assert "Rosa & Co" in found.title
        assert "Rosa & Co" in found.text


@pytest.mark.parametrize("language", FOREIGN)
@pytest.mark.parametrize(("kind", "after"), KINDS)
def test_no_word_of_another_language_is_left(language: str, kind: str, after: str) -> None:
    found = filled(kind, after, language, scan_url="https://wa.example/7")
    for text in dataclasses.astuple(found):
        assert not FOREIGN[language].search(OUR_OWN.sub("", text)), text


def test_texts_differ_between_languages() -> None:
    for key, text in every_text(TONGUES["en"]):
        others = [dict(every_text(tongue))[key] for language, tongue in TONGUES.items() if language != "en"]
        assert text not in others, key


@pytest.mark.parametrize(
    ("language", "today", "earlier"),
    [
        ("en", "since 10:40", "since 2026-11-30, 10:40"),
        ("es", "desde las 10:40", "desde el 30/11/2026 a las 10:40"),
        ("ru", "с 10:40", "с 10:40 30.11.2026"),
        ("he", "מאז \u206810:40\u2069", "מאז \u206830.11.2026 בשעה 10:40\u2069"),
    ],
)
def test_times_are_those_of_the_company_and_name_the_day_when_it_is_another(
    language: str, today: str, earlier: str
) -> None:
    assert today in filled("down", "connected", language).text
    assert earlier in filled("down", "connected", language, at=AT + 86_400).text


def test_the_page_to_scan_on_is_named_only_where_there_is_something_to_scan() -> None:
    assert "https://wa.example/7" in filled("needs_scan", "connected", "es", scan_url="https://wa.example/7").todo
    assert "https" not in filled("down", "connected", "es", scan_url="https://wa.example/7").todo
    assert "soporte" in filled("needs_scan", "connected", "es").todo


def test_another_end_for_messages_that_could_not_be_read() -> None:
    assert filled("connected", "unreadable", "en").title.startswith("Messages can be read again")
    assert filled("connected", "down", "en").title.startswith("WhatsApp works again")


def test_in_hebrew_what_is_filled_in_keeps_its_own_direction() -> None:
    found = filled("needs_scan", "connected", "he", scan_url="https://wa.example/7")
    assert "\u2068Rosa & Co\u2069" in found.text
    assert "\u2068https://wa.example/7\u2069" in found.todo
    for text in dataclasses.astuple(found):
        assert text.count("\u2068") == text.count("\u2069")


def test_a_language_that_is_not_there_is_english() -> None:
    assert filled("down", "connected", "xx") == filled("down", "connected", "en")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", "a b"),
        ("\u202eevil\u202c", "evil"),
        ("\x1b[31mred", "[31mred"),
        ("{since} {0}", "{since} {0}"),
        ("x" * 300, "x" * LONGEST_NAME),
    ],
)
def test_no_name_turns_a_text_around(name: str, shown: str) -> None:
    assert name_of(name) == shown
    assert shown in filled("down", "connected", "en", name=name).title
