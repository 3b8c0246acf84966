from __future__ import annotations

import pytest

from baileykeep.model.inventory import Category, Creds
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


def test_a_phone_that_looks_like_somebodys_lid_has_its_own_twins_only() -> None:
    phones = {"4915122222222": "4915166666666", **PHONES}
    twins = naming.twin_addresses("4915122222222.7", LIDS.get, phones.get)
    assert twins == ("100000000000222_1.7", "100000000000222.7")


@pytest.mark.parametrize("hostile", ["../creds", "", "1 2", "4915\n"])
def test_what_a_mapping_holds_names_no_other_file(hostile: str) -> None:
    assert naming.twin_addresses("4915122222222.7", lambda _: hostile, lambda _: hostile) == ()
    assert naming.twin_addresses("100000000000222_1.7", lambda _: hostile, lambda _: hostile) == ("100000000000222.7",)


def test_the_parts_of_a_sender_key() -> None:
    key = naming.SenderKey(GROUP, "100000000000222_1", 17)
    assert naming.sender_key(f"sender-key-{GROUP}--100000000000222_1--17.json") == key
    assert naming.sender_key(f"sender-key-memory-{GROUP}.json") is None
    assert naming.memory_group(f"sender-key-memory-{GROUP}.json") == GROUP
    assert naming.memory_group(f"sender-key-{GROUP}--1--1.json") is None
    assert naming.memory_file(GROUP) == f"sender-key-memory-{GROUP}.json"
    assert (naming.pre_key_id("pre-key-812.json"), naming.pre_key_id("pre-key-0.json")) == (812, 0)
    assert naming.pre_key_id("creds.json") is None


USER = "1" * 32


@pytest.mark.parametrize(
    ("name", "category"),
    [
        (f"session-{USER}_999.99999.json", Category.SESSION),
        (f"session-{USER}1.0.json", Category.OTHER),
        ("session-1_1234.0.json", Category.OTHER),
        ("session-1.123456.json", Category.OTHER),
        ("session-1.0.json", Category.SESSION),
        ("session-1_.0.json", Category.OTHER),
        ("session-1..json", Category.OTHER),
        (f"sender-key-{USER}-{USER}@g.us--{USER}_999--99999.json", Category.SENDER_KEY),
        (f"sender-key-{USER}@broadcast--1--0.json", Category.SENDER_KEY),
        ("sender-key-1@g.us--1--0.json", Category.SENDER_KEY),
        (f"sender-key-{USER}1@g.us--1--0.json", Category.OTHER),
        (f"sender-key-1-{USER}1@g.us--1--0.json", Category.OTHER),
        ("sender-key-1-@g.us--1--0.json", Category.OTHER),
        ("sender-key-@g.us--1--0.json", Category.OTHER),
        (f"sender-key-1@g.us--{USER}1--0.json", Category.OTHER),
        ("sender-key-1@g.us--1_1234--0.json", Category.OTHER),
        ("sender-key-1@g.us--1_--0.json", Category.OTHER),
        ("sender-key-1@g.us----0.json", Category.OTHER),
        ("sender-key-1@g.us--1--123456.json", Category.OTHER),
        ("sender-key-1@g.us--1--.json", Category.OTHER),
        ("sender-key-memory-1@g.us.json", Category.SENDER_KEY),
        ("sender-key-memory-status@broadcast.json", Category.SENDER_KEY),
        ("sender-key-memory-1@s.whatsapp.net.json", Category.OTHER),
        ("pre-key-0.json", Category.PRE_KEY),
        ("pre-key-9999999999.json", Category.PRE_KEY),
        ("pre-key-99999999999.json", Category.OTHER),
        ("pre-key-00.json", Category.OTHER),
        ("app-state-sync-key-.json", Category.OTHER),
        ("lid-mapping-.json", Category.OTHER),
        ("device-list-.json", Category.OTHER),
        ("tctoken-.json", Category.OTHER),
        ("identity-key-.json", Category.OTHER),
        ("lid-mapping-a/b.json", Category.OTHER),
    ],
)
def test_the_shapes_are_exact(name: str, category: Category) -> None:
    assert naming.category_of(name) is category


@pytest.mark.parametrize(
    "address", [f"{USER}1.0", "1_1234.0", "1.123456", "1_.0", ".0", "1.", "1_1", "x.0", "1.0 ", f"{USER}1_1.0"]
)
def test_what_is_no_address_has_no_twin(address: str) -> None:
    assert naming.twin_addresses(address, lambda user: "5", lambda user: "6") == ()


def test_the_longest_address_has_twins() -> None:
    assert naming.twin_addresses(f"{USER}.99999", lambda user: "5", lambda user: None) == ("5_1.99999", "5.99999")


@pytest.mark.parametrize(
    ("key", "facts", "own"),
    [
        (("4915100000001", 1), creds(), True),
        (("100000000000001_1", 1), creds(), True),
        (("100000000000001_1", 2), creds(), False),
        (("4915133333333", 1), creds(), False),
        (("4915133333333", 1), creds(lid=None), None),
        (("4915100000001", 1), creds(lid=None), True),
        (("4915133333333", 2), creds(lid=None), False),
        (("4915100000001", 1), creds(device=None), None),
        (("4915100000001", 1), creds(phone=None), None),
    ],
)
def test_whose_sender_key_it_is(key: tuple[str, int], facts: Creds, own: bool | None) -> None:
    assert naming.is_own(naming.SenderKey(GROUP, *key), facts) is own
