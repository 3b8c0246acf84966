"""From exceptions to a sentence on stderr and an exit code."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence

from baileykeep.model.errors import BaileykeepError

DEBUG = "--debug"


def run_guarded(words: Sequence[str]) -> int:
    """Run the command line; every failure becomes a message on stderr and one of the exit codes."""
    _take_any_text()
    debug = DEBUG in words or bool(os.environ.get("BAILEYKEEP_DEBUG"))
    try:
        return _run([word for word in words if word != DEBUG])
    except BaileykeepError as error:
        if debug:
            _trace()
        return tell(error)
    except BrokenPipeError:
        # The reader went away (`| head`); what Python still wants to flush must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001  (the outermost frame: whatever it is, people get a sentence)
        return _unexpected(error, debug)


def _take_any_text() -> None:
    """A name that is no text, or a terminal that knows few letters, must not end a command half way."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def tell(error: BaileykeepError) -> int:
    """Write an expected error to stderr; returns its exit code."""
    _line("error", error.cause)
    if error.next_step:
        _line("what to do", error.next_step)
    return error.exit_code


def _run(words: list[str]) -> int:
    from baileykeep.cli.root import app

    result = app(words, prog_name="baileykeep", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception, debug: bool) -> int:
    describe = getattr(error, "format_message", None)
    if callable(describe):  # the parser's own errors: wrong option, missing argument; none when it showed its help
        if not describe():
            return 2
        _line("error", str(describe()))
        context = getattr(error, "ctx", None)
        _line("what to do", f"see `{context.command_path if context else 'baileykeep'} --help`")
        return int(getattr(error, "exit_code", 2))
    if type(error).__name__ == "Abort":
        _line("error", "stopped by you; nothing more was done")
        return 1
    if debug:
        _trace()
        return 1
    _line("error", f"this should not have happened: {type(error).__name__}: {error}")
    _line("what to do", "run it again with --debug and report what it prints")
    return 1


def _trace() -> None:
    """Where it happened: without local variables, and without secrets that an error's own text may hold."""
    _write(traceback.format_exc())


def _line(label: str, text: str) -> None:
    _write(f"{label}: {text}\n")


def _write(text: str) -> None:
    from baileykeep.cli.words import plain
    from baileykeep.telemetry.redaction import redact

    sys.stderr.write("\n".join(plain(one) for one in redact(text).split("\n")))
