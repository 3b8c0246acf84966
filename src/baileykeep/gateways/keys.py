"""The header that carries a gateway's key, and the key's every form that must not be told."""

from __future__ import annotations

from base64 import b64encode

from baileykeep.gateways.dialect import Auth, Dialect
from baileykeep.model.errors import ConfigError


def auth_header(auth: Auth | None, key: str | None) -> dict[str, str]:
    """What is sent with a call; nothing where the dialect knows no key, or none is configured."""
    if auth is None or not key:
        return {}
    return {auth.header: auth.value.replace("{key}", _written(auth, key))}


def _written(auth: Auth, key: str) -> str:
    return f"Basic {b64encode(key.encode()).decode()}" if auth.scheme == "basic" else key


def forms(key: str) -> tuple[str, ...]:
    """How a key can come back in an answer: whole, its password alone, or as basic authentication wrote it."""
    password = key.partition(":")[2]
    return tuple(filter(None, (key, b64encode(key.encode()).decode(), password if len(password) > 3 else "")))


def unsendable(dialect: Dialect, key: str) -> str:
    """Why a key cannot be sent, never what it is; empty for one that can."""
    if dialect.auth is None:
        return ""
    if not key.isascii() or not key.isprintable():
        return "it holds characters that no header can carry"
    return 'it must be written as "user:password"' if dialect.auth.scheme == "basic" and ":" not in key else ""


def check_key(name: str, dialect: Dialect, key: str | None) -> None:
    """Raise `ConfigError` where a gateway's key cannot be sent, or is missing."""
    auth = dialect.auth
    if auth is not None and auth.required and not auth.per_company and not key:
        raise ConfigError(
            f"gateway {name}: the dialect {dialect.name} needs a key for its header {auth.header}",
            next_step="set `key` or `key_file`",
        )
    problem = unsendable(dialect, key) if key else ""
    if problem:
        raise ConfigError(f"gateway {name}: the key cannot be used: {problem}")
