"""The tables, in types that SQLite and PostgreSQL share. Migrations bring a database to this shape."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)

metadata = MetaData()

_ID = BigInteger().with_variant(Integer(), "sqlite")

entries = Table(
    "entries",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("incident", Text),
    Column("action", Text),
    Column("operator", Text),
    Column("data", JSON, nullable=False),
    Index("entries_by_subject", "subject", "id"),
    Index("entries_by_kind", "kind", "id"),
    Index("entries_by_incident", "incident", "id"),
    Index("entries_by_action", "action", "kind"),
    Index("entries_by_time", "at"),
    sqlite_autoincrement=True,
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("entry", _ID, nullable=False),
    Column("closed_at", Double),
    Index("incidents_open", "id", sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL")),
)
"""One row per incident, kept in step with its newest INCIDENT entry."""

notices = Table(
    "notices",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("channel", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("incident", Text),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("sound", Boolean, nullable=False),
    Column("data", JSON, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("settled_at", Double),
    Column("error", Text),
    Index("notices_pending", "id", sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")),
    Index("notices_by_incident", "incident"),
    Index("notices_by_time", "at"),
    sqlite_autoincrement=True,
)

memories = Table(
    "memories",
    metadata,
    Column("key", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("value", JSON, nullable=False),
)
