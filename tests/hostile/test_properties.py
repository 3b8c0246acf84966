"""What must hold for any folder, any name, any text: plans, names of files, masks, redaction, messages, durations."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from baileykeep.channels import telegram_text
from baileykeep.channels.telegram_commands import pause_args
from baileykeep.cli import words
from baileykeep.config.units import format_duration, parse_duration
from baileykeep.model.errors import Refused, UsageError
from baileykeep.model.inventory import NEVER_CLEANED, Category, Creds, CredsState, FileEntry, Listing
from baileykeep.model.limits import DAY, MIN_AGE_FLOOR_DAYS, MIN_PRE_KEYS, Limits
from baileykeep.rules import cleanup
from baileykeep.rules.masking import mask_address, mask_name, mask_phone
from baileykeep.rules.naming import category_of, memory_file, pre_key_id, sender_key, session_file
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.telemetry import redact
from tests.fakes.telegram_wire import parsed
from tests.hostile.test_terminal import EVIL, harmless

# --- plans ------------------------------------------------------------------------------------------------------------

NOW = 1_800_000_000.0
OWN = "4915112345678"
LID = "100000000000555"
USERS = st.sampled_from([OWN, "4915122222222", LID, f"{LID}_1", "4915133333333"])
GROUPS = st.sampled_from(["120363000000000001@g.us", "status@broadcast", "4915112345678-1500000000@g.us"])
NAMES = st.one_of(
    st.builds("pre-key-{}.json".format, st.integers(0, 3000)),
    st.builds("session-{}.{}.json".format, USERS, st.integers(0, 9)),
    st.builds("sender-key-{}--{}--{}.json".format, GROUPS, USERS, st.integers(0, 3)),
    st.builds("sender-key-memory-{}.json".format, GROUPS),
    st.builds("{}-{}.json".format, st.sampled_from(["lid-mapping", "device-list", "tctoken", "identity-key"]), USERS),
    st.sampled_from(["creds.json", "app-state-sync-key-AAAAAQ__.json", "app-state-sync-version-regular.json"]),
    st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=20),
    st.sampled_from(
        ["session-1.0.json.bak", "pre-key-01.json", "pre-key--1.json", "creds.json.tmp", "SESSION-1.0.json"]
    ),
)
TIMES = st.one_of(
    st.floats(NOW - 60 * DAY, NOW + 5 * DAY), st.just(0.0), st.just(-1e9), st.floats(allow_nan=False), st.just(NOW)
)
CREDS = st.builds(
    Creds,
    state=st.sampled_from(CredsState),
    paired=st.booleans(),
    phone=st.sampled_from([None, OWN]),
    identity=st.just("id"),
    next_pre_key_id=st.none() | st.integers(0, 4000),
    lid=st.sampled_from([None, LID]),
    device=st.sampled_from([None, 0, 1]),
)
POOLS = st.builds(
    PoolKnowledge,
    server_count=st.none() | st.integers(0, 900),
    uploaded_812=st.booleans(),
    seen_812=st.booleans(),
    low_seen=st.booleans(),
    last_files=st.none() | st.integers(0, 900),
)


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    """A folder with a few strange files, and sometimes with a long row of old pre-keys and groups."""
    names = set(draw(st.lists(NAMES, max_size=25)))
    first = draw(st.integers(0, 900))
    names |= {f"pre-key-{n}.json" for n in range(first, first + draw(st.sampled_from([0, 0, 31, 80, 830])))}
    old = draw(st.sampled_from([NOW - 40 * DAY, NOW - 15 * DAY, NOW - DAY]))
    times = draw(st.dictionaries(st.sampled_from(sorted(names)), TIMES, max_size=12)) if names else {}
    files = [FileEntry(name, category_of(name), 1, times.get(name, old)) for name in sorted(names)]
    return Listing(tuple(files), "token")


@settings(max_examples=120, deadline=None)
@given(
    listings(), CREDS, POOLS, TIMES, st.none() | TIMES, st.sampled_from([None, "pool", "newest"]), st.booleans(),
    st.sampled_from([None, "6", "7"]),
)  # fmt: skip
def test_no_plan_breaks_a_golden_rule(
    listing: Listing,
    creds: Creds,
    pool: PoolKnowledge,
    now: float,
    reference: float | None,
    policy: str | None,
    force: bool,
    baileys: str | None,
) -> None:
    assume(abs(now) < 1e12)
    try:
        plan = cleanup.plan(
            listing, creds, pool, Limits(), now=now, reference=reference, policy=policy, force=force, baileys=baileys
        )
    except Refused:
        return
    there = {file.name: file for file in listing.files}
    gone = [removal.name for removal in plan.remove]
    assert len(gone) == len(set(gone))
    assert set(gone) <= there.keys()
    floor_days = MIN_AGE_FLOOR_DAYS if force else Limits().cleanup.min_age_days
    measured = now if reference is None else min(now, reference)
    for name in gone:
        assert there[name].category not in NEVER_CLEANED
        assert measured - there[name].mtime >= floor_days * DAY - 1
        assert there[name].mtime <= now
    pre_keys = {name for name in there if pre_key_id(name) is not None}
    assert len(pre_keys - set(gone)) >= min(MIN_PRE_KEYS, len(pre_keys))
    assert not gone or (creds.state is CredsState.WHOLE and creds.paired)
    for name in gone:
        key = sender_key(name)
        if key is not None and key.user.partition("_")[0] in (creds.phone, creds.lid) and key.device == creds.device:
            assert memory_file(key.group) not in there or memory_file(key.group) in gone


# --- names ------------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(alphabet="sesionprkyd-_.0123456789json@gu", max_size=50))
def test_only_exact_names_are_ever_removable(any_text: str, like: str) -> None:
    for name in (any_text, like, f"{like}.json", f"session-{like}.json", f"pre-key-{like}.json", f"{like}\n"):
        if category_of(name) not in NEVER_CLEANED:
            assert re.fullmatch(r"[a-z0-9@._-]+\.json", name)
            assert "/" not in name
    address = like.strip("-")
    file = session_file(address)
    assert file is None or (category_of(file) is Category.SESSION and address in file)


# --- masks ------------------------------------------------------------------------------------------------------------

PHONES = st.from_regex(r"[1-9][0-9]{9,14}", fullmatch=True).filter(lambda p: not re.match(r"1[4-9]", p))
AROUND = st.text(alphabet=" ,;:\"'{}[]()<>/=?&|\n@+#_-", max_size=3)
DRESSES = st.sampled_from(
    [
        "{}", "+{}", "{}@s.whatsapp.net", "{}:3@s.whatsapp.net", "{}@lid", "phone={}", '"phone":"{}"', "id{}", "x{}",
        "session-{}.0.json", "/connections/{}/x", "at async {}.0 [as awaitable]", "tel:{}", "%2B{}", "jid {}", "<{}>",
        "'participant': '{}@c.us'", "sender-key-1203630@g.us--{}--0.json", '\\"number\\":{}', "{}.512", "{}.", "({})",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(PHONES, DRESSES, AROUND, AROUND)
def test_no_phone_survives_in_any_dress(phone: str, dress: str, before: str, after: str) -> None:
    shown = redact(before + dress.format(phone) + after)
    assert phone not in shown
    assert not re.search(rf"{phone[:-4]}", shown)


@settings(max_examples=250, deadline=None)
@given(
    st.one_of(st.text(max_size=80), st.text(alphabet="0123456789+@._-:=/ \"'{}tokenprivKeyBf<>2@\\[]", max_size=120))
)
def test_redaction_is_final(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789_.-abcxyz@+() ", max_size=40))
def test_masks_show_four_digits_at_most_and_are_final(text: str) -> None:
    for mask in (mask_name, mask_address, mask_phone):
        once = mask(text)
        assert once is not None
        assert mask(once) == once
    assert not re.search(r"[0-9]{7,}", mask_name(text))
    assert sum(char.isdigit() for char in mask_phone(text) or "") <= 4


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN X-----" * 2000, '"type":"Buffer","data":' * 2000, "1," * 20_000, "\\x00" * 10_000, "2@" * 20_000,
        "a_" * 20_000, "token=" * 10_000, "9" * 100_000, "+1 " * 20_000, "phone" * 10_000, "--1" * 10_000, " " * 50_000,
        "4915112345678 " * 4000, "{" * 50_000, "'" * 50_000, "a" * 50_000, "aa:" * 20_000, "<Buffer " * 5_000,
    ],
)  # fmt: skip
def test_no_text_makes_redaction_slow(text: str) -> None:
    redact(text)


# --- messages ---------------------------------------------------------------------------------------------------------

HOSTILE = st.one_of(st.text(max_size=60), st.just(EVIL), st.just("<" * 300), st.just("🜏" * 300), st.just("&lt;b&gt;"))
STORY = st.lists(st.fixed_dictionaries({"at": st.floats(1e9, 2e9), "text": HOSTILE}), max_size=60)
NOTICES = st.fixed_dictionaries(
    {"headline": HOSTILE, "story": STORY},
    optional={
        "title": HOSTILE, "meaning": HOSTILE, "what_to_do": HOSTILE, "acked_by": HOSTILE, "reply": HOSTILE,
        "company": HOSTILE,
        "severity": st.sampled_from(["info", "warning", "critical", "emergency", "x"]), "closed": st.booleans(),
        "needs_human": st.booleans(), "subject_id": HOSTILE,
        "members": st.lists(st.fixed_dictionaries({"text": HOSTILE, "own": st.booleans()}), max_size=60),
        "buttons": st.lists(
            st.fixed_dictionaries({"do": st.sampled_from(["ack", "approve", "reject", "pause"]), "incident": HOSTILE,
                                   "revision": st.integers(0, 10**12)}), max_size=5),
    },
)  # fmt: skip


def fits_telegram(html: str) -> None:
    """As Telegram counts and parses: known tags, all closed, at most 4096 units, nothing that steers."""
    plain = parsed(html, "HTML")
    assert 0 < telegram_text.units(plain) <= telegram_text.MAX_UNITS
    harmless(plain)


@settings(max_examples=120, deadline=None)
@given(NOTICES)
def test_any_notice_is_a_message_that_telegram_takes(data: dict[str, Any]) -> None:
    fits_telegram(telegram_text.message(data, UTC))
    if telegram_text.reply(data):
        fits_telegram(telegram_text.reply(data))
    for row in telegram_text.buttons(data):
        for _, payload in row:
            assert 1 <= len(payload.encode("utf-8", "surrogatepass")) <= 64


VIEWS = st.fixed_dictionaries(
    {"id": HOSTILE},
    optional={
        "name": HOSTILE, "health": HOSTILE | st.sampled_from(["ok", "down"]), "next": HOSTILE,
        "paused_until": st.none() | st.just(1.0),
        "incidents": st.lists(st.fixed_dictionaries({"headline": HOSTILE}), max_size=8),
        "connection": st.none() | st.fixed_dictionaries({"state": HOSTILE, "down_s": st.floats(0, 1e7)}),
        "files": st.none()
        | st.fixed_dictionaries({"counted": st.integers(), "level": HOSTILE, "reclaimable": st.integers()}),
        "backups": st.none() | st.fixed_dictionaries({"count": st.integers()}),
    },
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(VIEWS, max_size=40), st.lists(HOSTILE, max_size=5))
def test_any_overview_is_a_message_that_telegram_takes(views: list[dict[str, Any]], problems: list[str]) -> None:
    incidents = [{"headline": problem} for problem in problems]
    fits_telegram(
        telegram_text.overview(
            {
                "companies": views,
                "mode": "observe",
                "paused_until": 1.0,
                "config": {"problems": problems},
                "incidents": incidents,
            }
        )
    )
    for view in views:
        fits_telegram(telegram_text.company(view))


# --- durations --------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=20), st.text(alphabet="0123456789smhdw. ", max_size=20)))
def test_a_duration_is_a_number_or_a_sentence(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= 0
    if words.is_duration(text):
        assert words.seconds(text) >= 0
    with contextlib.suppress(UsageError):
        assert pause_args(text.split())["seconds"] >= 0


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**12))
def test_a_duration_that_is_shown_reads_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)
