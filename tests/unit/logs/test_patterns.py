from __future__ import annotations

import pytest

from baileykeep.logs import reading
from baileykeep.logs.patterns import LITERALS, PATTERNS, Pattern
from tests.unit.logs.samples import FIXTURES

HITS = [(pattern, text) for pattern in PATTERNS for text in pattern.hits]
MISSES = [(pattern, text) for pattern in PATTERNS for text in pattern.misses]


def tells(pattern: Pattern, text: str) -> bool:
    raw = text.encode()
    return any(pattern.read(line) for line in reading.read(raw) if any(one in raw for one in pattern.literals))


@pytest.mark.parametrize(("pattern", "text"), HITS, ids=[f"{pattern.name}-{n}" for n, (pattern, _) in enumerate(HITS)])
def test_samples_that_must_match(pattern: Pattern, text: str) -> None:
    assert tells(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"), MISSES, ids=[f"{pattern.name}-{n}" for n, (pattern, _) in enumerate(MISSES)]
)
def test_samples_that_must_not_match(pattern: Pattern, text: str) -> None:
    assert not tells(pattern, text)


def test_every_pattern_and_every_literal_is_used_by_its_samples() -> None:
    for pattern in PATTERNS:
        assert pattern.hits, pattern.name
        assert pattern.misses, pattern.name
    unused = [
        literal
        for pattern in PATTERNS
        for literal in pattern.literals
        if not any(literal in hit.encode() for hit in (*pattern.hits, *MORE_HITS))
    ]
    assert unused == []


MORE_HITS = (
    "Connection Replaced",
    "device logged_out",
    "connectionReplaced",
    "Scan this QR Code with WhatsApp",
    "WhatsApp: new qr code received",
)


@pytest.mark.parametrize("text", MORE_HITS)
def test_other_spellings(text: str) -> None:
    assert any(tells(pattern, text) for pattern in PATTERNS)


def test_the_scanner_stays_on_its_fast_path() -> None:
    assert len(LITERALS) < 65
    assert all(len(literal) >= 3 for literal in LITERALS)


def test_the_log_of_the_stand_in_server_says_nothing() -> None:
    for path in FIXTURES.glob("logs-v*/*mock-server.log"):
        for text in path.read_text().splitlines():
            assert not any(tells(pattern, text) for pattern in PATTERNS), text
