"""Structured logs on stderr: JSON lines for machines, colours on a terminal, and no secrets in either."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from baileykeep.rules.masking import mask_phone
from baileykeep.telemetry.redaction import HIDDEN, is_phone_name, is_secret_name, redact

QUIET = ("httpx", "httpcore", "aiogram", "aiohttp", "watchfiles", "sqlalchemy", "alembic", "uvicorn", "asyncio")
"""Libraries whose everyday talk is noise (and, in httpx's case, holds addresses with tokens): warnings only."""

_PLAIN = frozenset({"timestamp", "level", "logger"})
_LINES = frozenset({"exception", "stack"})
_DEEPEST = 6


def redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor that cleans every value, nested ones and tracebacks too."""
    return {key: value if key in _PLAIN else _clean(str(key), value) for key, value in event.items()}


def escape_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor after which no value can colour, move or forge: only tracebacks have more lines."""
    return {key: _escaped(value, lines=key in _LINES) for key, value in event.items()}


def _escaped(value: Any, *, lines: bool = False) -> Any:
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if not isinstance(value, str) or value.isprintable():
        return value
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in value)


def _clean(name: str, value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if is_secret_name(name):
        return HIDDEN
    if isinstance(value, int | float):
        return mask_phone(str(value)) if is_phone_name(name) and abs(value) >= 10_000_000 else value
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {redact(str(key)): _clean(str(key), item, depth + 1) for key, item in value.items()}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, item, depth + 1) for item in value]
    return redact(value if isinstance(value, str) else str(value))


def configure(level: str = "info", *, json: bool | None = None, stream: TextIO | None = None) -> None:
    """Set up logging of our own events and of every library, once per process.

    `json` None decides by the stream: lines of JSON unless it is a terminal. Raises ValueError on an unknown level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f'log level "{level}" is none of debug, info, warning, error')
    out = stream or sys.stderr
    _route_libraries(out, number, _renderer(json if json is not None else not out.isatty()))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _common() -> list[Any]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def _renderer(json: bool) -> Any:
    if json:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


def _route_libraries(out: TextIO, level: int, renderer: Any) -> None:
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_common(), structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact_event,
                escape_event,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in QUIET:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(level, logging.WARNING))
