"""What a fuzzer feeds with bytes. Each target raises where a promise is broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from baileykeep.logs.attribution import Attribution
from baileykeep.logs.failures import ConsoleBlocks
from baileykeep.logs.gateway_log import GatewayLog
from baileykeep.logs.parser import LogParser
from baileykeep.logs.signs import Sighting
from baileykeep.model.facts import DecryptFailed, LogFact
from baileykeep.model.inventory import CredsState
from baileykeep.rules.creds_file import parse_creds, parses, with_pre_key_ids
from baileykeep.rules.naming import session_file

ATTRIBUTIONS = (
    Attribution(company="only"),
    Attribution(field="companyId"),
    Attribution(field="tenant.id", id_template="company_{company}"),
    Attribution(pattern=r"company[_ ](?P<company>[A-Za-z0-9]+)"),
)


def log(data: bytes) -> None:
    """The log parser and what joins its lines. The first two bytes choose the attribution and the size of the chunks.

    The same bytes in other chunks tell the same; a company's name is short and printable; a contact's address is one.
    """
    if len(data) < 2:
        return
    attribution, size, text = ATTRIBUTIONS[data[0] % len(ATTRIBUTIONS)], data[1] + 1, data[2:]
    facts = told(attribution, [text])
    assert facts == told(attribution, [text[at : at + size] for at in range(0, len(text), size)])
    for fact in facts:
        assert fact.company is None or (0 < len(fact.company) <= 128 and fact.company.isprintable())
        if isinstance(fact, DecryptFailed) and fact.address is not None:
            assert session_file(fact.address)


def told(attribution: Attribution, chunks: list[bytes]) -> list[LogFact]:
    """All facts of one stream."""
    parser, blocks, gateway = LogParser(attribution), ConsoleBlocks(), GatewayLog("fuzz")
    for sighting in _sightings(parser, chunks):
        gateway.see(sighting, blocks, 0.0, 0.0)
    return gateway.due(float("inf"))


def _sightings(parser: LogParser, chunks: list[bytes]) -> Iterator[Sighting]:
    for chunk in chunks:
        yield from parser.feed(chunk)
    yield from parser.finish()


def creds(data: bytes) -> None:
    """The creds reader: whatever lies there gets a state, and raised pre-key ids change nothing else."""
    found = parse_creds(data)
    assert found.paired <= (found.state is CredsState.WHOLE)
    assert not (found.paired and found.half_paired)
    if found.state is not CredsState.WHOLE:
        return
    assert parses(data)
    try:
        raised = with_pre_key_ids(data, 900)
    except ValueError:  # a number such as 1e400, which Node would not read back
        assert b"Infinity" in json.dumps(json.loads(data.decode())).encode()
        return
    again = parse_creds(raised)
    assert (again.identity, again.phone, again.paired, again.device) == (
        found.identity, found.phone, found.paired, found.device,
    )  # fmt: skip
    assert min(again.next_pre_key_id or 0, again.first_unuploaded_pre_key_id or 0) >= 900
    before, after = json.loads(data.decode()), json.loads(raised.decode())
    kept = set(before) - {"nextPreKeyId", "firstUnuploadedPreKeyId"}
    assert {key: repr(before[key]) for key in kept} == {key: repr(after[key]) for key in kept}


TARGETS: Mapping[str, Callable[[bytes], None]] = {"log": log, "creds": creds}
