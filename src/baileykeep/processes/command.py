"""Running a process manager's own program: fixed arguments, no shell, a deadline, and bounded output."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import anyio
from anyio.abc import ByteReceiveStream, Process

from baileykeep.model.errors import ProcessError

OUTPUT_BYTES = 16 << 20
KEPT_VARIABLES = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
"""Our own environment holds secrets, and a manager hands its environment to what it starts: only these pass."""


@dataclass(frozen=True, slots=True)
class Output:
    """How a program ended and what it wrote."""

    code: int
    stdout: bytes
    stderr: bytes


async def run(argv: Sequence[str], *, timeout_s: float, variables: Mapping[str, str] | None = None) -> Output:
    """Run to the end. Raises `ProcessError` when the program is not there, takes too long or writes without end.

    The program gets a process group of its own, so that nothing of it is left behind.
    """
    env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | dict(variables or {})
    try:
        process = await anyio.open_process(list(argv), stdin=subprocess.DEVNULL, env=env, start_new_session=True)
    except OSError as error:
        raise ProcessError(
            f"{argv[0]} cannot be run: {error.strerror}", next_step="is it installed, and on this service's PATH?"
        ) from error
    try:
        with anyio.fail_after(timeout_s):
            return await _finished(process, argv[0])
    except TimeoutError as error:
        raise ProcessError(f"{argv[0]} {argv[1]} took longer than {timeout_s:g} s") from error
    finally:
        with anyio.CancelScope(shield=True):
            _kill(process)
            await process.aclose()


async def _finished(process: Process, program: str) -> Output:
    out, err = bytearray(), bytearray()
    assert process.stdout is not None  # noqa: S101  # open_process pipes both
    assert process.stderr is not None  # noqa: S101
    async with anyio.create_task_group() as group:
        group.start_soon(_collect, process.stderr, err)
        await _collect(process.stdout, out)
    code = await process.wait()
    if max(len(out), len(err)) > OUTPUT_BYTES:
        raise ProcessError(f"{program} wrote more than {OUTPUT_BYTES >> 20} MiB")
    return Output(code, bytes(out), bytes(err))


async def _collect(stream: ByteReceiveStream, into: bytearray) -> None:
    """Read to the end; beyond the cap nothing is kept, so that a flood costs time and no memory."""
    async for chunk in stream:
        if len(into) <= OUTPUT_BYTES:
            into += chunk


def _kill(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
