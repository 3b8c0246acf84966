from __future__ import annotations

import base64
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
