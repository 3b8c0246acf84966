"""How one kind of gateway speaks: endpoints, words and limits read from a TOML file, no code.

A dialect file lies in `dialects/` here or in a folder of the installation (`config/dialects/`). A user's file may
start from another one with `base = "name"` and change single keys; `key = false` removes an inherited table or key.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import jmespath
import jmespath.exceptions
from jmespath.parser import ParsedResult
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from baileykeep.fsys import read_plain
from baileykeep.gateways.base import Capabilities
from baileykeep.model.errors import ConfigError, UsageError
from baileykeep.model.facts import ConnState

LARGEST = 1_000_000
"""Bytes that are read of a dialect's file."""

BUILT_IN = Path(__file__).parent / "dialects"
CAPABILITIES = tuple(f.name for f in fields(Capabilities))
FILES = "files"
"""Under `cannot`: where a gateway keeps its logins, if not in files that can be watched."""
FLAGS = frozenset({"repeat", "required", "per_company"})
"""Keys whose `false` is a word of their own; any other `false` takes what was inherited away."""

PLACEHOLDER = re.compile(r"\{(\w*)\}")


def _compiled(value: Any) -> ParsedResult:
    if not isinstance(value, str):
        raise ValueError("must be a JMESPath expression in quotes")  # noqa: TRY004  # pydantic collects ValueError
    try:
        return jmespath.compile(value)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"is not a JMESPath expression: {str(error).splitlines()[0]}") from error


