"""Logins that a gateway keeps in a database: the table of it, and what it means for whoever connects."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from baileykeep.config.fields import (
    SLOT,
    CompanyTemplate,
    FilePath,
    Flag,
    Kind,
    Seconds,
    Secret,
    Table,
    Text,
    Whole,
    Zone,
)
from baileykeep.stores.postgres.spec import AuthTable, KeysTable, Spec


def _identifier(name: str) -> str:
    """A name as PostgreSQL keeps it; it is quoted wherever it is used."""
    if not name or len(name.encode()) > 63 or "%" in name or not name.isprintable():
        raise ValueError("must be the plain name of a table or column, at most 63 bytes")
    return name


def _maybe(name: str) -> str:
    return _identifier(name) if name else name


Identifier = Annotated[str, AfterValidator(_identifier), Kind("name")]


class ColumnsTable(Table):
    """What the columns are called, where they are not called so."""

    company: Identifier = Field(default="company_id", description="the company's id, in both tables")
    creds: Identifier = Field(default="creds", description="the creds, jsonb")
    type: Identifier = Field(default="key_type", description="the type of a key, as Baileys calls it")
    id: Identifier = Field(default="key_id", description="the id of a key")
    value: Identifier = Field(default="value", description="the value of a key, jsonb")
    created_at: Identifier = Field(default="created_at", description="when a row was made, in both tables")
    updated_at: Identifier = Field(
        default="updated_at", description="when it was last written: the gateway must keep it, for ages come from it"
    )
    expires_at: Annotated[str, AfterValidator(_maybe), Kind("name")] = Field(
        default="expires_at", description='when a key expires; "" where there is no such column'
    )


class PostgresTable(Table):
    """The database that holds a gateway's logins; for auth_store = "postgres"."""

    host: Text = Field(default="/var/run/postgresql", description="its host, or the folder of its unix socket")
    port: Annotated[Whole, Field(ge=1, le=65_535)] = Field(default=5432, description="its port")
    database: Text = Field(description="name of the database")
    user: Text = Field(description="role to connect as; docs/postgres.md lists the rights it needs")
    password: Secret | None = Field(default=None, description="its password; better from password_file or password_env")
    password_file: FilePath | None = Field(default=None, description="file that holds its password")
    password_env: Text | None = Field(default=None, description="environment variable that holds its password")
    tls: Flag = Field(default=True, description="false: allow logins to cross the network in the clear")
    tls_verify: Flag = Field(default=True, description="false: encrypt, but believe any server")
    ca_file: FilePath | None = Field(default=None, description="certificates to trust instead of the system's")
    connect_timeout: Annotated[Seconds, Field(ge=1)] = Field(default=5.0, description="a connection must stand by then")
    statement_timeout: Annotated[Seconds, Field(ge=0.1)] = Field(
        default=10.0, description="the server ends a statement that takes longer"
    )
    company_template: CompanyTemplate = Field(
        default="company_{company}", description="how the tables write a company's id"
    )
    schema_name: Identifier = Field(default="public", alias="schema", description="schema of both tables")
    auth_table: Identifier = Field(default="whatsapp_auth", description="table of the creds")
    keys_table: Identifier = Field(default="whatsapp_keys", description="table of the keys")
    timezone: Zone | None = Field(
        default=None, description="zone of its time columns, where these are timestamp without time zone"
    )
    columns: ColumnsTable = Field(default_factory=ColumnsTable, description="what the columns are called")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.auth_table == self.keys_table:
            raise ValueError("has one name for auth_table and keys_table: they are two tables")
        if not self.tls and self.ca_file:
            raise ValueError("has tls = false and ca_file: remove one of them")
        if not self.host or "," in self.host or any(char.isspace() for char in self.host):
            raise ValueError("has a host that is not one host")
        return self

    @property
    def local(self) -> bool:
        """Whether nothing leaves this machine on the way there."""
        if self.host.startswith(("/", "@")) or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def sslmode(self) -> str:
        """In libpq's words. Never one that falls back to clear text over a network."""
        if not self.tls:
            return "disable"
        if self.local and self.ca_file is None:
            return "prefer"
        return "verify-full" if self.tls_verify else "require"

    def row_of(self, company: str) -> str:
        """A company's id in the tables."""
        return self.company_template.replace(SLOT, company)

    def company_of(self, row: str) -> str | None:
        """The company of an id in the tables; None for one that does not fit the template."""
        prefix, suffix = self.company_template.split(SLOT)
        fits = row.startswith(prefix) and row.endswith(suffix) and len(row) > len(prefix) + len(suffix)
        return row[len(prefix) : len(row) - len(suffix)] if fits else None

    def spec(self) -> Spec:
        """What whoever connects needs."""
        words = self.columns
        return Spec(
            host=self.host,
            port=self.port,
            database=self.database,
            user=self.user,
            password=self.password.get_secret_value() if self.password is not None else None,
            sslmode=self.sslmode,
            ca_file=str(self.ca_file) if self.ca_file is not None else None,
            schema=self.schema_name,
            auth=AuthTable(self.auth_table, words.company, words.creds, words.created_at, words.updated_at),
            keys=KeysTable(
                self.keys_table, words.company, words.type, words.id, words.value,
                words.created_at, words.updated_at, words.expires_at or None,
            ),
            connect_timeout_s=self.connect_timeout,
            statement_timeout_s=self.statement_timeout,
            zone=self.timezone,
        )  # fmt: skip
