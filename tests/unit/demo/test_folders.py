"""Folders of the stand-in have the names, field names and counts of real ones."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from baileykeep.demo.folders import (
    Shape,
    add_sessions,
    contact,
    counted_files,
    make_folder,
    pre_key_ids,
    session_file,
    write,
)

NOW = 1_800_000_000.0
DAY_S = 86400.0

# The fields of the real creds, as Baileys 6.7 and 7.0 write them.
CREDS_FIELDS = [
    *("noiseKey", "pairingEphemeralKeyPair", "signedIdentityKey", "signedPreKey", "registrationId", "advSecretKey"),
    *("processedHistoryMessages", "nextPreKeyId", "firstUnuploadedPreKeyId", "accountSyncCounter", "accountSettings"),
    *("registered", "account", "me", "signalIdentities", "platform", "myAppStateKeyId"),
]
KINDS = (
    r"creds",
    r"pre-key-\d+",
    r"app-state-sync-(key|version)-[\w+]+",
    r"session-\d+(_1)?\.\d+",
    r"sender-key-\d+@g\.us--\d+--\d+",
    r"sender-key-memory-\d+@g\.us",
    r"lid-mapping-\d+(_reverse)?",
    r"device-list-\d+",
    r"identity-key-\d+(_1)?\.\d+",
    r"tctoken-\d+@lid",
)


def made(path: Path, shape: Shape, seed: int = 3) -> dict[str, Any]:
    """Make a folder and give back its creds."""
    make_folder(path, shape, phone="4915100000001", now=NOW, rng=random.Random(seed))
    creds: dict[str, Any] = json.loads((path / "creds.json").read_text())
    return creds


def names(path: Path, start: str) -> list[str]:
    return [name for name in os.listdir(path) if name.startswith(start)]


@pytest.mark.parametrize(
    ("generation", "counted", "reclaimable"),
    [(6, 60, 0), (6, 150, 0), (6, 160, 20), (6, 210, 100), (7, 60, 0), (7, 160, 20)],
)
def test_counted_and_reclaimable_are_exact(tmp_path: Path, generation: int, counted: int, reclaimable: int) -> None:
    shape = Shape.counting(counted, reclaimable, generation=generation)
    made(tmp_path, shape)
    old = [p for p in tmp_path.glob("session-*") if NOW - p.stat().st_mtime > 14 * DAY_S]
    assert (shape.counted, counted_files(tmp_path), len(old)) == (counted, counted, reclaimable)


def test_on_6x_every_file_is_counted(tmp_path: Path) -> None:
    made(tmp_path, Shape.counting(160, 20, generation=6))
    assert len(os.listdir(tmp_path)) == 160


def test_on_7x_the_first_upload_is_812(tmp_path: Path) -> None:
    creds = made(tmp_path, Shape.counting(60))
    assert pre_key_ids(tmp_path) == list(range(1, 813))
    assert creds["nextPreKeyId"] == creds["firstUnuploadedPreKeyId"] == 813


def test_fewer_files_than_a_paired_folder_has_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 61 files"):
        Shape.counting(50, 20, generation=6)


@pytest.mark.parametrize("generation", [6, 7])
def test_creds_have_the_real_fields_and_are_paired(tmp_path: Path, generation: int) -> None:
    creds = made(tmp_path, Shape.counting(60, generation=generation))
    assert list(creds) == CREDS_FIELDS
    assert creds["me"]["id"] == "4915100000001:1@s.whatsapp.net"
    assert creds["registered"] is False
    assert re.fullmatch(r"\d{15}:1@lid", creds["me"]["lid"])
    assert 1500 < (tmp_path / "creds.json").stat().st_size < 2300


@pytest.mark.parametrize("generation", [6, 7])
def test_every_name_is_one_that_baileys_writes(tmp_path: Path, generation: int) -> None:
    made(tmp_path, Shape.counting(120, 10, generation=generation))
    strange = [n for n in os.listdir(tmp_path) if not any(re.fullmatch(rf"{kind}\.json", n) for kind in KINDS)]
    assert strange == []


def test_every_file_is_json(tmp_path: Path) -> None:
    made(tmp_path, Shape(pre_keys=30, lid_mappings=3))
    assert all(json.loads(path.read_text()) for path in tmp_path.iterdir())


def test_a_pre_key_file_is_as_long_as_a_real_one(tmp_path: Path) -> None:
    made(tmp_path, Shape(generation=6, pre_keys=30))
    assert {(tmp_path / f"pre-key-{n}.json").stat().st_size for n in range(1, 31)} == {164}


def test_lid_mappings_come_in_pairs_that_name_each_other(tmp_path: Path) -> None:
    made(tmp_path, Shape(pre_keys=30, lid_mappings=4))
    forward = [n for n in names(tmp_path, "lid-mapping-") if "_reverse" not in n]
    for name in forward:
        lid = json.loads((tmp_path / name).read_text())
        phone = name.removeprefix("lid-mapping-").removesuffix(".json")
        assert json.loads((tmp_path / f"lid-mapping-{lid}_reverse.json").read_text()) == phone
    assert len(forward) == 4


def test_our_own_sender_key_has_its_memory(tmp_path: Path) -> None:
    made(tmp_path, Shape(pre_keys=30, groups=2))
    own = {n.split("--")[0].removeprefix("sender-key-") for n in names(tmp_path, "sender-key-") if "4915100000001" in n}
    memories = {n.removeprefix("sender-key-memory-").removesuffix(".json") for n in names(tmp_path, "sender-key-m")}
    assert own == memories
    assert len(own) == 2


def test_the_same_seed_gives_the_same_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        made(tmp_path / name, Shape(pre_keys=30))
    one, two = ({p.name: (p.read_bytes(), p.stat().st_mtime) for p in (tmp_path / n).iterdir()} for n in ("a", "b"))
    assert one == two


def test_nothing_was_written_within_the_last_hour(tmp_path: Path) -> None:
    made(tmp_path, Shape(pre_keys=30))
    assert max(p.stat().st_mtime for p in tmp_path.iterdir()) <= NOW - 3600


def test_a_write_replaces_what_was_there(tmp_path: Path) -> None:
    for text in ("a long one", "short"):
        write(tmp_path / "creds.json", text, NOW)
    assert (tmp_path / "creds.json").read_text() == "short"


def test_growing_adds_contacts_that_were_not_there(tmp_path: Path) -> None:
    made(tmp_path, Shape(pre_keys=30, sessions=3))
    addresses = add_sessions(tmp_path, 4, generation=7, now=NOW, rng=random.Random(1))
    assert len(names(tmp_path, "session-")) == 7
    assert {(tmp_path / session_file(a)).stat().st_mtime for a in addresses} == {NOW}
    assert not {contact(n) for n in range(3)} & set(addresses)
