from __future__ import annotations

import pytest

from baileykeep.rules.masking import mask_address, mask_name, mask_phone


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("4915122222222", "***2222"),
        ("+49 151 2222 3456", "***3456"),
        ("1234", "***"),
        ("12345", "***2345"),
        ("", "***"),
        (None, None),
    ],
)
def test_a_phone_shows_its_last_four_digits_and_not_its_length(phone: str | None, shown: str | None) -> None:
    assert mask_phone(phone) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("4915122222222.0", "***2222.0"),
        ("4915122222222.17", "***2222.17"),
        ("100000000000555_1.0", "***0555_1.0"),
        ("broken", "***"),
    ],
)
def test_an_address_keeps_its_kind_and_device(address: str, shown: str) -> None:
    assert mask_address(address) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("session-4915122222222_1.17.json", "session-***2222_1.17.json"),
        ("sender-key-120363000000000001@g.us--4915122222222--0.json", "sender-key-***0001@g.us--***2222--0.json"),
        ("pre-key-812.json", "pre-key-812.json"),
        ("x-123456.json", "x-123456.json"),
        ("x-1234567.json", "x-***4567.json"),
    ],
)
def test_a_name_shows_no_number_that_may_be_somebodys(name: str, shown: str) -> None:
    assert mask_name(name) == shown
