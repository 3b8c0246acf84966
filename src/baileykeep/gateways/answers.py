"""Reading a gateway's answers: the dialect's expressions applied, everything unexpected named. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from baileykeep.gateways.base import SessionStatus
from baileykeep.gateways.dialect import Dialect
from baileykeep.model.errors import GatewayError
from baileykeep.model.facts import ConnState, Problem

WORD = re.compile(r"[\w .-]{1,40}")
QR_TEXT = re.compile(r"\S*2@\S+")
LONG_NUMBER = re.compile(r"\d{3,}(?=\d{4})")
LONGEST_SECRET = 2000
"""Characters; no QR could hold more."""

LONG_TOKEN = re.compile(r"[\w+/=-]{20,}")
BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


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

    def __init__(self, dialect: Dialect, key: str | None = None):
        self._dialect = dialect
        self._key = key

    def _said(self, value: Any) -> str:
        """A gateway's own words without the key that we sent: some print what they were given."""
        return said(value.replace(self._key, "…") if self._key and isinstance(value, str) else value)

    def refuse_failures(self, data: Any, failed: ParsedResult | None, where: str) -> None:
        """Raise SERVER_ERROR where an answer that looks like success tells of a failure."""
        if search(failed or self._dialect.errors.failed, data, where):
            words = self._said(search(self._dialect.errors.message, data, where))
            raise failure(Problem.SERVER_ERROR, f"{where}: the gateway reports a failure{words and ': ' + words}")

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
    """A QR's text or a pairing code; None while there is none. A picture cannot be passed on as text."""
    if value in (None, "", False):
        return None
    short = isinstance(value, str) and len(value) <= LONGEST_SECRET and value.isprintable()
    if not short or value.startswith("data:"):
        raise failure(
            Problem.BAD_ANSWER, f"{where}: the gateway sends something else than a text", "check the dialect's `answer`"
        )
    return str(value)