def _only(*allowed: str) -> AfterValidator:
    """Refuse placeholders that nobody would fill in."""

    def check(value: Any) -> Any:
        for text in _texts(value):
            for name in PLACEHOLDER.findall(text):
                if name not in allowed:
                    choice = ", ".join(f"{{{a}}}" for a in allowed)
                    raise ValueError(f"knows no placeholder {{{name}}}; use {choice}")
        return value

    return AfterValidator(check)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _absolute(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("must start with /")
    return value


def _one_company(value: str) -> str:
    if PLACEHOLDER.findall(value) != ["company"]:
        raise ValueError("must hold {company} exactly once")
    return value


def _lower(value: Any) -> Any:
    return {str(k).lower(): v for k, v in value.items()} if isinstance(value, Mapping) else value


def _written_out(value: Any) -> Any:
    """UNKNOWN is what we say when there is no answer; a gateway's word never means it."""
    if value == ConnState.UNKNOWN:
        raise ValueError("cannot be mapped to unknown; leave the word out, and it counts as a bad answer")
    return value


Expression = Annotated[ParsedResult, BeforeValidator(_compiled)]
IdTemplate = Annotated[str, AfterValidator(_one_company)]
State = Annotated[ConnState, AfterValidator(_written_out)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Auth(_Part):
    """The header that carries the key; not sent while no key is configured, unless `required`.

    With the scheme `basic` the key is "user:password", and `{key}` stands for it as HTTP's basic authentication
    writes it. `per_company`: each session has a key of its own, which stands in its company's file.
    """

    header: str = Field(pattern=r"^[A-Za-z0-9-]+$")
    value: Annotated[str, _only("key")] = "{key}"
    scheme: Literal["plain", "basic"] = "plain"
    required: bool = True
    per_company: bool = False


class Errors(_Part):
    """How the gateway tells of a failure in an answer that looks like success.

    `unknown` finds the sign, in a refusal, that the gateway runs no session of this name: only that proves a stop.
    """

    failed: Expression | None = None
    message: Expression | None = None
    unknown: Expression | None = None


class Call(_Part):
    """One endpoint. `repeat` says whether sending it twice does no harm; where it is not given, a GET does none.

    `about` finds the session that an answer is about: one about another session is no answer. `carry` are fields of
    the body that are read from the gateway's webhook settings just before, for calls that would replace them.
    `otherwise` is called where the gateway reports a failure of this one in an answer that looks like success.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: Annotated[str, AfterValidator(_absolute), _only("company", "id", "phone")]
    body: Annotated[dict[str, Any] | None, _only("company", "id", "phone")] = None
    headers: Annotated[dict[str, str], _only("company", "id")] = {}
    repeat: bool | None = None
    timeout_s: float | None = Field(default=None, gt=0, le=120)
    failed: Expression | None = None
    about: Expression | None = None
    carry: dict[str, Expression] = {}
    otherwise: Call | None = None

    @property
    def repeatable(self) -> bool:
        """Whether an attempt that got no answer may be made again."""
        return self.method == "GET" if self.repeat is None else self.repeat


class Ask(Call):
    """A call whose answer holds one secret text. `hold_s`: within so long the last answer is handed out again.

    `first` is called just before, where a session must be opened to be asked.
    """

    first: Call | None = None
    answer: Expression
    hold_s: float = Field(default=0, ge=0, le=60)


class Start(Call):
    """A start; `qr` finds the QR's text where the answer already holds it."""

    qr: Expression | None = None


class Status(Call):
    """The state of one session. Expressions that are not given yield "the gateway does not tell"."""

    state: Expression
    paired: Expression | None = None
    code: Expression | None = None
    has_qr: Expression | None = None


class Bulk(Call):
    """All sessions at once: `items` yields objects with `id` and `state`, optionally `paired`, `code`, `has_qr`."""

    items: Expression
    id: IdTemplate | None = None


class Webhook(_Part):
    """What a gateway sends by itself, one event a request: expressions over its body.

    `state` finds nothing in what is no news; `life` says that a session must be open, `order` is a number that never
    falls, and `at` the time of the event. Without `company` the address tells whom it is about.
    """

    token: Expression
    state: Expression
    company: Expression | None = None
    paired: Expression | None = None
    code: Expression | None = None
    qr: Expression | None = None
    life: Expression | None = None
    order: Expression | None = None
    at: Expression | None = None


class WebhookCall(Call):
    """Reads where a session's events go: `settings` yields an object, or null where none are set. Changes nothing."""

    method: Literal["GET"] = "GET"
    settings: Expression


class Calls(_Part):
    """What can be asked of one session, by capability; `webhook` is looked at before and after a repair."""

    reconnect: Call | None = None
    stop: Call | None = None
    start: Start | None = None
    reset: Call | None = None
    force_relink: Start | None = None
    qr: Ask | None = None
    pairing_code: Ask | None = None
    clear_cache: Call | None = None
    webhook: WebhookCall | None = None


class Dialect(_Part):
    """One dialect, checked. `origin` is the file it came from."""

    name: str
    origin: str
    summary: str = ""
    id: IdTemplate = "{company}"
    auth: Auth | None = None
    states: Annotated[dict[str, State], BeforeValidator(_lower)]
    errors: Errors = Errors()
    status: Status | None = None
    webhook: Webhook | None = None
    alive: Call | None = None
    bulk: Bulk | None = None
    calls: Calls = Calls()
    cannot: dict[str, str] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.status is None and self.webhook is None:
            raise ValueError("has neither status nor webhook: nothing would tell a session's state")
        if self.status is not None and self.webhook is not None:
            raise ValueError("has status and webhook: what can be asked is not to be told; remove one of the two")
        for name in self.cannot:
            if name == FILES:
                continue
            if name not in CAPABILITIES:
                raise ValueError(f"cannot.{name} is no capability; there are {', '.join((*CAPABILITIES, FILES))}")
            if self.call(name) is not None or (name == "qr" and self._tells_qr):
                raise ValueError(f"cannot.{name} contradicts the call of that name; remove one of the two")
        for name in Calls.model_fields:
            call = getattr(self.calls, name)
            if call is not None and call.carry and self.calls.webhook is None:
                raise ValueError(f"calls.{name}.carry reads the webhook settings; add calls.webhook")
        return self

    def call(self, capability: str) -> Call | None:
        """The endpoint behind a capability, None where there is none."""
        call: Call | None
        if capability in ("status", "bulk_status"):
            call = self.status if capability == "status" else self.bulk
        else:
            call = getattr(self.calls, capability)
        return call

    @property
    def capabilities(self) -> Capabilities:
        """What this dialect has endpoints for."""
        can = {name: self.call(name) is not None for name in CAPABILITIES}
        return Capabilities(**{**can, "qr": can["qr"] or self._tells_qr})

    @property
    def _tells_qr(self) -> bool:
        return self.webhook is not None and self.webhook.qr is not None

    def why_not(self, capability: str) -> str:
        """In words, why something cannot be done with this gateway."""
        return self.cannot.get(capability) or f"the dialect {self.name} has no endpoint for {capability}"


def dialect_names(extra_dirs: Sequence[Path] = ()) -> list[str]:
    """All dialects that can be loaded."""
    return sorted({path.stem for folder in (*extra_dirs, BUILT_IN) for path in folder.glob("*.toml")})


def load_dialect(name: str, extra_dirs: Sequence[Path] = ()) -> Dialect:
    """Read a dialect; a file in `extra_dirs` wins over a built-in of the same name, and may use it as its base.

    Raises `UsageError` for a name that is not there and `ConfigError` naming file, key, reason and remedy.
    """
    path = _find(name, extra_dirs, ())
    data = _read(path, extra_dirs, ())
    try:
        return Dialect(**{**data, "name": name, "origin": str(path)})
    except ValidationError as error:
        raise _explained(path, error) from error


def describe(dialect: Dialect) -> tuple[str, ...]:
    """Lines for people: where it came from, what it can do through which endpoint, and what it cannot and why."""
    lines = [f"{dialect.name}: {dialect.summary}".rstrip(": "), f"from {dialect.origin}"]
    lines += [f"key in header {dialect.auth.header}"] if dialect.auth else ["no key"]
    for name in CAPABILITIES:
        call = dialect.call(name)
        how = f"{call.method} {call.path}" if call else "by webhook" if getattr(dialect.capabilities, name) else ""
        lines.append(f"can {name}: {how}" if how else f"cannot {name}: {dialect.why_not(name)}")
    webhook = dialect.calls.webhook
    return (*lines, f"looks at its webhook settings: GET {webhook.path}") if webhook else tuple(lines)


def _find(name: str, extra_dirs: Sequence[Path], seen: tuple[Path, ...]) -> Path:
    for folder in (*extra_dirs, BUILT_IN):
        path = folder / f"{name}.toml"
        if path not in seen and re.fullmatch(r"[\w.-]+", name) and path.is_file():
            return path
    known = dialect_names(extra_dirs)
    hint = difflib.get_close_matches(name, known, 1)
    choice = f"did you mean {hint[0]}?" if hint else f"there are {', '.join(known)}"
    where = f"{seen[-1]}: key base: " if seen else ""
    raise UsageError(f"{where}there is no gateway dialect {name!r}", next_step=choice)


def _read(path: Path, extra_dirs: Sequence[Path], seen: tuple[Path, ...]) -> dict[str, Any]:
    """The tables of a file on top of those of its base. A base never comes back to a file that already counted."""
    try:
        data = tomllib.loads(read_plain(path, LARGEST)[0].decode("utf-8"))
    except RecursionError as error:
        raise ConfigError(f"{path}: cannot be read: it is nested too deeply", next_step="correct the file") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}", next_step="correct the file") from error
    base = data.pop("base", None)
    for key in ("name", "origin"):
        if key in data:
            raise ConfigError(f"{path}: key {key}: is not written, the file's name is the dialect's name")
    if base is None:
        return data
    if not isinstance(base, str):
        raise ConfigError(f"{path}: key base: must be the name of another dialect in quotes")
    below = _find(base, extra_dirs, (*seen, path))
    return _merged(_read(below, extra_dirs, (*seen, path)), data)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables merge key by key, except a `body`, which is replaced; `false` takes a table or an expression away."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        if value is False and key not in FLAGS:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(old, dict) and key != "body":
            result[key] = _merged(old, value)
        else:
            result[key] = value
    return result


def _explained(path: Path, error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return ConfigError(f"{path}: key {key}: is not known", next_step=_suggestion(str(first["loc"][-1])))
    if first["type"] == "missing":
        return ConfigError(f"{path}: key {key}: is missing", next_step="add it, or start from a base that has it")
    reason = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"{path}: key {key}: {reason}" if key else f"{path}: {reason}", next_step="correct the key")


def _suggestion(word: str) -> str:
    parts = (Dialect, Auth, Errors, Ask, Start, Status, Bulk, Webhook, WebhookCall, Calls)
    known = {name for part in parts for name in part.model_fields}
    close = difflib.get_close_matches(word, sorted(known), 1)
    return f"did you mean {close[0]}?" if close else "remove it"
