from __future__ import annotations

from base64 import b64encode

import pytest

from baileykeep.rules import words_pairing as words
from baileykeep.rules.pairing import (
    CODE_LIVES_S,
    FIRST_QR_S,
    LARGEST_PICTURE,
    NEXT_QR_S,
    Offer,
    code_offer,
    held,
    picture_of,
    renewed,
)
from baileykeep.rules.words_pairing import Shows, Wording

FIRST = Offer("2@first", 100.0, 100.0 + FIRST_QR_S)


def test_the_first_qr_of_a_row_lives_longer_than_the_next() -> None:
    assert renewed(None, "2@first", 100.0) == FIRST
    second = renewed(FIRST, "2@second", 160.0)
    assert second == Offer("2@second", 160.0, 160.0 + NEXT_QR_S, number=2)
    assert renewed(second, "2@third", 180.0) == Offer("2@third", 180.0, 200.0, number=3)


def test_the_same_text_is_the_same_offer_with_the_same_end() -> None:
    assert renewed(FIRST, "2@first", 130.0) is FIRST


def test_a_row_that_ended_begins_anew_and_a_code_is_no_row() -> None:
    assert renewed(FIRST, None, 130.0) is None
    assert renewed(code_offer("ABCD1234", 100.0), "2@first", 100.0) == FIRST


@pytest.mark.parametrize(("age_s", "there"), [(0.0, True), (59.9, True), (60.0, False), (3600.0, False)])
def test_an_offer_is_held_until_the_lock_is_over(age_s: float, there: bool) -> None:
    assert (held(FIRST, 100.0 + age_s, 60.0) is FIRST) is there


@pytest.mark.parametrize(("age_s", "there"), [(0.0, True), (CODE_LIVES_S - 0.1, True), (CODE_LIVES_S, False)])
def test_a_code_is_held_until_nobody_can_type_it_any_more(age_s: float, there: bool) -> None:
    code = code_offer("ABCD1234", 100.0)
    assert code.code
    assert (held(code, 100.0 + age_s, 60.0) is code) is there


def test_nothing_is_held_where_nothing_is() -> None:
    assert held(None, 0.0, 60.0) is None


def test_no_secret_shows_in_a_repr() -> None:
    assert "first" not in repr(FIRST)
    assert "ABCD" not in repr(code_offer("ABCD1234", 1.0))


def test_a_qr_says_who_where_and_what_becomes_of_it() -> None:
    of = Wording("Acme (7)", Shows.QR, "4915112345678", "Ann", "It went wrong.")
    assert words.headline(of) == "Acme (7): scan this QR code now"
    assert words.lines(of) == (
        "It went wrong.",
        "On the company's phone (…5678): WhatsApp > Settings > Linked devices > Link a device.",
        "The code renews itself. This message goes away at the end.",
        "Asked for by Ann.",
    )


def test_a_code_and_an_empty_place_say_so() -> None:
    code, nothing = Wording("7", Shows.CODE), Wording("7", Shows.NOTHING)
    assert words.headline(code) == "7: type this code on the phone now"
    assert words.lines(code) == (
        "On the company's phone: WhatsApp > Settings > Linked devices > Link a device > "
        "Link with phone number instead.",
        "The code is good for about 3 minutes. This message goes away at the end.",
    )
    assert words.headline(nothing) == "7: wait, the next QR code is on its way"
    assert "Do not scan an older picture: it is no longer good." in words.lines(nothing)


@pytest.mark.parametrize(("phone", "shown"), [(None, ""), ("1234", ""), ("12345", " (…2345)")])
def test_a_phone_shows_its_end_only(phone: str | None, shown: str) -> None:
    assert words.ending(phone) == shown


def test_what_goes_wrong_is_told_with_numbers_but_without_phones() -> None:
    assert "(code 403)" in words.scan_failed(403)
    assert "(no code was told)" in words.scan_failed(None)
    assert words.no_qr(30) == "No QR code came within 30 s: look at the gateway's log."
    assert words.no_code("no answer in time") == (
        "No pairing code came (no answer in time); a QR code is offered instead."
    )
    for text in (
        words.wrong_phone("491760000999", "491511111234"),
        words.other_phone_stored("491760000999", "491511111234"),
    ):
        assert "(…0999)" in text
        assert "(…1234)" in text
        assert "49176" not in text
        assert "backed up and cleared" in text


def test_a_time_that_is_over_and_a_login_that_does_not_go_back_are_named() -> None:
    assert words.nobody(600, tried=False) == "Nobody scanned within 10 min."
    assert words.nobody(600, tried=True) == "No scan succeeded within 10 min."
    said = "The old login cannot be put back yet (the disk is full); it is tried again every 1 min."
    assert words.not_back_yet("the disk is full", 60) == said
    assert words.still_aside("x", "it is damaged.") == "The old login is still set aside as x: it is damaged."
    told = "Whose login lies in the folder cannot be told"
    assert words.cannot_tell(None) == f"{told}: look at it."
    assert words.cannot_tell("x") == f"{told}; the login from before is set aside as x: look at it."


SIDES = b"\x00\x00\x01\x00"
WHOLE = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + SIDES + SIDES


def shown(raw: bytes) -> str:
    return f"data:image/png;base64,{b64encode(raw).decode()}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(shown(WHOLE), WHOLE, id="a picture"),
        pytest.param("2@abc", None, id="a text"),
        pytest.param("data:image/png;base64,%%%", None, id="torn"),
        pytest.param(shown(b"GIF89a" + WHOLE), None, id="another kind"),
        pytest.param(shown(WHOLE.replace(SIDES, b"\x7f\x00\x00\x00")), None, id="a bomb"),
        pytest.param(shown(WHOLE) + "A" * LARGEST_PICTURE, None, id="too large"),
    ],
)
def test_a_picture_in_place_of_a_text_is_told_from_anything_else(text: str, found: bytes | None) -> None:
    assert picture_of(text) == found
