from __future__ import annotations

import base64
import hashlib
import json

import pytest

from baileykeep.model.inventory import CredsState
from baileykeep.rules.creds_file import parse_creds, parses, with_pre_key_ids
from tests.unit.rules.folders import FIXTURES, sample_creds

WHOLE = (FIXTURES / "auth-6" / "creds.json").read_bytes()


@pytest.mark.parametrize(("which", "next_id"), [("auth-6", 31), ("auth-7", 813)])
def test_the_real_creds_tell_their_facts(which: str, next_id: int) -> None:
    creds = sample_creds(which)
    assert (creds.state, creds.paired, creds.half_paired) == (CredsState.WHOLE, True, False)
    assert (creds.phone, creds.device, creds.lid) == ("4915100000001", 1, "100000000000001")
    assert (creds.next_pre_key_id, creds.first_unuploaded_pre_key_id) == (next_id, next_id)
    assert creds.identity
    assert sample_creds("auth-6").identity != sample_creds("auth-7").identity


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (b"", CredsState.EMPTY),
        (b" \n", CredsState.EMPTY),
        (b"\x00" * len(WHOLE), CredsState.ZEROED),
        (WHOLE[: len(WHOLE) // 2], CredsState.TORN),
        (WHOLE[:-1], CredsState.TORN),
        (WHOLE[:600] + b"\x00" * 100, CredsState.TORN),
        (WHOLE + b"}", CredsState.TORN),
        (b"null", CredsState.TORN),
        (b"[]", CredsState.TORN),
        (b'{"a":NaN}', CredsState.TORN),
        (b"\xef\xbb\xbf" + WHOLE, CredsState.TORN),
        (b"\xff\xfe{", CredsState.TORN),
        (b"[" * 100_000, CredsState.TORN),
        (b"{}", CredsState.WHOLE),
        (b"XXX", CredsState.TORN),
        (b"X\x00X", CredsState.TORN),
    ],
)
def test_damage_is_named(data: bytes, state: CredsState) -> None:
    creds = parse_creds(data)
    assert creds.state is state
    assert not creds.paired


def test_a_pairing_code_request_is_half_paired() -> None:
    fields = json.loads(WHOLE) | {"me": {"id": "4915100000001@s.whatsapp.net", "name": "~"}, "account": None}
    creds = parse_creds(json.dumps(fields).encode())
    assert (creds.paired, creds.half_paired, creds.phone) == (False, True, "4915100000001")


@pytest.mark.parametrize("me", [None, {}, {"id": "4915100000001@s.whatsapp.net"}, {"id": "1:1@lid"}, {"id": 7}])
def test_without_a_device_in_the_id_nothing_is_paired(me: object) -> None:
    assert not parse_creds(json.dumps(json.loads(WHOLE) | {"me": me}).encode()).paired


def test_odd_values_do_not_break_the_reader() -> None:
    odd = {"me": [], "account": 1, "signedIdentityKey": {"public": {"data": {"x": 1}}}, "nextPreKeyId": True}
    creds = parse_creds(json.dumps(odd).encode())
    assert (creds.identity, creds.next_pre_key_id) == (None, None)


def test_buffers_as_number_lists_are_the_same_identity() -> None:
    fields = json.loads(WHOLE)
    data = fields["signedIdentityKey"]["public"]["data"]
    fields["signedIdentityKey"]["public"]["data"] = list(base64.b64decode(data))
    assert parse_creds(json.dumps(fields).encode()).identity == parse_creds(WHOLE).identity


def test_ids_are_raised_and_nothing_else_changes() -> None:
    raised = with_pre_key_ids(WHOLE, 40)
    creds = parse_creds(raised)
    assert (creds.next_pre_key_id, creds.first_unuploaded_pre_key_id) == (40, 40)
    before, after = json.loads(WHOLE), json.loads(raised)
    assert {k for k in before if before[k] != after[k]} == {"nextPreKeyId", "firstUnuploadedPreKeyId"}


def test_ids_are_never_lowered() -> None:
    assert with_pre_key_ids(WHOLE, 31) is WHOLE
    assert with_pre_key_ids(WHOLE, 1) is WHOLE


def test_ids_cannot_be_raised_in_something_torn() -> None:
    with pytest.raises(ValueError, match="whole JSON object"):
        with_pre_key_ids(WHOLE[:100], 40)


def test_a_torn_file_does_not_parse() -> None:
    assert parses(b"null")
    assert parses(b'"100"')
    assert not parses(b'{"a":')
    assert not parses(b"")


def test_raised_ids_are_written_as_baileys_writes_them() -> None:
    assert with_pre_key_ids(b'{"a": [1, 2]}', 7) == b'{"a":[1,2],"nextPreKeyId":7,"firstUnuploadedPreKeyId":7}'
    with pytest.raises(ValueError, match="the creds are not a whole JSON object"):
        with_pre_key_ids(b"[]", 7)


def test_a_number_that_no_json_holds_is_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        with_pre_key_ids(b'{"odd":1e999}', 7)


