"""Where the tables are, and what they are called. Nothing here needs a database driver."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AuthTable:
    """One row a company: its creds."""

    name: str = "whatsapp_auth"
    company: str = "company_id"
    creds: str = "creds"
    created_at: str = "created_at"
    updated_at: str = "updated_at"


@dataclass(frozen=True, slots=True)
class KeysTable:
    """One row a key. `expires_at` is None where the table has no such column."""

    name: str = "whatsapp_keys"
    company: str = "company_id"
    type: str = "key_type"
    id: str = "key_id"
    value: str = "value"
    created_at: str = "created_at"
    updated_at: str = "updated_at"
    expires_at: str | None = "expires_at"


@dataclass(frozen=True, slots=True)
class Spec:
    """One gateway's database. `host` beginning with "/" is a unix socket's folder; times are in seconds.

    `sslmode` and `ca_file` are libpq's; `zone` is for time columns that know none.
    """

    host: str
    database: str
    user: str
    port: int = 5432
    password: str | None = field(default=None, repr=False)
    sslmode: str = "verify-full"
    ca_file: str | None = None
    schema: str = "public"
    auth: AuthTable = field(default_factory=AuthTable)
    keys: KeysTable = field(default_factory=KeysTable)
    connect_timeout_s: float = 5.0
    statement_timeout_s: float = 10.0
    zone: str | None = None

    @property
    def place(self) -> str:
        """What people are told: never with a password."""
        return f"database {self.database} on {self.host}"
