from __future__ import annotations

import pytest

from baileykeep.model.inventory import Category
from baileykeep.rules import naming
from tests.unit.rules.folders import FIXTURES, GROUP, creds


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("creds.json", Category.CREDS),
        ("app-state-sync-key-AAAAAQ__+.json", Category.APP_STATE),
        ("app-state-sync-version-regular_high.json", Category.APP_STATE),
        ("lid-mapping-4915100000001.json", Category.LID_MAPPING),
        ("lid-mapping-100000000000001_reverse.json", Category.LID_MAPPING),
        ("device-list-4915100000001.json", Category.DEVICE_LIST),
        ("tctoken-__index.json", Category.TCTOKEN),
        ("identity-key-100000000000222_1.0.json", Category.IDENTITY_KEY),
        ("session-4915122222222.7.json", Category.SESSION),
        ("session-100000000000555_1.0.json", Category.SESSION),
        ("sender-key-4915133333333-1500000000@g.us--4915133333333--0.json", Category.SENDER_KEY),
        ("sender-key-status@broadcast--100000000000666_1--0.json", Category.SENDER_KEY),
        (f"sender-key-memory-{GROUP}.json", Category.SENDER_KEY),
        ("pre-key-812.json", Category.PRE_KEY),
    ],
)
def test_each_kind_is_told_by_its_name(name: str, category: Category) -> None:
    assert naming.category_of(name) is category


@pytest.mark.parametrize(
    "name",
    [
        "creds.json.bak",
        "creds.json.tmp",
        "Creds.json",
        "session-4915122222222.0.json.bak",
        "session-4915122222222.0.json\n",
        "session-4915122222222.json",
        "session-.json",
        "session-../creds.json",
        "session-٤٩١٥.0.json",
        "pre-key-007.json",
        "pre-key-.json",
        "pre-key-1.json~",
        "pre-key-backup.json",
        "sender-key-mine.json",
        "sender-key-memory-notes.json",
        ".baileykeep-0011223344556677.tmp",
        "notes.txt",
        "",
    ],
)
def test_strangers_are_other_and_so_never_removed(name: str) -> None:
    assert naming.category_of(name) is Category.OTHER


def test_every_file_of_the_real_folders_is_known() -> None:
    names = [path.name for which in ("auth-6", "auth-7") for path in (FIXTURES / which).iterdir()]
    assert len(names) == 44 + 845
    assert [name for name in names if naming.category_of(name) is Category.OTHER] == []


def test_an_address_names_its_file_and_nothing_else_does() -> None:
    for address in ("4915122222222.7", "100000000000555_1.0"):
        assert naming.session_file(address) == f"session-{address}.json"
    assert naming.session_file("../creds") is None


LIDS = {"4915122222222": "100000000000222"}
PHONES = {lid: phone for phone, lid in LIDS.items()}


@pytest.mark.parametrize(
    ("address", "twins"),
    [
        ("4915122222222.7", {"100000000000222_1.7", "100000000000222.7"}),
        ("100000000000222_1.7", {"4915122222222.7", "100000000000222.7"}),
        ("100000000000222.7", {"4915122222222.7", "100000000000222_1.7"}),
        ("4915199999999.0", set()),
        ("100000000000999_1.0", {"100000000000999.0"}),
        ("4915122222222_128.0", set()),
        ("nonsense", set()),
    ],
)
def test_twins_are_the_same_device_by_its_other_name(address: str, twins: set[str]) -> None:
    assert set(naming.twin_addresses(address, LIDS.get, PHONES.get)) == twins


@pytest.mark.parametrize(
    ("user", "device", "own"),
    [
        ("4915100000001", 1, True),
        ("100000000000001_1", 1, True),
        ("100000000000001", 1, True),
        ("4915100000001", 0, False),
        ("4915133333333", 1, False),
    ],
)
def test_our_own_sender_key_needs_user_and_device(user: str, device: int, own: bool) -> None:
    assert naming.is_own(naming.SenderKey(GROUP, user, device), creds()) is own


def test_without_our_lid_a_key_of_our_device_number_may_be_ours() -> None:
    key = naming.SenderKey(GROUP, "100000000000666_1", 1)
    assert naming.is_own(key, creds(lid=None)) is None
    assert naming.is_own(key, creds(phone=None)) is None