def identity_with(public: object) -> str | None:
    fields = json.loads(WHOLE) | {"signedIdentityKey": {"public": public}}
    return parse_creds(json.dumps(fields).encode()).identity


KEY = bytes(range(32))


def test_the_identity_is_the_same_however_the_key_was_written() -> None:
    as_text = identity_with({"type": "Buffer", "data": base64.b64encode(KEY).decode()})
    assert as_text == hashlib.sha256(KEY).hexdigest()[:16]
    assert identity_with({"type": "Buffer", "data": list(KEY)}) == as_text
    assert identity_with({"data": list(KEY)[::-1]}) != as_text


@pytest.mark.parametrize(
    "public",
    [None, "AAAA", 7, {}, {"data": None}, {"data": ""}, {"data": "!"}, {"data": "AAAAA"}, {"data": "AA\nAA"},
     {"data": []}, {"data": [256]}, {"data": [-1]}, {"data": ["1"]}, {"data": 9_999_999_999}, {"data": {"0": 1}}],
)  # fmt: skip
def test_what_is_no_key_makes_no_identity(public: object) -> None:
    assert identity_with(public) is None
    assert parse_creds(json.dumps({"signedIdentityKey": public}).encode()).identity is None


@pytest.mark.parametrize(
    ("value", "known"),
    [(0, 0), (31, 31), (1 << 32, 1 << 32), ((1 << 32) + 1, None), (-1, None), (True, None), (31.0, None), ("31", None)],
)
def test_a_pre_key_id_is_a_whole_number_that_can_be_one(value: object, known: int | None) -> None:
    found = parse_creds(json.dumps({"nextPreKeyId": value, "firstUnuploadedPreKeyId": value}).encode())
    assert (found.next_pre_key_id, found.first_unuploaded_pre_key_id) == (known, known)


@pytest.mark.parametrize(
    ("me", "account", "paired", "half", "phone", "device"),
    [
        ("49151:1@s.whatsapp.net", {"a": 1}, True, False, "49151", 1),
        ("49151:1@s.whatsapp.net", {}, False, True, "49151", 1),
        ("49151@s.whatsapp.net", {"a": 1}, False, True, "49151", None),
        ("4915:1@s.whatsapp.net", {"a": 1}, False, True, None, None),
        ("1" * 20 + ":99999@s.whatsapp.net", {"a": 1}, True, False, "1" * 20, 99_999),
        ("1" * 21 + ":1@s.whatsapp.net", {"a": 1}, False, True, None, None),
        ("49151:123456@s.whatsapp.net", {"a": 1}, False, True, None, None),
        ("49151:@s.whatsapp.net", {"a": 1}, False, True, None, None),
        ("49151:1@s.whatsapp.net.evil", {"a": 1}, False, True, "49151", None),
        ("49151:1@sXwhatsapp.net", {"a": 1}, False, True, "49151", None),
        ("", {"a": 1}, False, False, None, None),
    ],
)
def test_whose_login_it_is(
    me: str, account: object, paired: bool, half: bool, phone: str | None, device: int | None
) -> None:
    found = parse_creds(json.dumps({"me": {"id": me}, "account": account}).encode())
    assert (found.paired, found.half_paired, found.phone, found.device) == (paired, half, phone, device)


@pytest.mark.parametrize(
    ("lid", "known"),
    [
        ("100000000000001:1@lid", "100000000000001"),
        ("1@lid", "1"),
        ("1" * 32 + ":12345@lid", "1" * 32),
        ("1" * 33 + "@lid", None),
        ("1:123456@lid", None),
        ("1:@lid", None),
        ("1@lid2", None),
        (7, None),
        (None, None),
    ],
)
def test_our_own_lid(lid: object, known: str | None) -> None:
    assert parse_creds(json.dumps({"me": {"lid": lid}}).encode()).lid == known


@pytest.mark.parametrize(
    ("ids", "at_least", "then"),
    [
        ((30, 30), 31, (31, 31)),
        ((31, 30), 31, (31, 31)),
        ((31, 31), 31, (31, 31)),
        ((40, 20), 31, (40, 31)),
        ((None, "x"), 31, (31, 31)),
    ],
)
def test_ids_are_raised_and_never_lowered(ids: tuple[object, object], at_least: int, then: tuple[int, int]) -> None:
    data = json.dumps({"nextPreKeyId": ids[0], "firstUnuploadedPreKeyId": ids[1], "keep": "ü"}).encode()
    raised = with_pre_key_ids(data, at_least)
    fields = json.loads(raised)
    assert (fields["nextPreKeyId"], fields["firstUnuploadedPreKeyId"], fields["keep"]) == (*then, "ü")
    assert (raised == data) is (ids == then)


@pytest.mark.parametrize("me", [None, [], {}, {"id": 7}, {"id": None}])
def test_without_an_id_nothing_was_even_begun(me: object) -> None:
    found = parse_creds(json.dumps({"me": me, "account": {"a": 1}}).encode())
    assert (found.paired, found.half_paired, found.phone) == (False, False, None)
