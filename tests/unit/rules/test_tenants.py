"""Companies hear of their own connection: late enough, in their language, and only what is true."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

import pytest

from baileykeep.model.incident import Cause, Incident, Topic
from baileykeep.model.records import Notice
from baileykeep.model.symptoms import HOST
from baileykeep.rules.tenant_texts import EN, TEXTS, said
from baileykeep.rules.tenants import STATES, Heard, Pace, State, Tenant, after_telling, clean, notices, worth
from tests.stories import START, incident

SCAN = "https://admin.example/whatsapp-connect.html?company={company}"


def tenant(**more: Any) -> Tenant:
    given: dict[str, Any] = {"name": "Acme", "language": "en", "local": lambda at: f"t{at - START:g}", **more}
    return Tenant(**given)


def told(before: Incident | None, after: Incident, now: float = START, **more: Any) -> Notice | None:
    found = notices(before, after, tenant(**more), now)
    assert len(found) <= 1
    return found[0] if found else None


def body(after: Incident, before: Incident | None = None, **more: Any) -> dict[str, Any]:
    notice = told(before, after, **more)
    assert notice is not None
    return dict(notice.data["body"])


def test_an_outage_is_told_when_it_has_lasted_and_counts_from_its_start() -> None:
    notice = told(None, incident(), down_since=START - 600)
    assert notice is not None
    assert notice.not_before == START + 300
    assert notice.data["body"]["since"] == START - 600
    assert "t-600" in notice.data["body"]["meaning"]


def test_an_outage_that_lasts_long_already_is_told_at_once() -> None:
    notice = told(None, incident(), down_since=START - 9000)
    assert notice is not None
    assert notice.not_before == START


def test_nothing_is_told_of_a_change_that_leaves_the_state_as_it_was() -> None:
    assert told(incident(), incident(revision=2)) is None


@pytest.mark.parametrize("cause", sorted(set(Cause) - set(STATES)))
def test_what_is_not_their_connection_is_not_their_business(cause: Cause) -> None:
    assert told(None, incident(cause=cause)) is None


def test_other_subjects_and_what_is_only_watched_are_not_told() -> None:
    assert told(None, incident(topic=Topic.WATCH)) is None
    assert told(None, Incident("i", HOST, Topic.HEALTH, Cause.DISCONNECTED, incident().severity, START, START)) is None


@pytest.mark.parametrize("cause", sorted(STATES))
def test_every_state_has_a_meaning_and_a_step(cause: Cause) -> None:
    found = body(incident(cause=cause))
    assert found["meaning"]
    assert found["what_to_do"]
    assert found["state"] == STATES[cause].value.partition(".")[2]


def test_a_lost_login_names_where_to_scan() -> None:
    found = body(incident(cause=Cause.LOGGED_OUT), scan_url=SCAN)
    assert "company=997441" in found["what_to_do"]
    assert found["scan_url"].endswith("company=997441")
    assert "here" not in body(incident(cause=Cause.LOGGED_OUT))["what_to_do"]
    assert body(incident(cause=Cause.DISCONNECTED), scan_url=SCAN)["scan_url"] == ""


def test_what_needs_them_does_not_wait_for_the_length_of_an_outage() -> None:
    notice = told(None, incident(cause=Cause.LOGGED_OUT))
    assert notice is not None
    assert notice.not_before == START + 60


@pytest.mark.parametrize(
    ("acts", "more"),
    [(False, {}), (True, {"needs_human": True}), (True, {"hold": "x"}), (True, {"cause": Cause.CLIENT_TOO_OLD})],
)
def test_nobody_is_promised_a_reconnect_that_is_not_being_made(acts: bool, more: dict[str, Any]) -> None:
    assert body(incident(**more), acts=acts)["what_to_do"] == EN["reported"]


def test_a_reconnect_that_is_being_made_is_promised() -> None:
    assert body(incident(), acts=True)["what_to_do"] == EN["reconnecting"]


def test_the_end_is_told_only_of_a_session_that_is_connected() -> None:
    over = incident(closed_at=START + 60, revision=3)
    assert told(incident(), over, connected=False) is None
    notice = told(incident(), over, now=START + 60, connected=True)
    assert notice is not None
    assert (notice.data["type"], notice.not_before) == (State.RECOVERED.value, START + 180)
    assert notice.data["body"]["since"] == START + 60


def test_a_story_that_goes_on_about_files_ends_for_them() -> None:
    notice = told(incident(), incident(cause=Cause.FILES_HIGH, revision=2), connected=True)
    assert notice is not None
    assert notice.data["type"] == "session.recovered"


def test_all_notices_of_a_company_are_one_story_that_waits_in_a_lane_of_its_own() -> None:
    one, other = told(None, incident("i1")), told(None, incident("i2"))
    assert one is not None
    assert other is not None
    assert (one.key, one.data["to"], one.sound) == (other.key, "997441", False)


def test_a_name_is_one_line_that_cannot_turn_the_text_around() -> None:
    assert clean("Ac\u202eme\n\x1b[31m \u2066Ltd") == "Acme [31m Ltd"
    assert len(clean("x" * 300)) == 80
    assert body(incident(), name="<b>{since}")["meaning"].count("<b>{since}") == 1


def test_nothing_is_told_twice_nor_the_end_of_what_nobody_heard_of() -> None:
    assert not worth(Heard(), State.RECOVERED, START, Pace())
    assert worth(Heard(), State.DOWN, START, Pace())
    heard = after_telling(Heard(), State.DOWN, START)
    assert not worth(heard, State.DOWN, START, Pace())
    assert worth(heard, State.RECOVERED, START, Pace())


def test_on_a_bad_day_outages_stop_being_told_but_what_needs_them_is_not() -> None:
    heard = Heard(times=tuple(START - 60 * n for n in range(6)))
    assert not worth(heard, State.DOWN, START, Pace())
    assert worth(heard, State.NEEDS_SCAN, START, Pace())
    assert worth(heard, State.DOWN, START + 90_000, Pace())


def test_days_that_are_over_are_forgotten() -> None:
    heard = after_telling(Heard(times=(START - 90_000, START - 60)), State.DOWN, START)
    assert heard.times == (START - 60, START)


# --- the texts ----------------------------------------------------------------------------------------------

JARGON = re.compile(r"\b(session|gateway|pre-key|bad mac|daemon|baileys|qr|socket|login|сесси|шлюз|sesión)", re.I)
ALL = [(language, key) for language in TEXTS for key in EN]


def slots(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_has_the_same_texts(language: str) -> None:
    assert set(TEXTS[language]) == set(EN)


@pytest.mark.parametrize(("language", "key"), ALL)
def test_a_text_has_the_same_slots_is_short_and_without_jargon(language: str, key: str) -> None:
    text = TEXTS[language][key]
    assert slots(text) == slots(EN[key])
    assert len(text) <= 170
    assert not JARGON.search(text)


LETTERS = {"ru": r"[Ѐ-ӿ]", "he": r"[\u0590-\u05ff]"}


@pytest.mark.parametrize(("language", "key"), [(lang, key) for lang, key in ALL if lang in ("ru", "he")])
def test_no_english_is_left(language: str, key: str) -> None:
    bare = re.sub(r"\{\w+\}|WhatsApp( Web)?", "", TEXTS[language][key])
    assert not re.search(r"[A-Za-z]", bare)
    assert re.search(LETTERS[language], bare)


def test_no_spanish_text_is_the_english_one() -> None:
    assert not [key for key in EN if TEXTS["es"][key] == EN[key]]


def test_latin_names_and_times_are_isolated_in_hebrew_alone() -> None:
    assert "\u2068Acme\u2069" in said("he", "down", name="Acme", since="10:40")
    assert "\u2068" not in said("ru", "down", name="Acme", since="10:40")


def test_an_unknown_language_reads_english() -> None:
    assert said("fr", "nothing") == EN["nothing"]
