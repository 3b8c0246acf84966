"""Made-up secrets in every dress in which they were seen: none may pass."""

import base64
import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baileykeep.telemetry import redact

KEY = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
HEX = "3f9a1c0b5d7e2f4a6b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c"
BOT = "7123456789:AAF-canaryCANARYcanary_0123456789abcd"
QR = "2@mockRef0rPzE55Hh+8V6DeEn0RaDiXa7sSR4==,5ZERMd9IeA3U0U47Lsf6hetih=,b96OIHYaXt15jDd,1"
PHONE = "4915112345678"
LID = "100000000000555"

SECRETS = {
    "base64 key": (KEY, f"noise {KEY} noise"),
    "base64 without padding": (KEY.rstrip("="), f'{{"any":"{KEY.rstrip("=")}"}}'),
    "hex key": (HEX, f"loaded {HEX}"),
    "short hex key behind a path": (HEX[:32], f"cannot read /srv/wa/company_12/tokens/for/the/gateway/{HEX[:32]}"),
    "short named key": ("c2hvcnRrZXk=", 'indexInfo: { baseKey: "c2hvcnRrZXk=" }'),
    "json key": ("c2hvcnQ=", '{"privKey":"c2hvcnQ="}'),
    "node buffer": ("10 2d 3f", "rootKey: <Buffer 10 2d 3f 4e 5a>"),
    "node buffer that is cut": ("10 2d 3f", "rootKey: <Buffer 10 2d 3f"),
    "json buffer": ("AQIDBA==", '{"private":{"type":"Buffer","data":"AQIDBA=="}}'),
    "json buffer of numbers": ("17,34,51", '{"type":"Buffer","data":[17,34,51]}'),
    "bytes as numbers": ("201, 17, 5", "key [" + "201, 17, 5, " * 8 + "1]"),
    "bytes as escapes": (r"\x9c\x01", "b'" + r"\x9c\x01A\xfe\x10" * 4 + "'"),
    "bytes with colons": ("9c:01:fe:10", ":".join(["9c", "01", "fe", "10"] * 8)),
    "pem": ("MIIEvQIB", "-----BEGIN PRIVATE KEY-----\nMIIEvQIB\nxyz\n-----END PRIVATE KEY-----"),
    "bearer": ("canary-tok", "Authorization: Bearer canary-tok"),
    "bearer in json": ("canary-tok", '{"headers":{"authorization":"Bearer canary-tok"}}'),
    "basic": ("Y2FuYXJ5", "sent basic Y2FuYXJ5"),
    "api key header": ("canary", "x-api-key: canary"),
    "internal secret": ("canary", "X-Internal-Secret=canary"),
    "python repr": ("canary", "{'api_key': 'canary'}"),
    "escaped json": ("canary", '{\\"token\\":\\"canary\\"}'),
    "two words": ("canary bird", 'password = "canary bird"'),
    "query": ("canary", "GET /x?apikey=canary&y=1"),
    "query key": ("canary", "GET /x?a=1&key=canary"),
    "address with password": ("canary", "postgres://user:canary@db/x"),
    "telegram token": (BOT, f"token {BOT}"),
    "telegram address": (BOT, f"https://api.telegram.org/bot{BOT}/sendMessage"),
    "qr": (QR[2:30], f"qr {QR}"),
    "qr in json": (QR[2:30], f'{{"qr":"{QR}"}}'),
    "qr address": (QR[2:30], f"https://wa.me/settings/linked_devices#{QR}"),
    "pairing code": ("FMWPS4KY", "APP pairing code FMWPS4KY"),
    "pairing code with a dash": ("FMWP-S4KY", '{"pairingCode":"FMWP-S4KY"}'),
    "jid": (PHONE, f'"remoteJid":"{PHONE}@s.whatsapp.net"'),
    "jid of a device": (PHONE, f"{PHONE}:12@s.whatsapp.net"),
    "lid": (LID, f"{LID}:1@lid"),
    "session address": (PHONE, f"at async {PHONE}.0 [as awaitable]"),
    "lid address": (LID, f"at async {LID}_1.0 [as awaitable]"),
    "session file": (PHONE, f"/x/session-{PHONE}.0.json"),
    "sender key file": (PHONE, f"sender-key-120363000000000001@g.us--{PHONE}--1.json"),
    "old group": (PHONE, f"{PHONE}-1500000000@g.us"),
    "short jid": ("15112345", "15112345:2@s.whatsapp.net"),
    "short sender key file": ("15112345", "sender-key-120363000000000001@g.us--15112345--1.json"),
    "short old group": ("151123456", "151123456-1500000000@g.us"),
    "mapping file": (LID, f"lid-mapping-{LID}_reverse.json"),
    "phone with a word": ("15112345", "phone=15112345"),
    "phone as number": (PHONE, f'{{"phoneNumber":{PHONE}}}'),
    "phone alone": (PHONE, f"calling {PHONE}."),
    "phone with plus": ("151 1234", "+49 151 1234 5678"),
    "phone in an address": (PHONE, f"GET /connections/%2B{PHONE} [404]"),
    "phone after an equals sign": (PHONE, f"?jid={PHONE}&x"),
}


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_never_passes(name: str) -> None:
    secret, text = SECRETS[name]
    assert secret in text
    assert secret not in redact(text)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_redacting_twice_changes_nothing_more(name: str) -> None:
    once = redact(SECRETS[name][1])
    assert redact(once) == once


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_inside_json_inside_a_line_never_passes(name: str) -> None:
    secret, text = SECRETS[name]
    wrapped = redact(json.dumps({"msg": text, "n": 1}))
    assert secret not in wrapped
    assert json.dumps(secret)[1:-1] not in wrapped


