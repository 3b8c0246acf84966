import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import structlog

from baileykeep.telemetry import configure

BOT = "7123456789:AAF-canaryCANARYcanary_0123456789abcd"
PHONE = "4915112345678"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def fail(error: Exception, cause: Exception | None = None) -> NoReturn:
    raise error from cause


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_one_json_object_a_line(out: io.StringIO) -> None:
    configure(stream=out)
    structlog.get_logger("baileykeep.x").info("config.applied", companies=["1"], seconds=0.5)
    (line,) = lines(out)
    assert line["timestamp"].endswith("Z")
    assert {key: line[key] for key in ("event", "level", "logger", "companies", "seconds")} == {
        "event": "config.applied",
        "level": "info",
        "logger": "baileykeep.x",
        "companies": ["1"],
        "seconds": 0.5,
    }


def test_level_is_kept(out: io.StringIO) -> None:
    configure("warning", stream=out)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(out)] == ["loud"]
    with pytest.raises(ValueError, match="none of debug"):
        configure("chatty", stream=out)


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_pass_nowhere(out: io.StringIO, as_json: bool) -> None:
    configure("debug", json=as_json, stream=out)
    log = structlog.get_logger().bind(bound=f"token={BOT}")
    log.info(f"calling {PHONE}", url=f"https://x/bot{BOT}/send", nested={"a": [{"jid": f"{PHONE}@s.whatsapp.net"}]})
    log.info("odd", token="short", phone=int(PHONE), creds=object(), qr="x", thing=ValueError(BOT))
    log.info("formatted %s", BOT)
    try:
        fail(RuntimeError(f"cannot reach https://x/bot{BOT}/send"), ValueError(PHONE))
    except RuntimeError:
        log.exception("failed")
    text = out.getvalue()
    assert "canary" not in text
    assert PHONE not in text
    assert '"short"' not in text
    assert "RuntimeError" in text


def test_libraries_are_quiet_and_redacted(out: io.StringIO) -> None:
    configure("info", stream=out)
    logging.getLogger("httpx").info("HTTP Request: POST https://x/bot%s/send", BOT)
    logging.getLogger("aiogram.dispatcher").info("polling")
    logging.getLogger("sqlalchemy.engine").info("select")
    logging.getLogger("httpx").warning("retrying https://x/bot%s/send", BOT)
    logging.getLogger("other").info("for %s", PHONE)
    assert [line["event"] for line in lines(out)] == ["retrying https://x/bot[hidden]/send", "for ***5678"]


def test_traceback_of_a_library_is_redacted(out: io.StringIO) -> None:
    configure(stream=out)
    try:
        fail(OSError(f"bot{BOT}"))
    except OSError:
        logging.getLogger("aiogram").exception("failed")
    assert "canary" not in out.getvalue()
    assert "OSError" in out.getvalue()


def test_warnings_go_the_same_way(out: io.StringIO) -> None:
    configure(stream=out)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(f"old {PHONE}", stacklevel=1)
        logging.captureWarnings(False)
    assert PHONE not in out.getvalue()
    assert "***5678" in out.getvalue()


def test_configuring_twice_does_not_double(out: io.StringIO) -> None:
    configure(stream=out)
    configure(stream=out)
    structlog.get_logger().info("once")
    assert len(lines(out)) == 1
