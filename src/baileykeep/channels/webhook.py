"""Messages to companies as signed webhooks (Standard Webhooks): whoever receives one can prove that it is ours.

A message that is repeated keeps its `webhook-id`; its timestamp is that of the attempt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
import httpx

from baileykeep.channels.tenant_message import payload
from baileykeep.clock import Clock
from baileykeep.model.errors import ChannelError
from baileykeep.model.records import Notice

TIMEOUT_S = 15.0
"""Until the receiver's first words; what it says after its status is not read."""

AT_ONCE = 8
"""Messages that are under way at the same time, when a whole gateway is down."""

GONE = 410


@dataclass(frozen=True, slots=True)
class Hook:
    """Where one company's messages go. `secret` is `whsec_` and base64; neither shows."""

    url: str = field(repr=False)
    secret: str = field(repr=False)


class WebhookChannel:
    """Implements `channels.base.Channel`; an address is a company's id. `hooks` may be replaced while it runs."""

    name = "webhook"

    def __init__(self, hooks: Callable[[str], Hook | None], clock: Clock, timeout_s: float = TIMEOUT_S):
        self.hooks = hooks
        self._clock = clock
        self._timeout_s = timeout_s
        self._at_once = anyio.CapacityLimiter(AT_ONCE)
        self._client: httpx.AsyncClient | None = None

    async def deliver(self, notices: Sequence[Notice]) -> None:
        """Only the newest: a state that is over is no news."""
        newest = notices[-1]
        hook = self.hooks(str(newest.data["to"]))
        if hook is None:
            raise ChannelError(f"company {newest.subject.id} has no webhook any more", permanent=True)
        async with self._at_once:
            await self._post(hook, newest)

    async def _post(self, hook: Hook, notice: Notice) -> None:
        body = json.dumps(payload(notice), ensure_ascii=False)
        headers = self._headers(hook, notice, body)
        try:
            with anyio.fail_after(self._timeout_s):
                async with self._opened().stream("POST", hook.url, content=body.encode(), headers=headers) as answer:
                    _check(answer, notice.subject.id)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            # Not the error's own text: an address may hold a secret.
            raise ChannelError(f"the webhook of company {notice.subject.id}: {type(error).__name__}") from None

    def _headers(self, hook: Hook, notice: Notice, body: str) -> dict[str, str]:
        from standardwebhooks import Webhook

        ident, at = f"msg_{notice.data['id']}", datetime.fromtimestamp(int(self._clock.now()), UTC)
        return {
            "Content-Type": "application/json",
            "User-Agent": "baileykeep",
            "webhook-id": ident,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(hook.secret).sign(ident, at, body),
        }

    def _opened(self) -> httpx.AsyncClient:
        """Made at the first message: reading all certificates takes longer than most starts."""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout_s, follow_redirects=False, trust_env=False)
        return self._client

    async def aclose(self) -> None:
        """Close connections."""
        if self._client is not None:
            await self._client.aclose()


def _check(answer: httpx.Response, company: str) -> None:
    """410 is the receiver's word that it wants no more; anything else may be put right."""
    if answer.is_success:
        return
    where, code = f"the webhook of company {company}", answer.status_code
    if code == GONE:
        raise ChannelError(f"{where} is gone (410)", next_step="remove tenant.webhook", permanent=True)
    if answer.is_redirect:
        raise ChannelError(
            f"{where} leads elsewhere ({code}), which is not followed", next_step="write the final address"
        )
    raise ChannelError(f"{where} answered {code}", retry_after_s=_wish(answer))


def _wish(answer: httpx.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
