"""The statements, with the installation's own names of tables and columns quoted in their places."""

from __future__ import annotations

from functools import cached_property
from typing import LiteralString

from psycopg import sql

from baileykeep.stores.postgres.spec import Spec


class Statements:
    """All statements on one pair of tables. Times are whole microseconds since the epoch."""

    def __init__(self, spec: Spec):
        auth, keys = spec.auth, spec.keys
        self._zone = spec.zone
        self._names = {
            "auth": sql.Identifier(spec.schema, auth.name),
            "a_company": sql.Identifier(auth.company),
            "a_creds": sql.Identifier(auth.creds),
            "a_updated": sql.Identifier(auth.updated_at),
            "keys": sql.Identifier(spec.schema, keys.name),
            "k_company": sql.Identifier(keys.company),
            "k_type": sql.Identifier(keys.type),
            "k_id": sql.Identifier(keys.id),
            "k_value": sql.Identifier(keys.value),
            "k_updated": sql.Identifier(keys.updated_at),
        }
        expires = keys.expires_at
        self._times = {
            "a_updated_us": self._micros(auth.updated_at),
            "k_updated_us": self._micros(keys.updated_at),
            "k_created_us": self._micros(keys.created_at),
            "k_expires_us": self._micros(expires) if expires else sql.SQL("NULL::bigint"),
            "k_never": sql.SQL(", {} = NULL").format(sql.Identifier(expires)) if expires else sql.SQL(""),
            "at": self._at(),
        }

    def _micros(self, column: str) -> sql.Composed:
        time = sql.Identifier(column)
        zoned = sql.SQL("({} AT TIME ZONE {})").format(time, sql.Literal(self._zone)) if self._zone else time
        return sql.SQL("CASE WHEN isfinite({0}) THEN (extract(epoch FROM {0}) * 1000000)::bigint END").format(zoned)

    def _at(self) -> sql.Composable:
        """%(at_us)s as what the columns hold; NULL is the database's own now."""
        moment = sql.SQL("coalesce(to_timestamp(0) + %(at_us)s::bigint * interval '1 microsecond', now())")
        return sql.SQL("({} AT TIME ZONE {})").format(moment, sql.Literal(self._zone)) if self._zone else moment

    def _made(self, text: LiteralString) -> sql.Composed:
        return sql.SQL(text).format(**self._names, **self._times)

    @cached_property
    def creds_row(self) -> sql.Composed:
        """(micros, characters, stamp) of the creds of %(company)s."""
        return self._made(
            "SELECT {a_updated_us}, octet_length(convert_to({a_creds}::text, 'UTF8')),"
            " xmin::text || md5({a_creds}::text) FROM {auth}"
            " WHERE {a_company} = %(company)s AND jsonb_typeof({a_creds}) <> 'null'"
        )

    @cached_property
    def key_rows(self) -> sql.Composed:
        """(type, id, updated, created, expires, bytes, stamp) of every key of %(company)s."""
        return self._made(_KEY_COLUMNS + " WHERE {k_company} = %(company)s")

    @cached_property
    def lock_keys(self) -> sql.Composed:
        """The same of %(types)s and %(ids)s only, and nobody else changes them until the transaction ends."""
        return self._made(_KEY_COLUMNS + _NAMED + " FOR UPDATE")

    @cached_property
    def lock_creds(self) -> sql.Composed:
        """`creds_row`, and nobody else changes it until the transaction ends."""
        return sql.SQL("{} FOR UPDATE").format(self.creds_row)

    @cached_property
    def read_creds(self) -> sql.Composed:
        """(text, bytes) of the creds of %(company)s; the text is NULL beyond %(most)s bytes."""
        return self._made(
            "SELECT CASE WHEN octet_length({a_creds}::text) <= %(most)s THEN {a_creds}::text END,"
            " octet_length({a_creds}::text), jsonb_typeof({a_creds}) FROM {auth}"
            " WHERE {a_company} = %(company)s AND jsonb_typeof({a_creds}) <> 'null'"
        )

    @cached_property
    def read_keys(self) -> sql.Composed:
        """(type, id, text) of %(types)s and %(ids)s; the text is NULL beyond %(most)s bytes."""
        return self._made(
            "SELECT {k_type}, {k_id}, CASE WHEN octet_length({k_value}::text) <= %(most)s"
            " THEN coalesce({k_value}::text, 'null') END FROM {keys}"
        ) + self._made(_NAMED)

    @cached_property
    def delete_keys(self) -> sql.Composed:
        """Remove keys of %(types)s and %(ids)s."""
        return self._made("DELETE FROM {keys}") + self._made(_NAMED)

    @cached_property
    def delete_creds(self) -> sql.Composed:
        """Remove the creds of %(company)s."""
        return self._made("DELETE FROM {auth} WHERE {a_company} = %(company)s")

    @cached_property
    def put_creds(self) -> sql.Composed:
        """Put the creds of %(company)s in place."""
        return self._made(
            "INSERT INTO {auth} ({a_company}, {a_creds}, {a_updated}) VALUES (%(company)s, %(data)s::jsonb, {at})"
            " ON CONFLICT ({a_company}) DO UPDATE"
            " SET {a_creds} = EXCLUDED.{a_creds}, {a_updated} = EXCLUDED.{a_updated}"
        )

    @cached_property
    def put_key(self) -> sql.Composed:
        """Put one key in place; what is put in place has not expired."""
        return self._made(
            "INSERT INTO {keys} ({k_company}, {k_type}, {k_id}, {k_value}, {k_updated})"
            " VALUES (%(company)s, %(type)s, %(id)s, %(data)s::jsonb, {at})"
            " ON CONFLICT ({k_company}, {k_type}, {k_id}) DO UPDATE"
            " SET {k_value} = EXCLUDED.{k_value}, {k_updated} = EXCLUDED.{k_updated}{k_never}"
        )

    @cached_property
    def anything(self) -> sql.Composed:
        """Whether %(company)s has any row."""
        return self._made(
            "SELECT EXISTS (SELECT FROM {auth} WHERE {a_company} = %(company)s)"
            " OR EXISTS (SELECT FROM {keys} WHERE {k_company} = %(company)s)"
        )

    @cached_property
    def last_write(self) -> sql.Composed:
        """The newest write of %(company)s."""
        return self._made(
            "SELECT greatest((SELECT max({a_updated_us}) FROM {auth} WHERE {a_company} = %(company)s),"
            " (SELECT max({k_updated_us}) FROM {keys} WHERE {k_company} = %(company)s))"
        )

    @cached_property
    def companies(self) -> sql.Composed:
        """Every company that has a row."""
        return self._made("SELECT {a_company}::text FROM {auth} UNION SELECT DISTINCT {k_company}::text FROM {keys}")

    @cached_property
    def survey(self) -> sql.Composed:
        """(company, stamp of the creds, keys, newest write, sum over the rows) of every company, in one go."""
        return self._made(
            "SELECT coalesce(a.c, k.c), coalesce(a.s, ''), coalesce(k.n, 0), coalesce(k.w, 0), coalesce(k.x, 0) FROM"
            " (SELECT {a_company}::text AS c, xmin::text AS s FROM {auth}) a FULL JOIN"
            " (SELECT {k_company}::text AS c, count(*) AS n, max({k_updated_us}) AS w, sum(xmin::text::bigint) AS x"
            " FROM {keys} GROUP BY 1) k ON a.c = k.c"
        )

    @cached_property
    def rights(self) -> sql.Composed:
        """(may change all, is read-only, the database's now)."""
        return sql.SQL(
            "SELECT bool_and(has_table_privilege({auth}, r) AND has_table_privilege({keys}, r)),"
            " pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',"
            " extract(epoch FROM clock_timestamp())::float8"
            " FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) r"
        ).format(auth=_as_text(self._names["auth"]), keys=_as_text(self._names["keys"]))


def _as_text(name: sql.Identifier) -> sql.Literal:
    """A table's quoted name as the text that `has_table_privilege` reads."""
    return sql.Literal(name.as_string(None))


_KEY_COLUMNS: LiteralString = (
    "SELECT {k_type}::text, {k_id}::text, {k_updated_us}, {k_created_us}, {k_expires_us},"
    " octet_length(convert_to(coalesce({k_value}::text, 'null'), 'UTF8')),"
    " xmin::text || md5(coalesce({k_value}::text, '')) FROM {keys}"
)
_NAMED: LiteralString = (
    " WHERE {k_company} = %(company)s"
    " AND ({k_type}, {k_id}) IN (SELECT * FROM unnest(%(types)s::text[], %(ids)s::text[]))"
)
