"""Contacts are remembered without their numbers, and still found when their sessions are to be repaired."""

from __future__ import annotations

import stat
from pathlib import Path

import structlog.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.app.aliases import FILE, Aliases
from baileykeep.rules.masking import addresses_of, alias
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


def test_the_key_is_ours_alone_and_stays_the_same(tmp_path: Path) -> None:
    first = Aliases.kept_in(tmp_path).of("4915122222222.0")
    assert Aliases.kept_in(tmp_path).of("4915122222222.0") == first
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    (tmp_path / FILE).write_bytes(b"torn")
    assert Aliases.kept_in(tmp_path).of("4915122222222.0") != first


def test_without_a_place_for_the_key_names_still_work(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        names = Aliases.kept_in(tmp_path / "nowhere")
    assert [line["event"] for line in logs] == ["contacts_key_not_kept"]
    name = names.of("4915122222222.0")
    assert names.real([name], ["session-4915122222222.0.json"]) == ("4915122222222.0",)
