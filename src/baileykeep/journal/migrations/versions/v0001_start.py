"""The first shape: entries, incidents, notices, memories."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _entries()
    _incidents()
    _notices()
    _memories()


def _entries() -> None:
    op.create_table(
        "entries",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("incident", sa.Text),
        sa.Column("action", sa.Text),
        sa.Column("operator", sa.Text),
        sa.Column("data", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("entries_by_subject", "entries", ["subject", "id"])
    op.create_index("entries_by_kind", "entries", ["kind", "id"])
    op.create_index("entries_by_incident", "entries", ["incident", "id"])
    op.create_index("entries_by_action", "entries", ["action", "kind"])
    op.create_index("entries_by_time", "entries", ["at"])


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("entry", _ID, nullable=False),
        sa.Column("closed_at", sa.Double),
    )
    still_open = sa.text("closed_at IS NULL")
    op.create_index("incidents_open", "incidents", ["id"], sqlite_where=still_open, postgresql_where=still_open)


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("incident", sa.Text),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("sound", sa.Boolean, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", sa.Double, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("settled_at", sa.Double),
        sa.Column("error", sa.Text),
        sqlite_autoincrement=True,
    )
    pending = sa.text("state = 'pending'")
    op.create_index("notices_pending", "notices", ["id"], sqlite_where=pending, postgresql_where=pending)
    op.create_index("notices_by_incident", "notices", ["incident"])
    op.create_index("notices_by_time", "notices", ["at"])


def _memories() -> None:
    op.create_table(
        "memories",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )
