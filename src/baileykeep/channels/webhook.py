"""A signed call to the installation's own server for each change that a company's people should hear of.

The calls follow Standard Webhooks: `webhook-id` stays the same when a call is repeated, so that a receiver can drop
repeats. Redirects are not followed, answers are not read, and neither address nor secret is ever part of an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import anyio
import httpx
import structlog

from baileykeep.clock import Clock
from baileykeep.model.codec import decode, encode
from baileykeep.model.errors import ChannelError
from baileykeep.model.records import Notice
from baileykeep.rules.tenants import CHANNEL, Heard, Pace, State, after_telling, worth

log = structlog.get_logger(__name__)

GONE = 410
AT_ONCE = 8
"""Calls under way at the same time, however many companies changed together."""

LARGEST = 20_000
"""Bytes of a body; ours are about one thousand."""

GONE_KEY = "gone"


class Memory(Protocol):
    """Small JSON values that survive a restart. Raises `JournalError`."""

    async def load(self) -> dict[str, Any]:
        """Everything kept, by key."""

    async def save(self, key: str, value: Any) -> None:
        """Keep a value; None forgets the key."""


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Where to call ("" for nowhere), and what signs it; an answer must come within `timeout_s`."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    pace: Pace = field(default_factory=Pace)
    timeout_s: float = 10.0


class WebhookChannel:
    """A `channels.base.Channel` for companies themselves; one address per installation."""

    name = CHANNEL

    def __init__(self, config: WebhookConfig, memory: Memory, clock: Clock):
        self._config = config
        self._memory = memory
        self._clock = clock
        self._http: httpx.AsyncClient | None = None
        self._limit = anyio.CapacityLimiter(AT_ONCE)
        self._kept: dict[str, Any] | None = None
        self._loading = anyio.Lock()

    def apply(self, config: WebhookConfig) -> None:
        """Take another address, secret or pace at once."""
        self._config = config

    def problems(self) -> Sequence[str]:
        """What keeps companies from being told, in words."""
        if not self._gone():
            return ()
        return ("the webhook of [tenants] answered 410 Gone, so companies are told nothing; give it another url",)

    async def deliver(self, notices: Sequence[Notice]) -> None:
        """See `Channel`. Only the newest state counts; what they know already is not told again."""
        kept, notice = await self._load(), notices[-1]
        who, state = notice.subject.id, State(notice.data["type"])
        heard = decode(Heard, kept[f"heard:{who}"]) if f"heard:{who}" in kept else Heard()
        now = self._clock.now()
        if not worth(heard, state, now, self._config.pace):
            return
        await self._call(_ident(notice), {"type": state.value, "data": dict(notice.data["body"])}, notice.at)
        await self._save(f"heard:{who}", encode(after_telling(heard, state, now)))

    async def _call(self, ident: str, message: Mapping[str, Any], at: float) -> None:
        """One signed call. Raises `ChannelError`."""
        if not self._config.url:
            raise ChannelError("no webhook is configured", next_step="give tenants.url", permanent=True)
        if self._gone():
            raise ChannelError("the webhook is gone (410)", next_step="give tenants.url another one", permanent=True)
        stamped = {"type": message["type"], "timestamp": _iso(at), "data": _dated(message["data"])}
        body = json.dumps(stamped, ensure_ascii=False)
        if len(body.encode()) > LARGEST:
            raise ChannelError("the message is larger than a webhook takes", permanent=True)
        async with self._limit:
            await self._answered(await self._post(body, self._headers(ident, body)))

    def _headers(self, ident: str, body: str) -> dict[str, str]:
        from standardwebhooks.webhooks import Webhook

        at = datetime.fromtimestamp(int(self._clock.now()), UTC)
        signature = Webhook(self._config.secret).sign(ident, at, body)
        return {
            "content-type": "application/json", "user-agent": "baileykeep", "webhook-id": ident,
            "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature,
        }  # fmt: skip

    async def _post(self, body: str, headers: Mapping[str, str]) -> httpx.Response:
        """Its head only. The whole of it within the timeout, also from a server that sends a byte now and then."""
        try:
            with anyio.fail_after(self._config.timeout_s):
                async with self._client().stream("POST", self._config.url, content=body, headers=headers) as answer:
                    return answer
        except TimeoutError:
            raise ChannelError(f"the webhook gave no answer in {self._config.timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ChannelError(f"the webhook cannot be reached: {type(error).__name__}") from None

    async def _answered(self, answer: httpx.Response) -> None:
        if answer.is_success:
            return
        if answer.status_code == GONE:
            await self._save(GONE_KEY, self._place())
            log.error("webhook_gone", next_step="give tenants.url another address")
            raise ChannelError("the webhook is gone (410)", next_step="give tenants.url another one", permanent=True)
        what = "sends elsewhere, which is not followed" if answer.is_redirect else f"answered {answer.status_code}"
        raise ChannelError(f"the webhook {what}", retry_after_s=_retry_after(answer))

    def _place(self) -> str:
        return hashlib.sha256(self._config.url.encode()).hexdigest()

    def _gone(self) -> bool:
        return bool(self._kept) and (self._kept or {}).get(GONE_KEY) == self._place()

    async def _load(self) -> dict[str, Any]:
        async with self._loading:
            if self._kept is None:
                self._kept = await self._memory.load()
            return self._kept

    async def _save(self, key: str, value: Any) -> None:
        await self._memory.save(key, value)
        (await self._load())[key] = value

    def _client(self) -> httpx.AsyncClient:
        """Made at the first call: most installations have no webhook."""
        if self._http is None:
            self._http = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=self._config.timeout_s)
        return self._http

    async def aclose(self) -> None:
        """Close connections."""
        if self._http is not None:
            await self._http.aclose()


def _ident(notice: Notice) -> str:
    """The same for each try of a notice, and never that of another one, whatever journal it stands in."""
    body = notice.data["body"]
    return f"{notice.incident}-{body['revision']}-{body['state']}"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _dated(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "since": _iso(body["since"])}


def _retry_after(answer: httpx.Response) -> float | None:
    wish = answer.headers.get("retry-after", "")
    return float(wish) if wish.isascii() and wish.isdigit() and len(wish) < 6 else None
