"""Reading a gateway's answers: the dialect's expressions applied, everything unexpected named. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from baileykeep.gateways.base import SessionStatus
from baileykeep.gateways.dialect import Dialect
from baileykeep.gateways.keys import forms
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, Problem
from baileykeep.model.webhook import WebhookSetting
from baileykeep.rules.pairing import picture_of

WORD = re.compile(r"[\w .-]{1,40}")
QR_TEXT = re.compile(r"\S*2@\S+")
LONG_NUMBER = re.compile(r"\d{3,}(?=\d{4})")
NOTHING: tuple[Any, ...] = (None, "", False, [], {})
"""Settings that are as good as none."""

LONGEST_SECRET = 2000
"""Characters; no QR could hold more."""

LONG_TOKEN = re.compile(r"[\w+/=-]{20,}")
ROUTER = re.compile(
    rb"Cannot (GET|POST|PUT|PATCH|DELETE) /|Route (GET|POST|PUT|PATCH|DELETE):/|no Route matched with those values"
)
"""What routers of Express, Nest, Fastify and Kong answer to an address that leads nowhere, also as JSON."""

BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


class UnknownSessionError(GatewayError):
    """The endpoint is there, the session is not. `proved`: by the sign that the dialect knows for it."""

    code = Problem.NOT_FOUND.value

    def __init__(self, where: str, *, proved: bool):
        super().__init__(f"{where}: the gateway does not know this session")
        self.proved = proved


class ReportedFailureError(GatewayError):
    """An answer that looks like success tells of a failure."""

    code = Problem.SERVER_ERROR.value


def failure(problem: Problem, cause: str, next_step: str = "", *, permanent: bool = False) -> GatewayError:
    """A `GatewayError` of one kind."""
    return GatewayError(cause, next_step=next_step, code=problem.value, permanent=permanent)


def parse(raw: bytes, where: str) -> Any:
    """The JSON value of an answer; BAD_ANSWER where it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        what = "a web page" if raw.lstrip()[:1] == b"<" else "no JSON"
        raise failure(
            Problem.BAD_ANSWER, f"{where}: the answer is {what}", "check the gateway's URL and its dialect"
        ) from error


def search(expression: ParsedResult | None, data: Any, where: str) -> Any:
    """What an expression finds; None without one. An answer it cannot be applied to is a BAD_ANSWER."""
    if expression is None:
        return None
    try:
        return expression.search(data)
    except (JMESPathError, TypeError, RecursionError) as error:
        raise failure(
            Problem.BAD_ANSWER, f"{where}: the answer has another shape than the dialect expects", "check the dialect"
        ) from error


def said(value: Any) -> str:
    """A gateway's own words, short, and without anything that looks like a phone, a key or a QR."""
    text = value if isinstance(value, str) else ""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    text = QR_TEXT.sub("…", text)
    return LONG_TOKEN.sub("…", LONG_NUMBER.sub("…", text))[:120]


