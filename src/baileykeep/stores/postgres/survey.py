"""Looks over all companies of one gateway's tables at once."""

from __future__ import annotations

from dataclasses import dataclass

from baileykeep.model.errors import StoreError
from baileykeep.stores.postgres.database import database_of
from baileykeep.stores.postgres.spec import Spec
from baileykeep.stores.postgres.statements import Statements


@dataclass(frozen=True, slots=True)
class Glance:
    """What one company's rows look like from afar: equal means that nothing was written. `creds` are there or not."""

    creds: str
    keys: int
    newest_us: int
    rows: int


def companies(spec: Spec) -> tuple[str, ...]:
    """Every id that has a row, sorted. Raises `StoreError`."""
    with database_of(spec).connection() as connection:
        found = connection.execute(Statements(spec).companies).fetchall()
    return tuple(sorted(row[0] for row in found))


def survey(spec: Spec) -> dict[str, Glance]:
    """Every company's rows at one moment, by its id in the tables. Raises `StoreError`."""
    with database_of(spec).connection() as connection:
        found = connection.execute(Statements(spec).survey).fetchall()
    return {row[0]: Glance(row[1], int(row[2]), int(row[3]), int(row[4])) for row in found}


def check_shape(spec: Spec) -> None:
    """Raise `StoreError` where the columns are not what the rules need: jsonb values, and times that are moments."""
    auth, keys = spec.auth, spec.keys
    times = [keys.created_at, keys.updated_at, *([keys.expires_at] if keys.expires_at else [])]
    wanted = [(auth.name, auth.creds, _JSON), (auth.name, auth.updated_at, _times(spec))]
    wanted += [(keys.name, keys.value, _JSON), *((keys.name, column, _times(spec)) for column in times)]
    with database_of(spec).connection() as connection:
        rows = connection.execute(
            "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a"
            " JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped",
            (spec.schema, [auth.name, keys.name]),
        ).fetchall()
    types = {(row[0], row[1]): row[2] for row in rows}
    for table, column, kinds in wanted:
        found = types.get((table, column))
        if found not in kinds:
            raise StoreError(
                f"column {column} of {spec.schema}.{table} is {found or 'not there'}, and must be {kinds[0]}",
                next_step="docs/postgres.md shows the tables; for times without a zone set timezone",
                code="wrong_shape",
                permanent=True,
            )


_JSON = ("jsonb",)


def _times(spec: Spec) -> tuple[str, ...]:
    return ("timestamp without time zone",) if spec.zone else ("timestamp with time zone",)
