"""Contacts are remembered without their numbers, and found again through the files of their sessions."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.rules.masking import addresses_of, alias, mask_phone
from baileykeep.rules.naming import session_file, users_of

KEY = b"k" * 32
USERS = st.from_regex(r"[0-9]{5,20}(_1)?", fullmatch=True)
ADDRESSES = st.builds("{}.{}".format, USERS, st.integers(0, 99))


@settings(max_examples=200, deadline=None)
@given(st.lists(ADDRESSES, max_size=8))
def test_a_name_shows_four_digits_at_most_and_leads_back_through_the_folder(addresses: list[str]) -> None:
    names = [alias(address, KEY) for address in addresses]
    for address, name in zip(addresses, names, strict=True):
        digits = address.partition(".")[0].partition("_")[0]
        assert digits not in name.partition("~")[0]
        assert alias(name, KEY) == name
        assert session_file(name) is None
    files = [f"session-{address}.json" for address in addresses]
    assert addresses_of(names, users_of(files), KEY) == tuple(addresses)
    assert addresses_of(names, (), KEY) == ()
    assert addresses_of(addresses, (), KEY) == tuple(addresses)


def test_a_contact_known_only_by_its_mapping_is_found_too() -> None:
    users = users_of(["lid-mapping-4915122222222.json", "lid-mapping-100000000000555_reverse.json", "creds.json", "x"])
    assert users == {"4915122222222", "100000000000555", "100000000000555_1"}
    assert addresses_of([alias("100000000000555_1.7", KEY)], users, KEY) == ("100000000000555_1.7",)


def test_what_is_no_address_shows_no_number_either() -> None:
    for odd in ("4915122222222", "4915122222222_1", "4915122222222@s.whatsapp.net", "4915122222222.0.1"):
        name = alias(odd, KEY)
        assert name.startswith("***")
        assert "491512222" not in name


def test_what_is_masked_already_stays_as_it_is() -> None:
    assert [mask_phone(text) for text in ("***0000", "***", "****", "4915112345678")] == [
        "***0000",
        "***",
        "***",
        "***5678",
    ]


def test_equal_addresses_have_equal_names_and_only_under_one_key() -> None:
    assert alias("4915122222222.0", KEY) == alias("4915122222222.0", KEY)
    assert alias("4915122222222.0", KEY) != alias("4915122222222.0", b"other" * 5)
    assert alias("100000000000555_1.3", KEY).startswith("***0555_1~")
    assert alias("100000000000555_1.3", KEY).endswith(".3")
