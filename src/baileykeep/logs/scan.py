"""One pass over the log files of one gateway: how often each thing happened, for all and per company."""

from __future__ import annotations

import gzip
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Protocol

from baileykeep.logs.attribution import Attribution
from baileykeep.logs.failures import ConsoleBlocks, certain
from baileykeep.logs.gateway_log import GatewayLog
from baileykeep.logs.moments import Moment
from baileykeep.logs.parser import LogParser
from baileykeep.logs.signs import Sighting, Sign
from baileykeep.model.facts import (
    CloseKind,
    DecryptKind,
    LogFact,
    PreKeysOnServer,
    PreKeysUploaded,
    StaleSessionClosed,
    WaitingForMessage,
)

CHUNK = 256 * 1024

COUNTS = (
    "decrypt_failures",
    "bad_mac",
    "duplicates",
    "device_removed",
    "logged_out",
    "replaced",
    "restart_required",
    "qr_ended",
    "connect_errors",
    "drops",
    "stale_session",
    "waiting_for_message",
    "renegotiations",
    "opened",
    "qr_shown",
    "paired",
    "pre_key_uploads",
)
"""What is counted, in the order in which it is shown."""

_CLOSES = {
    CloseKind.DEVICE_REMOVED: "device_removed",
    CloseKind.LOGGED_OUT: "logged_out",
    CloseKind.REPLACED: "replaced",
    CloseKind.RESTART_REQUIRED: "restart_required",
    CloseKind.QR_ENDED: "qr_ended",
    CloseKind.CONNECT_ERROR: "connect_errors",
    CloseKind.LOST: "drops",
    CloseKind.OTHER: "drops",
}
_MOMENTS = {
    Sign.OPENED: "opened",
    Sign.QR: "qr_shown",
    Sign.PAIRED: "paired",
}
_FACTS: Mapping[type[LogFact], str] = {
    PreKeysUploaded: "pre_key_uploads",
    StaleSessionClosed: "stale_session",
    WaitingForMessage: "waiting_for_message",
}

Company = str | None


@dataclass(slots=True)
class Counts:
    """`contacts` are full session addresses with their failures: mask them before showing.

    `codes` counts closes by status code; `pre_keys_on_server` is the last count seen, None where companies mix.
    """

    numbers: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    contacts: Counter[str] = field(default_factory=Counter)
    pre_keys_on_server: int | None = None


@dataclass(slots=True)
class Report:
    """The result of a scan: everything together, and what could be attributed."""

    lines: int
    total: Counts
    companies: dict[str, Counts]


class Scanner:
    """Reads the streams of one gateway one after another. No time passes in a scan: order alone joins lines."""

    def __init__(self, attribution: Attribution | None = None) -> None:
        self._attribution = attribution or Attribution()
        self._log = GatewayLog("scan")
        self._closes: list[list[Moment]] = []
        self._counts: dict[Company, Counts] = {}
        self._raw: dict[Company, Counter[Sign]] = {}
        self._lines = 0

    def read(self, chunks: Iterable[bytes]) -> None:
        """Read one stream to its end."""
        parser, blocks = LogParser(self._attribution), ConsoleBlocks()
        for chunk in chunks:
            self._see(parser.feed(chunk), blocks)
        self._see(parser.finish(), blocks)
        self._lines += parser.lines
        happened = self._log.moments.flush()
        self._closes.append([one for one in happened if one.sign is Sign.CLOSED])
        for one in happened:
            if one.sign is not Sign.CLOSED:
                self._of(one.company).numbers[_MOMENTS[one.sign]] += 1

    def report(self) -> Report:
        """Bring the streams together; the scanner is not used afterwards."""
        self._count_failures()
        self._count_closes()
        for company, raw in self._raw.items():
            dumps = raw[Sign.SESSION_DUMP] - raw[Sign.STALE]
            self._of(company).numbers["renegotiations"] = max(raw[Sign.RENEGOTIATION], dumps, 0)
        named = {company: self._counts[company] for company in sorted(filter(None, self._counts))}
        return Report(self._lines, _sum(self._counts.values()), named)

    def _see(self, sightings: Iterable[Sighting], blocks: ConsoleBlocks) -> None:
        for sighting in sightings:
            self._log.see(sighting, blocks, 0.0, 0.0)
            if sighting.seen.sign in (Sign.STALE, Sign.RENEGOTIATION, Sign.SESSION_DUMP):
                self._raw.setdefault(sighting.company, Counter())[sighting.seen.sign] += 1
        for fact in self._log.at_once():
            counts = self._of(fact.company)
            if isinstance(fact, PreKeysOnServer):
                counts.pre_keys_on_server = fact.count
            else:
                counts.numbers[_FACTS[type(fact)]] += 1

    def _of(self, company: Company) -> Counts:
        return self._counts.setdefault(company, Counts())

    def _count_failures(self) -> None:
        for failure in self._log.failures.flush():
            counts, why = self._of(failure.company), certain(failure)
            if why is DecryptKind.DUPLICATE:
                counts.numbers["duplicates"] += 1
                continue
            counts.numbers["decrypt_failures"] += 1
            counts.numbers["bad_mac"] += why is DecryptKind.BAD_MAC
            if failure.address is not None:
                counts.contacts[failure.address] += 1

    def _count_closes(self) -> None:
        for close in _once(self._closes):
            counts = self._of(close.company)
            counts.numbers[_CLOSES[close.close_kind]] += 1
            if close.code is not None:
                counts.codes[close.code] += 1


class Readable(Protocol):
    """Anything that hands out bytes, at most `size` at once, and none at its end."""

    def read(self, size: int, /) -> bytes | None:
        """The next bytes."""


def chunks_of(stream: Readable, told: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """A stream in chunks; `told` hears how many bytes were read."""
    while chunk := stream.read(CHUNK):
        if told is not None:
            told(len(chunk))
        yield chunk


def opened(path: Path) -> closing[gzip.GzipFile] | closing[FileIO]:
    """A log file to read, unpacked where it is a rotated `.gz`."""
    return closing(gzip.open(path)) if path.suffix == ".gz" else closing(FileIO(path))


def scan_files(
    paths: Iterable[Path], attribution: Attribution | None = None, told: Callable[[int], None] | None = None
) -> Report:
    """Scan files, `.gz` ones too, as the streams of one gateway. Raises OSError where one cannot be read."""
    scanner = Scanner(attribution)
    for path in paths:
        with opened(path) as stream:
            scanner.read(chunks_of(stream, told))
    return scanner.report()


def _once(streams: list[list[Moment]]) -> Iterator[Moment]:
    """Closes of all streams; one that a stream tells in words alone is dropped where another stream tells it fully."""
    for own, closes in enumerate(streams):
        others = deque(one for n, each in enumerate(streams) if n != own for one in each if not one.in_words_only)
        for close in closes:
            twin = next((one for one in others if _may_be(close, one)), None) if close.in_words_only else None
            if twin is None:
                yield close
            else:
                others.remove(twin)


def _may_be(words: Moment, full: Moment) -> bool:
    same_company = words.company is None or full.company is None or words.company == full.company
    same_code = words.code is None or full.code is None or words.code == full.code
    return same_company and same_code and (words.kind is None or words.close_kind is full.close_kind)


def _sum(parts: Collection[Counts]) -> Counts:
    total = Counts()
    for part in parts:
        total.numbers += part.numbers
        total.codes += part.codes
        total.contacts += part.contacts
    pools = [part.pre_keys_on_server for part in parts if part.pre_keys_on_server is not None]
    total.pre_keys_on_server = pools[0] if len(pools) == 1 else None
    return total
