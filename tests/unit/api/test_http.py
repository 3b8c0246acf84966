"""The HTTP side, asked through httpx without a network."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from baileykeep.api.guard import loopback
from baileykeep.api.http import check_listen, make_app
from baileykeep.channels.qr_image import png
from baileykeep.model.errors import BaileykeepError, ConfigError, GatewayError, Refused, UsageError
from tests.fakes.control import FakeControl

TOKEN = "a-made-up-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
COMPANIES = {"now": 5.0, "companies": [{"id": "2"}], "version": "x", "gateways": []}


def client(
    control: FakeControl | None = None,
    *,
    token: str | None = TOKEN,
    peer: str = "127.0.0.1",
    ready: bool = True,
    host: str = "127.0.0.1:8420",
) -> httpx.AsyncClient:
    app = make_app(
        control or FakeControl(),
        token=token,
        metrics=lambda: b"baileykeep_up 1\n",
        ready=lambda: (ready, {"waiting_for": [] if ready else ["files"]}),
    )
    transport = httpx.ASGITransport(app=app, client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


@pytest.mark.asyncio
async def test_alive_and_ready_are_two_things() -> None:
    async with client(ready=False, peer="203.0.113.9") as web:
        alive, ready = await web.get("/healthz"), await web.get("/readyz")
    assert (alive.status_code, alive.json()["status"]) == (200, "alive")
    assert (ready.status_code, ready.json()) == (503, {"ready": False, "waiting_for": ["files"]})
    async with client() as web:
        assert (await web.get("/readyz")).status_code == 200


@pytest.mark.asyncio
async def test_metrics_are_open_to_this_machine_and_need_the_token_from_elsewhere() -> None:
    async with client() as web:
        near = await web.get("/metrics")
    assert (near.content, near.headers["content-type"]) == (
        b"baileykeep_up 1\n",
        "text/plain; version=0.0.4; charset=utf-8",
    )
    async with client(peer="203.0.113.9") as web:
        assert (await web.get("/metrics")).status_code == 401
        assert (await web.get("/metrics", headers=BEARER)).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("headers", [BEARER, {"X-API-Key": TOKEN}, {"authorization": f"bearer {TOKEN}"}])
async def test_the_token_opens_as_bearer_and_as_api_key(headers: dict[str, str]) -> None:
    control = FakeControl({"overview": COMPANIES, "incidents": {"incidents": []}, "company": {"id": "2"}})
    async with client(control, peer="203.0.113.9") as web:
        listing = await web.get("/api/companies", headers=headers)
        assert listing.json() == {"now": 5.0, "companies": [{"id": "2"}]}
        assert (await web.get("/api/companies/2", headers=headers)).json() == {"id": "2"}
        assert (await web.get("/api/incidents", headers=headers)).json() == {"incidents": []}
    assert [(name, args) for name, args, _ in control.calls] == [
        ("overview", {}),
        ("company", {"company": "2"}),
        ("incidents", {}),
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer"},
        {"x-api-key": ""},
        {"x-api-key": TOKEN[:-1]},
    ],
)
async def test_without_the_right_token_nothing_is_told_or_done(headers: dict[str, str]) -> None:
    control = FakeControl({"overview": COMPANIES, "reset": {"action": "a"}})
    async with client(control) as web:
        answers = [
            await web.get("/api/companies", headers=headers),
            await web.post("/api/companies/2/reset", headers=headers),
            await web.get("/api/no-such-thing", headers=headers),
        ]
    assert [a.status_code for a in answers] == [401, 401, 401]
    assert answers[0].json()["code"] == "unauthorized"
    assert control.calls == []


@pytest.mark.asyncio
async def test_no_token_configured_means_reading_from_this_machine_only() -> None:
    control = FakeControl({"overview": COMPANIES})
    async with client(control, token=None) as web:
        assert (await web.get("/api/companies")).status_code == 200
        refused = await web.post("/api/companies/2/reset")
        assert (refused.status_code, refused.json()["code"]) == (403, "read_only")
    async with client(control, token=None, peer="203.0.113.9") as web:
        assert (await web.get("/api/companies")).json()["code"] == "not_local"
        assert (await web.get("/healthz")).status_code == 200
    async with client(control, token="", peer="203.0.113.9") as web:
        assert (await web.get("/api/companies", headers={"x-api-key": ""})).status_code == 403
    assert len(control.calls) == 1


@pytest.mark.asyncio
async def test_without_a_token_a_foreign_name_for_this_machine_is_not_answered() -> None:
    async with client(FakeControl({"overview": COMPANIES}), token=None, host="evil.example:8420") as web:
        assert (await web.get("/api/companies")).status_code == 403
    async with client(FakeControl({"overview": COMPANIES}), token=None, host="[::1]:8420") as web:
        assert (await web.get("/api/companies")).status_code == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("verb", "body", "args", "status"),
    [
        ("reconnect", None, {}, 202),
        ("backup", {}, {}, 202),
        ("reset", None, {}, 202),
        ("cleanup", None, {}, 202),
        ("cleanup", {"policy": "newest", "force": True}, {"policy": "newest", "force": True}, 202),
        ("relink", {"replace_login": True}, {"replace_login": True}, 202),
        ("reset", {"replace_login": True}, {"replace_login": True}, 202),
        ("pause", None, {"seconds": 3600.0}, 200),
        ("pause", {"seconds": 60}, {"seconds": 60.0}, 200),
        ("resume", None, {}, 200),
    ],
)
async def test_acts_name_company_and_operator(
    verb: str, body: dict[str, Any] | None, args: dict[str, Any], status: int
) -> None:
    control = FakeControl({verb: {"action": "a1"}})
    async with client(control, peer="203.0.113.9") as web:
        answer = await web.post(f"/api/companies/acme/{verb}", json=body, headers=BEARER)
    assert (answer.status_code, answer.json()) == (status, {"action": "a1"})
    assert control.calls == [(verb, {"company": "acme", **args}, "http:203.0.113.9")]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("verb", "body", "named"),
    [
        ("cleanup", {"policy": "everything"}, "policy"),
        ("cleanup", {"colour": "red"}, "colour"),
        ("reset", {"sure": True}, "sure"),
        ("pause", {"seconds": -1}, "seconds"),
    ],
)
async def test_a_wrong_body_names_the_key(verb: str, body: dict[str, Any], named: str) -> None:
    control = FakeControl()
    async with client(control) as web:
        answer = await web.post(f"/api/companies/acme/{verb}", json=body, headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (400, "usage")
    assert named in answer.json()["cause"]
    assert control.calls == []


@pytest.mark.asyncio
@pytest.mark.parametrize("organization", ["2", 2])
async def test_clear_corrupted_session_opens_an_incident(organization: str | int) -> None:
    control = FakeControl({"clear_corrupted": {"incident": "i-9"}})
    async with client(control) as web:
        answer = await web.post(
            "/api/clear-corrupted-session", json={"organization_id": organization}, headers={"x-api-key": TOKEN}
        )
    assert (answer.status_code, answer.json()) == (202, {"incident": "i-9"})
    assert control.asked("clear_corrupted") == [{"company": "2"}]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("connected", next_step="stop it", code="session_running"), 409),
        (UsageError("no company 'x'", code="unknown_company"), 404),
        (UsageError("bad"), 400),
        (GatewayError("no answer", code="timeout"), 502),
        (BaileykeepError("broken"), 500),
    ],
)
async def test_errors_keep_their_words(error: BaileykeepError, status: int) -> None:
    async with client(FakeControl({"reset": error})) as web:
        answer = await web.post("/api/companies/x/reset", headers=BEARER)
    assert answer.status_code == status
    assert answer.json() == {"code": error.code, "cause": error.cause, "next_step": error.next_step}


@pytest.mark.asyncio
async def test_an_unexpected_failure_tells_nothing_of_its_inside() -> None:
    async with client(FakeControl({"reset": ZeroDivisionError("secret")})) as web:
        answer = await web.post("/api/companies/x/reset", headers=BEARER)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text


@pytest.mark.asyncio
async def test_unknown_paths_methods_and_huge_bodies() -> None:
    async with client() as web:
        assert (await web.get("/docs", headers=BEARER)).json()["code"] == "not_found"
        assert (await web.get("/openapi.json", headers=BEARER)).status_code == 404
        assert (await web.delete("/api/companies/2", headers=BEARER)).status_code == 405
        huge = await web.post("/api/companies/2/pause", content=b"x" * 70_000, headers=BEARER)
    assert (huge.status_code, huge.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost", "::ffff:127.0.0.1"])
def test_loopback_addresses_need_no_token(host: str) -> None:
    assert loopback(host)
    check_listen(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "10.0.0.1", "example.org", "127.0.0.1.example.org"])
def test_listening_elsewhere_needs_a_token(host: str) -> None:
    with pytest.raises(ConfigError, match="without a token"):
        check_listen(host, None)
    with pytest.raises(ConfigError):
        check_listen(host, "")
    check_listen(host, TOKEN)


OFFER = {"qr": "2@SECRET", "code": None, "expires_at": 9.0}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("body", "command", "args"),
    [
        (None, "relink", {}),
        ({"by": "qr", "replace_login": True}, "relink", {"replace_login": True}),
        ({"by": "code"}, "pairing_code", {}),
    ],
)
async def test_a_relink_is_begun_by_qr_or_by_code_and_followed(
    body: dict[str, Any] | None, command: str, args: dict[str, Any]
) -> None:
    control = FakeControl({command: {"action": "a-1"}, "action": {"action": "a-1", "state": "running"}})
    async with client(control) as web:
        begun = await web.post("/api/companies/7/relink", json=body, headers=BEARER)
        followed = await web.get("/api/actions/a-1", headers=BEARER)
    assert (begun.status_code, begun.json()) == (202, {"action": "a-1"})
    assert followed.json()["state"] == "running"
    assert [(name, given) for name, given, _ in control.calls] == [
        (command, {"company": "7", **args}),
        ("action", {"action": "a-1"}),
    ]


@pytest.mark.asyncio
async def test_what_is_to_be_scanned_is_told_as_text_and_as_a_picture_and_kept_by_nobody() -> None:
    async with client(FakeControl({"qr": OFFER})) as web:
        text = await web.get("/api/companies/7/pairing", headers=BEARER)
        picture = await web.get("/api/companies/7/pairing", headers={**BEARER, "Accept": "image/png"})
    assert text.json() == OFFER
    assert (picture.headers["content-type"], picture.content) == ("image/png", png("2@SECRET"))
    for answer in (text, picture):
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({**OFFER, "qr": None}, 204),
        ({**OFFER, "qr": "x" * 5000}, 502),
        (GatewayError("no answer"), 502),
        (UsageError("who?", code="unknown_company"), 404),
    ],
)
async def test_without_a_picture_the_status_says_why(answer: Any, status: int) -> None:
    async with client(FakeControl({"qr": answer})) as web:
        got = await web.get("/api/companies/7/pairing", headers={**BEARER, "Accept": "image/png"})
    assert got.status_code == status
    assert b"xxx" not in got.content


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/api/companies/7/pairing", "/api/companies/7/pairing/"])
async def test_without_a_configured_token_no_login_is_told_even_to_this_machine(path: str) -> None:
    control = FakeControl({"qr": OFFER})
    async with client(control, token=None) as web:
        got = await web.get(path, follow_redirects=True)
    assert (got.status_code, got.json()["code"]) == (403, "secret")
    async with client(control) as web:
        assert (await web.get(path)).status_code == 401
    assert control.calls == []


@pytest.mark.asyncio
@pytest.mark.parametrize("verb", ["approve", "reject"])
async def test_a_question_is_answered_over_http(verb: str) -> None:
    control = FakeControl({verb: {"incident": "i1", "answer": verb}})
    async with client(control) as web:
        plain = await web.post(f"/api/incidents/i1/{verb}", headers=BEARER)
        named = await web.post(f"/api/incidents/i1/{verb}", json={"revision": 4}, headers=BEARER)
        strange = await web.post(f"/api/incidents/i1/{verb}", json={"revison": 4}, headers=BEARER)
    assert [plain.status_code, named.status_code, strange.status_code] == [200, 200, 400]
    assert [given for _, given, _ in control.calls] == [{"incident": "i1"}, {"incident": "i1", "revision": 4}]