class Reader:
    """Applies one dialect."""

    def __init__(self, dialect: Dialect, *keys: str | None):
        self._dialect = dialect
        self._keys = tuple(form for key in keys if key for form in forms(key))

    def _said(self, value: Any) -> str:
        """A gateway's own words without the keys that we send: some print what they were given."""
        if isinstance(value, str):
            for key in self._keys:
                value = value.replace(key, "…")
        return said(value)

    def refuse_failures(self, data: Any, failed: ParsedResult | None, where: str) -> None:
        """Raise SERVER_ERROR where an answer that looks like success tells of a failure."""
        if search(failed or self._dialect.errors.failed, data, where):
            words = self._said(search(self._dialect.errors.message, data, where))
            raise ReportedFailureError(f"{where}: the gateway reports a failure{words and ': ' + words}")

    def refuse_others(self, data: Any, about: ParsedResult | None, ident: str, where: str) -> None:
        """Raise BAD_ANSWER where an answer is about another session than the one that was asked for."""
        found = search(about, data, where)
        if found is not None and found != ident:
            raise failure(Problem.BAD_ANSWER, f"{where}: the answer is about another session", "check what is between")

    def refuse_status(self, code: int, raw: bytes, where: str) -> None:
        """Raise what an HTTP status other than success means."""
        if 200 <= code < 300:
            return
        if code in (401, 403):
            raise failure(
                Problem.UNAUTHORIZED, f"{where}: {code}, the gateway refuses the key", "check the gateway's key"
            )
        if self._is_unknown(code, raw):
            raise UnknownSessionError(where, proved=self._dialect.errors.unknown is not None)
        if code == 404:
            raise failure(
                Problem.NOT_FOUND, f"{where}: 404, nothing is there", "check the gateway's URL and its dialect"
            )
        words = self.words(raw)
        problem = Problem.SERVER_ERROR if code >= 500 else Problem.BAD_ANSWER
        raise failure(problem, f"{where}: {code}{words and ': ' + words}")

    def _is_unknown(self, code: int, raw: bytes) -> bool:
        """Whether a refusal means that the session is not known; a router's never does."""
        sign = self._dialect.errors.unknown
        if ROUTER.search(raw):
            return False
        if sign is None:
            return code == 404 and raw.lstrip()[:1] == b"{"
        try:
            return search(sign, json.loads(raw), "") is True
        except (ValueError, RecursionError, GatewayError):
            return False

    def words(self, raw: bytes) -> str:
        """What the gateway says about a refusal, where it says it the dialect's way."""
        try:
            return self._said(search(self._dialect.errors.message, json.loads(raw), ""))
        except (ValueError, RecursionError, GatewayError):
            return ""

    def status(self, data: Any, where: str) -> SessionStatus:
        """One session from the answer of the status call."""
        call = self._dialect.status
        assert call is not None  # noqa: S101  # callers asked for the capability
        state = self._state(search(call.state, data, where))
        if state is ConnState.UNKNOWN:
            raise self._unknown_word(search(call.state, data, where), where)
        return SessionStatus(
            state=state,
            paired=truth(search(call.paired, data, where)),
            code=number(search(call.code, data, where)),
            has_qr=bool(truth(search(call.has_qr, data, where))) or state is ConnState.WAITING_QR,
        )

    def bulk(self, data: Any, template: str, where: str) -> dict[str, SessionStatus]:
        """All sessions by company. A session with a word we do not know is UNKNOWN and does not spoil the others."""
        assert self._dialect.bulk is not None  # noqa: S101  # callers asked for the capability
        items = search(self._dialect.bulk.items, data, where)
        if not isinstance(items, list):
            raise failure(Problem.BAD_ANSWER, f"{where}: the answer holds no list of sessions", "check the dialect")
        found = {}
        for item in items:
            company = company_of(item.get("id"), template) if isinstance(item, Mapping) else None
            if company is not None:
                found[company] = self._bulk_item(item)
        if items and not found:
            raise failure(Problem.BAD_ANSWER, f"{where}: no session in the list has an id", "check the dialect")
        return found

    def webhook(self, found: Any, where: str) -> tuple[WebhookSetting, ...]:
        """What the dialect finds of a session's webhook settings; nothing is told of their contents but hosts."""
        if found is None:
            return ()
        if not isinstance(found, Mapping):
            raise failure(Problem.BAD_ANSWER, f"{where}: the answer holds no webhook settings", "check the dialect")
        return tuple(_setting(str(name), found[name]) for name in sorted(found) if found[name] not in NOTHING)

    def _bulk_item(self, item: Mapping[str, Any]) -> SessionStatus:
        state = self._state(item.get("state"))
        return SessionStatus(
            state=state,
            paired=truth(item.get("paired")),
            code=number(item.get("code")),
            has_qr=bool(truth(item.get("has_qr"))) or state is ConnState.WAITING_QR,
        )

    def state_of(self, word: Any) -> ConnState:
        """A gateway's word for a state; UNKNOWN for one that the dialect does not know."""
        return self._state(word)

    def _state(self, word: Any) -> ConnState:
        return self._dialect.states.get(spelled(word), ConnState.UNKNOWN)

    def _unknown_word(self, word: Any, where: str) -> GatewayError:
        text = spelled(word)
        known = WORD.fullmatch(text) and self._said(str(word)).lower() == text
        shown = f"the state {text!r}, which" if known else "a state that"
        return failure(
            Problem.BAD_ANSWER,
            f"{where}: the gateway tells {shown} the dialect {self._dialect.name} does not know",
            "add the word under [states] of the dialect",
        )


def spelled(word: Any) -> str:
    """A state word as dialects write it: lower case, booleans and null spelled out, anything else empty."""
    if isinstance(word, bool) or word is None:
        return "null" if word is None else str(word).lower()
    return str(word).strip().lower() if isinstance(word, str | int) else ""


def _setting(name: str, value: Any) -> WebhookSetting:
    """Lists are compared whatever their order."""
    plain = sorted(value) if isinstance(value, list) and all(isinstance(v, str) for v in value) else value
    written = json.dumps(plain, sort_keys=True, default=str)
    return WebhookSetting(said(name), _hosts(value), sha256(written.encode()).hexdigest())


def _hosts(value: Any) -> tuple[str, ...]:
    texts = [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str) and "://" in v]
    return tuple(sorted({host for host in map(_host, texts) if WORD.fullmatch(host)}))


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def truth(value: Any) -> bool | None:
    """A yes or no however it is spelled; None where there is nothing to read."""
    if isinstance(value, str):
        return BOOLEANS.get(value.strip().lower(), True)
    return None if value is None else bool(value)


def number(value: Any) -> int | None:
    """A status code, as a number or as digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value):
        return int(value)
    return value if isinstance(value, int) and 0 <= value < 1_000_000 else None


def company_of(ident: Any, template: str) -> str | None:
    """The company behind a gateway's id; None for an id that is not made from the template."""
    if isinstance(ident, bool) or not isinstance(ident, str | int):
        return None
    before, _, after = template.partition("{company}")
    text = str(ident)
    if len(text) <= len(before) + len(after) or not text.startswith(before) or not text.endswith(after):
        return None
    return text[len(before) : len(text) - len(after)]


def secret_text(value: Any, where: str) -> str | None:
    """A pairing code, or a QR's text; None while there is none."""
    if value in (None, "", False):
        return None
    short = isinstance(value, str) and len(value) <= LONGEST_SECRET and value.isprintable()
    if not short or value.startswith("data:"):
        raise failure(
            Problem.BAD_ANSWER, f"{where}: the gateway sends something else than a text", "check the dialect's `answer`"
        )
    return str(value)


def qr_text(value: Any, where: str) -> str | None:
    """A QR's text, or its picture as a data address; None while there is none."""
    if isinstance(value, str) and picture_of(value) is not None:
        return value
    return secret_text(value, where)
