"""`offsite keygen`: the one moment in which a private key may lie on this host."""

from __future__ import annotations

import os
from pathlib import Path

from baileykeep.backups.offsite.seal import generated
from baileykeep.cli.output import emit
from baileykeep.model.errors import BackupError, UsageError

WARNING = (
    "Take {path} off this host now, to where you keep what must not be lost, and remove it here.\n"
    "Without it no copy can ever be opened; whoever has it, and a copy, has the logins."
)


def keygen(path: Path, *, as_json: bool) -> int:
    """Write a new identity, never over anything, and print its public key."""
    secret, public = generated()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already", next_step="name a new file: no key is written over") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}") from error
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(f"# public key: {public}\n{secret}\n")
        file.flush()
        os.fsync(descriptor)
    answer = {"public_key": public, "identity": str(path)}
    emit(answer, as_json, lambda _answer: f"{public}\n\n{WARNING.format(path=path)}")
    return 0
