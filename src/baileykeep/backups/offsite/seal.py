"""Sealing with age: for public keys that lie here, to be opened with an identity that does not.

X25519 keys (`age1…`) and SSH keys (`ssh-ed25519 …`, `ssh-rsa …`). No message repeats a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from baileykeep.fsys import read_plain
from baileykeep.model.errors import OffsiteError, UsageError

Identity = Any
Recipient = Any
"""Keys as the library has them, which tells nothing of its types."""

LARGEST_KEY = 65_536
_SECRET = re.compile(r"AGE-SECRET-KEY-|AGE-PLUGIN-|PRIVATE KEY", re.IGNORECASE)


def recipient(text: str) -> Recipient:
    """A public key. Raises `ValueError` that says what is wrong and never what was given."""
    from pyrage import RecipientError, ssh, x25519

    if _SECRET.search(text):
        raise ValueError(
            "holds a private key, which must not lie on this host: put the public one here, and take that one away"
        )
    try:
        return ssh.Recipient.from_str(text) if text.startswith("ssh-") else x25519.Recipient.from_str(text)
    except RecipientError:
        raise ValueError('must hold public keys such as "age1…" or "ssh-ed25519 …"') from None


def seal(data: bytes, recipients: Sequence[str]) -> bytes:
    """Sealed for each of these public keys; any one of their identities opens it."""
    import pyrage

    try:
        return bytes(pyrage.encrypt(data, [recipient(text) for text in recipients]))
    except (ValueError, pyrage.EncryptError) as error:
        raise OffsiteError(
            "there is no public key to seal copies with", next_step="add offsite.recipients", permanent=True
        ) from error


def unseal(sealed: bytes, identities: Sequence[Identity]) -> bytes:
    """What is inside, which age has proved whole. Raises `OffsiteError`."""
    import pyrage

    try:
        return bytes(pyrage.decrypt(sealed, identities))
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            raise OffsiteError(
                "this copy was sealed for another key than this identity's",
                next_step="name the identity of a public key that was in offsite.recipients when it was sent",
                code="wrong_identity",
                permanent=True,
            ) from None
        raise OffsiteError(
            "this copy is damaged, cut off or tampered with",
            next_step="use another one",
            code="damaged",
            permanent=True,
        ) from None


def identities(path: Path) -> list[Identity]:
    """The private keys of a file: lines of `AGE-SECRET-KEY-1…`, or an SSH private key without a passphrase."""
    try:
        text = read_plain(path, LARGEST_KEY)[0].decode()
    except OSError as error:
        raise UsageError(f"the identity {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no identity: it is not text") from None
    found = _ssh(text, path) if "PRIVATE KEY-----" in text else list(_x25519(text.splitlines(), path))
    if not found:
        raise UsageError(f"there is no identity in {path}", next_step="`baileykeep offsite keygen` writes one")
    return found


def _x25519(lines: Iterable[str], path: Path) -> Iterable[Identity]:
    from pyrage import IdentityError, x25519

    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            yield x25519.Identity.from_str(line.strip())
        except IdentityError:
            raise UsageError(
                f"{path}:{number} is no identity",
                next_step='it begins with "AGE-SECRET-KEY-1"; a public key opens nothing',
            ) from None


def _ssh(text: str, path: Path) -> list[Identity]:
    from pyrage import IdentityError, ssh

    try:
        return [ssh.Identity.from_buffer(text.encode())]
    except IdentityError:
        raise UsageError(
            f"the SSH key {path} cannot be used", next_step="it must be ed25519 or RSA, and have no passphrase"
        ) from None


def generated() -> tuple[str, str]:
    """A new identity and its public key."""
    from pyrage import x25519

    identity = x25519.Identity.generate()
    return str(identity), str(identity.to_public())
