"""What only a database can do to a login: each of these was tried against a real PostgreSQL."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from baileykeep.model.errors import Refused, StoreError
from baileykeep.model.inventory import Category, CredsState, FileEntry
from baileykeep.model.limits import Limits
from baileykeep.rules import cleanup
from baileykeep.rules.naming import CREDS
from baileykeep.rules.pre_keys import PoolKnowledge
from baileykeep.stores.postgres.database import Database
from baileykeep.stores.postgres.names import Key, key_of, name_of
from baileykeep.stores.postgres.spec import KeysTable, Spec
from baileykeep.stores.postgres.store import MAX_VALUE_BYTES, PostgresStore
from baileykeep.stores.postgres.survey import check_shape, companies, survey
from tests.databases import ROW, admin, fresh, pour, store_of, tables
from tests.unit.auth_folders import copy_of
from tests.unit.rules.folders import FIXTURES, NOW

SESSION = "session-4915122222222.0.json"
OTHER = "session-4915133333333.0.json"


@pytest.fixture
def spec(tmp_path: Path) -> Iterator[Spec]:
    with fresh() as made:
        pour(copy_of("auth-6", tmp_path / "poured", days=40), made)
        yield made


def listed(store: PostgresStore, *names: str) -> list[FileEntry]:
    return [file for file in store.listing().files if file.name in names]


def there(spec: Spec) -> set[str]:
    return {file.name for file in store_of(spec).listing().files}


# --- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["auth-6", "auth-7"])
def test_every_name_of_a_sample_leads_to_its_row_and_back(which: str) -> None:
    names = {path.name for path in (FIXTURES / which).iterdir()} - {CREDS}
    keys = {name: key_of(name) for name in names}
    assert {name: name_of(key) for name, key in keys.items() if key} == {name: name for name in names}


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (Key("sender-key", "491-123@g.us::4915122222222_1::7"), "sender-key-491-123@g.us--4915122222222_1--7.json"),
        (Key("app-state-sync-key", "AA/A+B="), "app-state-sync-key-AA__A+B=.json"),
        (Key("app-state-sync-version", "critical_unblock_low"), "app-state-sync-version-critical_unblock_low.json"),
        (Key("sender-key-memory", "491-123@g.us"), "sender-key-memory-491-123@g.us.json"),
        (Key("tctoken", "4915122222222@s.whatsapp.net"), "tctoken-4915122222222@s.whatsapp.net.json"),
    ],
)
def test_ids_keep_what_a_name_loses(key: Key, name: str) -> None:
    assert (name_of(key), key_of(name)) == (name, key)


@pytest.mark.parametrize(
    "key",
    [
        Key("session", "4915122222222:0"), Key("session", "a-b"), Key("session", ""), Key("session", "1.0\n"),
        Key("tctoken", "a:b"), Key("tctoken", "a/b"), Key("app-state-sync-key", "a__b"), Key("creds", ""),
        Key("lid-mapping", "../../etc/passwd"), Key("lid-mapping", "x" * 300), Key("creds.json", "x"),
        Key("sender-key", "g@g.us::1"), Key("pre-key", "007"), Key("", ""), Key("row=", "x"),
    ],
)  # fmt: skip
def test_a_row_whose_name_would_not_lead_back_is_a_stranger(key: Key) -> None:
    assert name_of(key).startswith("row=")
    assert key_of(name_of(key)) is None


def test_strangers_are_listed_and_never_touched(spec: Spec) -> None:
    odd = [("session", "4915122222222:0"), ("session", "%' OR '1'='1"), ("notes", "'; DROP TABLE whatsapp_keys; --")]
    with tables(spec) as connection:
        for kind, ident in odd:
            connection.execute("INSERT INTO whatsapp_keys VALUES (%s, %s, %s, '1')", (ROW, kind, ident))
    store = store_of(spec)
    strangers = [file for file in store.listing().files if file.category is Category.OTHER]
    assert len(strangers) == 3
    assert {store.read(file.name) for file in strangers} == {b"1"}
    with pytest.raises(StoreError, match="no key of Baileys"):
        store_of(spec).write(strangers[0].name, b"2")
    plan = cleanup.plan(store.listing(), store.creds(), PoolKnowledge(), Limits(), now=NOW)
    assert not {removal.name for removal in plan.remove} & {file.name for file in strangers}


def test_one_company_is_never_taken_for_another(spec: Spec) -> None:
    rows = ["company_1", "company_11", "company_", "COMPANY_1", "company_%", "company_1 ", "xcompany_1", "c'o\"m"]
    with tables(spec) as connection:
        for row in rows:
            connection.execute(
                "INSERT INTO whatsapp_keys VALUES (%s, 'session', '49151.0', %s)", (row, json.dumps(row))
            )
    assert set(companies(spec)) == {ROW, *rows}
    for row in rows:
        store = store_of(spec, "x", row)
        assert json.loads(store.read("session-49151.0.json")) == row
        store.remove("session-49151.0.json")
        assert not store.exists()
    assert set(companies(spec)) == {ROW}


# --- while others write -------------------------------------------------------------------------------------------


def test_a_row_that_is_written_without_its_time_is_seen(spec: Spec) -> None:
    store = store_of(spec)
    files, token, glance = listed(store, SESSION, OTHER), store.listing().token, survey(spec)[ROW]
    with tables(spec) as connection:
        connection.execute("UPDATE whatsapp_keys SET value = value WHERE key_id = '4915133333333.0'")
    assert survey(spec)[ROW] != glance
    with pytest.raises(StoreError) as caught:
        store.remove_unchanged(files)
    assert caught.value.code == "changed"
    assert {SESSION, OTHER} <= there(spec)
    assert store.listing().token != token


def test_a_row_that_a_gateway_holds_is_not_waited_for_without_end(spec: Spec) -> None:
    store = store_of(replace(spec, statement_timeout_s=0.3))
    files = listed(store, SESSION)
    with tables(spec) as connection, connection.transaction():
        connection.execute("UPDATE whatsapp_keys SET value = '1' WHERE key_id = '4915122222222.0'")
        with pytest.raises(StoreError) as caught:
            store.remove_unchanged(files)
    assert caught.value.code in ("changed", "timed_out")
    assert store_of(spec).read(SESSION) == b"1"


def test_a_row_that_changes_while_it_is_locked_is_compared_as_it_is_then(spec: Spec) -> None:
    store, found = store_of(spec), list[str]()
    files = listed(store, SESSION, OTHER)

    def remove() -> None:
        try:
            store.remove_unchanged(files)
        except StoreError as error:
            found.append(error.code)

    with tables(spec) as connection:
        with connection.transaction():
            connection.execute("UPDATE whatsapp_keys SET value = '1' WHERE key_id = '4915122222222.0'")
            worker = threading.Thread(target=remove)
            worker.start()
            worker.join(0.2)
            assert worker.is_alive()
        worker.join(5)
    assert found == ["changed"]
    assert {SESSION, OTHER} <= there(spec)


def test_a_connection_lost_in_the_middle_changes_nothing(spec: Spec) -> None:
    store = store_of(spec)
    before = there(spec)

    def cut() -> None:
        with store.alone(), store.together():
            store.remove(SESSION)
            store.write("session-4915199999999.0.json", b"{}")
            with admin() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'baileykeep' AND state = 'idle in transaction'"
                )
            store.remove(CREDS)

    with pytest.raises(StoreError) as caught:
        cut()
    assert caught.value.code == "unreachable"
    assert there(spec) == before
    assert store_of(spec).creds().paired


def test_who_lost_the_lock_changes_nothing_any_more(spec: Spec) -> None:
    store = store_of(spec)
    with suppress(StoreError), store.alone():
        with admin() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        assert store.creds().paired
        with pytest.raises(StoreError):
            store.remove(SESSION)
    with store_of(spec).alone():
        assert SESSION in there(spec)


def test_an_error_inside_takes_all_of_a_change_back(spec: Spec) -> None:
    store, before = store_of(spec), there(spec)

    def change(bad: bytes) -> None:
        with store.together():
            store.remove(SESSION)
            store.write(OTHER, bad)

    for bad in (b'{"a":"\\u0000"}', b'{"a": NaN}', b"{", b"\xff"):
        with pytest.raises(StoreError) as caught:
            change(bad)
        assert caught.value.code == "not_json"
        assert there(spec) == before


# --- values -------------------------------------------------------------------------------------------------------


def test_huge_values_are_not_read(spec: Spec) -> None:
    with tables(spec) as connection:
        big = json.dumps("x" * MAX_VALUE_BYTES)
        connection.execute("UPDATE whatsapp_keys SET value = %s WHERE key_id = '4915122222222.0'", (big,))
        connection.execute("INSERT INTO whatsapp_keys VALUES (%s, 'notes', 'x', %s)", (ROW, big))
    store = store_of(spec)
    with pytest.raises(StoreError, match="more than"):
        store.read(SESSION)
    strangers = [file.name for file in store.listing().files if file.category is Category.OTHER]
    assert store.read_all(strangers) == {}


@pytest.mark.parametrize(
    ("stored", "state"),
    [
        ("null", CredsState.MISSING),
        ('"{\\"me\\": 1}"', CredsState.UNREADABLE),
        ("[]", CredsState.UNREADABLE),
        ("{}", CredsState.WHOLE),
    ],
)
def test_creds_that_are_no_object_are_never_called_damaged(spec: Spec, stored: str, state: CredsState) -> None:
    with tables(spec) as connection:
        connection.execute("UPDATE whatsapp_auth SET creds = %s", (stored,))
    assert store_of(spec).creds().state is state


# --- times --------------------------------------------------------------------------------------------------------


def test_times_are_exact_to_the_microsecond_wherever_the_server_thinks_it_is(spec: Spec) -> None:
    with admin() as connection:
        connection.execute(
            sql.SQL("ALTER ROLE {} SET timezone = 'Pacific/Kiritimati'").format(sql.Identifier(spec.user))
        )
        try:
            store = store_of(replace(spec, connect_timeout_s=6.0))
            for at in (NOW + 0.123457, NOW + 0.999999, 1_700_000_000.000001):
                store.write(SESSION, b"{}", mtime=at)
                assert [file.mtime for file in listed(store, SESSION)] == [at]
        finally:
            connection.execute(sql.SQL("ALTER ROLE {} RESET timezone").format(sql.Identifier(spec.user)))


def test_times_without_a_zone_are_refused_until_it_is_named(spec: Spec) -> None:
    with tables(spec) as connection:
        for table, column in (
            ("auth", "created_at"), ("auth", "updated_at"),
            ("keys", "created_at"), ("keys", "updated_at"), ("keys", "expires_at"),
        ):  # fmt: skip
            connection.execute(
                f"ALTER TABLE whatsapp_{table} ALTER {column} TYPE timestamp USING {column} AT TIME ZONE 'Asia/Tokyo'"
            )
    with pytest.raises(StoreError, match="timestamp without time zone, and must be timestamp with time zone"):
        check_shape(spec)
    zoned = replace(spec, zone="Asia/Tokyo")
    check_shape(zoned)
    store = store_of(zoned)
    assert store.last_write() == pytest.approx(NOW - 40 * 86_400)
    store.write(SESSION, b"{}", mtime=NOW + 0.5)
    assert store.last_write() == NOW + 0.5


def test_ages_count_as_none_until_a_row_was_seen_updated(spec: Spec) -> None:
    def planned() -> int:
        store = store_of(spec)
        return len(cleanup.plan(store.listing(), store.creds(), PoolKnowledge(), Limits(), now=NOW).remove)

    assert planned() > 0
    with tables(spec) as connection:
        connection.execute("UPDATE whatsapp_keys SET created_at = updated_at")
    assert planned() == 0
    store = store_of(spec)
    store.remove_unchanged(listed(store, SESSION))
    assert store.last_write() == pytest.approx(NOW - 40 * 86_400)


def test_endless_times_are_no_times(spec: Spec) -> None:
    with tables(spec) as connection:
        connection.execute("UPDATE whatsapp_keys SET expires_at = 'infinity'")
        connection.execute("UPDATE whatsapp_keys SET updated_at = '-infinity' WHERE key_id = '4915122222222.0'")
    (file,) = listed(store_of(spec), SESSION)
    assert (file.mtime, file.expires_at) == (0.0, None)
    plan = cleanup.plan(store_of(spec).listing(), store_of(spec).creds(), PoolKnowledge(), Limits(), now=NOW)
    assert SESSION not in {removal.name for removal in plan.remove}


def test_what_is_put_in_place_has_not_expired(spec: Spec) -> None:
    with tables(spec) as connection:
        connection.execute("UPDATE whatsapp_keys SET expires_at = to_timestamp(%s)", (NOW - 1.5,))
    store = store_of(spec)
    assert {file.expires_at for file in store.listing().files if file.name != CREDS} == {NOW - 1.5}
    store.write(SESSION, b"{}")
    assert [file.expires_at for file in listed(store, SESSION)] == [None]


# --- the server ---------------------------------------------------------------------------------------------------


def test_tables_of_any_name_without_an_expiry_are_understood(spec: Spec) -> None:
    with tables(spec) as connection:
        connection.execute('ALTER TABLE whatsapp_keys RENAME TO "Keys; -- x"')
        connection.execute('ALTER TABLE "Keys; -- x" RENAME COLUMN key_id TO "select"')
        connection.execute('ALTER TABLE "Keys; -- x" DROP COLUMN expires_at')
    named = replace(spec, keys=KeysTable(name="Keys; -- x", id="select", expires_at=None))
    check_shape(named)
    store = store_of(named)
    assert len(store.listing().files) == 44
    store.check_writable()
    store.write(SESSION, b"{}")
    store.remove_unchanged(listed(store, SESSION))
    with pytest.raises(StoreError, match="expires_at"):
        check_shape(replace(named, keys=replace(named.keys, expires_at="expires_at")))


def test_a_role_that_may_not_change_rows_is_refused_before_anything(spec: Spec) -> None:
    with tables(spec) as connection:
        connection.execute("DROP ROLE IF EXISTS bk_reader")
        connection.execute("CREATE ROLE bk_reader LOGIN PASSWORD 'hush-hush'")
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO bk_reader").format(sql.Identifier(spec.schema)))
        connection.execute("GRANT SELECT ON whatsapp_auth, whatsapp_keys TO bk_reader")
    reader = replace(spec, user="bk_reader", password="hush-hush")
    assert "hush" not in repr(reader)
    store = store_of(reader)
    assert store.creds().paired
    with pytest.raises(Refused, match="bk_reader may not change both"):
        store.check_writable()
    with pytest.raises(StoreError, match="permission denied") as caught:
        store.remove(SESSION)
    assert "rights" in caught.value.next_step


def test_a_read_only_server_and_a_clock_that_is_off_are_refused(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3601)
    with pytest.raises(Refused, match="60 minutes"):
        store_of(spec).check_writable()
    monkeypatch.setattr(time, "time", real)
    with admin() as connection:
        role = sql.Identifier(spec.user)
        connection.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(role))
    try:
        with pytest.raises(Refused, match="read-only"):
            store_of(replace(spec, connect_timeout_s=7.0)).check_writable()
    finally:
        with admin() as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(sql.SQL("ALTER ROLE {} RESET default_transaction_read_only").format(role))


def test_a_server_that_is_not_there_is_named_without_its_password(spec: Spec) -> None:
    gone = Database(replace(spec, host="127.0.0.1", port=9, password="hush-hush", user="me"))
    with pytest.raises(StoreError) as caught:
        PostgresStore("c", ROW, gone).listing()
    assert caught.value.code == "unreachable"
    assert "127.0.0.1" in str(caught.value)
    assert "hush" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


def test_a_server_that_was_restarted_is_spoken_to_again(spec: Spec) -> None:
    store = store_of(spec)
    assert store.exists()
    with admin() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'baileykeep'"
        )
    assert store.exists()