def test_last_four_digits_stay() -> None:
    assert redact(f"{PHONE}@s.whatsapp.net") == "***5678@s.whatsapp.net"
    assert redact(f"{LID}_1.0") == "***0555_1.0"


@pytest.mark.parametrize(
    "text",
    [
        "company_997441 at /opt/ai-admin/baileys_sessions/company_997441/app-state-sync-version-critical_block.json",
        '  File "/usr/lib/python3.11/site-packages/baileykeep/watchers/folder_events.py", line 51, in deliver',
        "test_that_something_long_happens_when_the_configuration_is_saved",
        "at 2026-11-20T11:19:18.123456Z took 0.30000000000000004 s, epoch 1763637558 and 1763637558123",
        "epoch 1763637558.25",
        "chat -1001234567890",
        "142 pre-keys found on server, 812 uploaded, 4096 bytes, pid 28296",
        "00000000-feed-beef-cafe-0123456789ab",
        "key limits.disconnect.act_after is 8m",
        "token is missing; password: none given? no: null",
        "Session error:Error: Bad MAC at Object.verifyMAC (/srv/x/node_modules/libsignal/src/crypto.js:87:15)",
        "http://127.0.0.1:8420/api/companies/997441",
        "cannot read /srv/wa-1/app-2/cfg-3/prod_eu_1/north_a/config/baileykeep.toml",
    ],
)
def test_what_people_need_stays(text: str) -> None:
    assert redact(text).replace("[hidden]", "") == text or redact(text) == text


@given(st.text())
def test_any_text_is_handled(text: str) -> None:
    redact(text)


def test_no_random_key_passes() -> None:
    chance = random.Random(7)  # the same keys at every run: of many millions of others some would pass
    for size in [*range(30, 65)] * 40:
        data = chance.randbytes(size)
        for text in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode(), data.hex()):
            assert text not in redact(f"x {text} y")


@given(st.integers(min_value=10**10, max_value=10**15 - 1).filter(lambda n: not re.fullmatch(r"1[4-9]\d{11}", str(n))))
def test_no_number_that_can_be_a_phone_passes(number: int) -> None:
    for text in (f"to {number}", f"({number})", f"x={number}", f"+{number}", f"{number}@s.whatsapp.net"):
        assert str(number) not in redact(text)


SAMPLE_LOGS = sorted((Path(__file__).parents[2] / "fixtures").rglob("*.log"))


@pytest.mark.parametrize("file", SAMPLE_LOGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_real_logs_leave_nothing(file: Path) -> None:
    text = redact(file.read_text("utf-8", errors="replace"))
    numbers = re.findall(r"(?<![A-Za-z0-9])\d{11,15}(?![A-Za-z0-9])", text)
    assert [number for number in numbers if not re.fullmatch(r"1[4-9]\d{11}", number)] == []
    assert not re.search(r"<Buffer [0-9a-f]{2}\b|2@[A-Za-z0-9]{8}|linked_devices#", text)
    assert not [run for run in re.findall(r"[A-Za-z0-9+/]{40,}={0,2}", text) if run.endswith("=")]
