"""What the files of an auth folder hold: the field names and sizes of real ones, around made-up keys."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from typing import Any

Generation = int
"""6 or 7: the major version of Baileys that writes the folder."""

SYNC_KEYS = ("AAAAANk__", "AAAAANv__", "AAAAAQ__+")
SYNC_VERSIONS = ("critical_block", "critical_unblock_low", "regular", "regular_high", "regular_low")


def compact(value: Any) -> str:
    """JSON as `JSON.stringify` writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def key(rng: random.Random, size: int = 32, prefix: bytes = b"") -> str:
    """Made-up key material in base64; public keys on the wire start with the byte 5."""
    return base64.b64encode(prefix + rng.randbytes(size)).decode()


def buffer(data: str) -> dict[str, str]:
    """A Node Buffer as Baileys' `BufferJSON` writes it."""
    return {"type": "Buffer", "data": data}


def key_pair(rng: random.Random) -> dict[str, Any]:
    """A private and a public half."""
    return {"private": buffer(key(rng)), "public": buffer(key(rng))}


def fresh_creds(rng: random.Random) -> dict[str, Any]:
    """A new identity that no phone knows yet."""
    return {
        "noiseKey": key_pair(rng),
        "pairingEphemeralKeyPair": key_pair(rng),
        "signedIdentityKey": key_pair(rng),
        "signedPreKey": {"keyPair": key_pair(rng), "signature": buffer(key(rng, 64)), "keyId": 1},
        "registrationId": rng.randrange(1, 16380),
        "advSecretKey": key(rng),
        "processedHistoryMessages": [],
        "nextPreKeyId": 1,
        "firstUnuploadedPreKeyId": 1,
        "accountSyncCounter": 0,
        "accountSettings": {"unarchiveChats": False},
        "registered": False,
    }


def paired_creds(
    creds: Mapping[str, Any], rng: random.Random, *, phone: str, lid: str, device: int, generation: Generation
) -> dict[str, Any]:
    """The same identity after a phone accepted it as its companion number `device`."""
    own, own_lid = f"{phone}:{device}@s.whatsapp.net", f"{lid}:{device}@lid"
    identity = {"name": own_lid if generation >= 7 else own, "deviceId": 0}
    return {
        **creds,
        "account": {
            "details": key(rng, 15),
            "accountSignatureKey": key(rng),
            "accountSignature": key(rng, 64),
            "deviceSignature": key(rng, 64),
        },
        "me": {"id": own, "lid": own_lid},
        "signalIdentities": [{"identifier": identity, "identifierKey": buffer(key(rng, 32, b"\x05"))}],
        "platform": "android",
        "myAppStateKeyId": "AAAAAQ/+",
    }


def minted(creds: Mapping[str, Any], next_id: int) -> dict[str, Any]:
    """Creds that know pre-keys up to `next_id` - 1, all of them uploaded."""
    return {**creds, "nextPreKeyId": next_id, "firstUnuploadedPreKeyId": next_id}


def identity_of(creds: Mapping[str, Any]) -> str:
    """The public half of the signed identity key: what the server knows a companion by."""
    return str(creds["signedIdentityKey"]["public"]["data"])


def is_paired(creds: Mapping[str, Any] | None) -> bool:
    """Account present and an own address with a device number."""
    if creds is None or "account" not in creds:
        return False
    user, _, host = str(creds.get("me", {}).get("id", "")).partition("@")
    return ":" in user and host == "s.whatsapp.net"


def pre_key(rng: random.Random) -> str:
    """The text of one pre-key file."""
    return compact(key_pair(rng))


def session(rng: random.Random, at: float, stored: int = 1) -> str:
    """The text of a session file that holds `stored` sessions, the first one open."""
    entries = {key(rng, 32, b"\x05"): _session_entry(rng, int(at * 1000), closed=n > 0) for n in range(stored)}
    return compact({"_sessions": entries, "version": "v1"})


def _session_entry(rng: random.Random, at_ms: int, *, closed: bool) -> dict[str, Any]:
    ours, theirs = key(rng, 32, b"\x05"), key(rng, 32, b"\x05")
    return {
        "registrationId": rng.randrange(1, 16380),
        "currentRatchet": {
            "ephemeralKeyPair": {"pubKey": ours, "privKey": key(rng)},
            "lastRemoteEphemeralKey": theirs,
            "previousCounter": 0,
            "rootKey": key(rng),
        },
        "indexInfo": {
            "baseKey": key(rng, 32, b"\x05"),
            "baseKeyType": 2,
            "closed": at_ms if closed else -1,
            "used": at_ms,
            "created": at_ms,
            "remoteIdentityKey": key(rng, 32, b"\x05"),
        },
        "_chains": {
            theirs: {"chainKey": {"counter": 0, "key": key(rng)}, "chainType": 2, "messageKeys": {}},
            ours: {"chainKey": {"counter": -1, "key": key(rng)}, "chainType": 1, "messageKeys": {}},
        },
    }


def sender_key(rng: random.Random, generation: Generation, *, ours: bool) -> str:
    """The text of a sender-key file; 7.x wraps the same record into one more Buffer."""
    signing: dict[str, Any] = {"public": key(rng, 32, b"\x05")}
    if ours:
        signing["private"] = key(rng)
    state = {
        "senderKeyId": rng.randrange(1, 2**31),
        "senderChainKey": {"iteration": 1, "seed": key(rng)},
        "senderSigningKey": signing,
        "senderMessageKeys": [],
    }
    text = compact([state])
    return text if generation < 7 else compact(buffer(base64.b64encode(text.encode()).decode()))


def sync_key(rng: random.Random, at: float) -> str:
    """The text of an app-state-sync-key file."""
    finger = {"rawId": 1234, "currentIndex": 1, "deviceIndexes": [0, 1]}
    return compact({"keyData": key(rng), "fingerprint": finger, "timestamp": str(int(at * 1000))})


def sync_version(rng: random.Random) -> str:
    """The text of an app-state-sync-version file."""
    values = {key(rng, 4): {"valueMac": buffer(key(rng))}}
    return compact({"version": 3, "hash": buffer(key(rng, 128)), "indexValueMap": values})


def identity_key(rng: random.Random) -> str:
    """The text of a 7.x identity-key file."""
    return compact(buffer(key(rng, 32, b"\x05")))


def tc_token(rng: random.Random, at: float) -> str:
    """The text of a 7.x tctoken file."""
    return compact({"token": buffer(key(rng, 16)), "timestamp": str(int(at))})
