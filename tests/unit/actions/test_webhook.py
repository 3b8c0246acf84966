"""A repair after which a gateway's webhook is another is told; nothing is written back, and nothing waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baileykeep.actions import webhook
from baileykeep.actions.base import Result, Site, Unseen
from baileykeep.actions.webhook import LOOKS, all_watched, watched
from baileykeep.clock import FastClock
from baileykeep.gateways.dialect import load_dialect
from baileykeep.gateways.http import GatewaySpec, HttpGateway
from baileykeep.model.errors import Refused
from baileykeep.model.incident import Outcome
from baileykeep.model.records import EntryKind
from tests.fakes.http_gateway import Answer, FakeHttp, Reply, fake_http
from tests.unit.actions.sites import site

pytestmark = pytest.mark.asyncio
FIND = "GET /webhook/find/1"
SET = {"url": "https://hooks.test/in?token=s3cret", "enabled": True, "events": ["A", "B"], "headers": {"x": "s3cret"}}
AS_SET, NONE = Answer.of(SET), Answer.of(None)
REORDERED = Answer.of({**SET, "events": ["B", "A"]})
MOVED = Answer.of({**SET, "url": "https://other.test/in?token=s3cret"})
GONE = "The gateway's webhook settings are gone (they led to hooks.test)."


class Heard(Unseen):
    """Somebody who hears what is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, EntryKind]] = []

    async def tell(self, text: str, kind: EntryKind = EntryKind.PAIRING) -> None:
        self.told.append((text, kind))


@asynccontextmanager
async def world(root: Path, answers: Reply, dialect: str = "evolution") -> AsyncIterator[tuple[Site, FakeHttp, Heard]]:
    heard = Heard()
    async with fake_http({FIND: answers}) as fake:
        clock = FastClock(1000)
        spec = GatewaySpec("gw", fake.url, "key", connect_timeout_s=0.1, read_timeout_s=0.1)
        gateway = HttpGateway(spec, load_dialect(dialect), clock)
        yield replace(site(root, gateway, clock), pairing=heard), fake, heard
        await gateway.aclose()


async def healed(_site: Site) -> Result:
    return Result(Outcome.HEALED, "Paired anew.")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([AS_SET], ""),
        ([AS_SET, REORDERED], ""),
        ([NONE], ""),
        ([AS_SET, NONE], GONE),
        ([AS_SET, MOVED], "The gateway's webhook settings changed: url was hooks.test, now other.test."),
        ([AS_SET, NONE, NONE, AS_SET], ""),
        ([AS_SET, Answer.of({}, 500)], ""),
        ([Answer.of({}, 500), Answer.of({}, 500), Answer.of({}, 500), AS_SET], ""),
    ],
    ids=["same", "other order", "none", "gone", "moved", "loaded late", "not to be read after", "nor before"],
)
async def test_a_change_is_told_by_name_and_host(tmp_path: Path, answers: list[Answer], told: str) -> None:
    async with world(tmp_path, answers) as (here, fake, heard):
        assert await watched(here, healed) == await healed(here)
    assert [kind for _, kind in heard.told] == ([EntryKind.WEBHOOK] if told else [])
    assert all(text.startswith(told) and "s3cret" not in text for text, _ in heard.told)
    assert {request.method for request in fake.requests} == {"GET"}


async def test_what_stays_away_is_looked_at_for_a_while_before_it_is_told(tmp_path: Path) -> None:
    async with world(tmp_path, [AS_SET, NONE]) as (here, fake, heard):
        await watched(here, healed)
    assert fake.seen(FIND) == 1 + LOOKS
    assert len(heard.told) == 1


async def test_a_repair_that_fails_is_looked_after_as_well(tmp_path: Path) -> None:
    async def refused(_site: Site) -> Result:
        raise Refused("no")

    async with world(tmp_path, [AS_SET, NONE]) as (here, _, heard):
        with pytest.raises(Refused):
            await watched(here, refused)
    assert len(heard.told) == 1


@pytest.mark.parametrize("answer", [Answer(hang=True), Answer(drop=True), Answer(200, b"<html>"), Answer.of([1])])
async def test_a_gateway_that_does_not_tell_keeps_nobody_from_repairing(
    tmp_path: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "LOOK_WITHIN_S", 0.05)
    async with world(tmp_path, answer) as (here, _, heard):
        assert (await watched(here, healed)).outcome is Outcome.HEALED
    assert heard.told == []


async def test_a_gateway_without_such_a_call_is_not_asked(tmp_path: Path) -> None:
    async with world(tmp_path, AS_SET, "ai-admin") as (here, fake, heard):
        await watched(here, healed)
    assert (fake.requests, heard.told) == ([], [])


async def test_after_a_restart_of_the_process_all_its_companies_are_looked_at(tmp_path: Path) -> None:
    routes: dict[str, Any] = {"GET /webhook/find/2": [AS_SET, NONE], "GET /webhook/find/3": [AS_SET, MOVED]}
    async with world(tmp_path, AS_SET) as (here, fake, heard):
        fake.routes.update(routes)
        result = await all_watched(here, healed, ("1", "2", "3"))
    assert result.note == "Paired anew. The webhook settings of 2, 3 are others than before: set them again."
    assert heard.told == []


async def test_a_gateway_that_is_down_is_asked_once_before_its_restart(tmp_path: Path) -> None:
    async with world(tmp_path, Answer.of({}, 404)) as (here, fake, _):
        assert (await all_watched(here, healed, ("1", "2", "3"))).note == "Paired anew."
    assert fake.seen(FIND) == 1
