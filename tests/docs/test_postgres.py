"""`docs/postgres.md`: its tables, its rights and its configuration are what the store works with, on a real server."""

import json
import re
from dataclasses import replace
from pathlib import Path

from psycopg import sql

from baileykeep.config.discover import placements
from baileykeep.config.load import load
from baileykeep.config.logins import store_of
from baileykeep.stores.postgres.survey import check_shape
from tests.databases import SCHEMA, admin, fresh, pour, tables
from tests.unit.auth_folders import copy_of

PAGE = (Path(__file__).parents[2] / "docs" / "postgres.md").read_text()
TABLES, RIGHTS = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(CONFIG,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_what_is_shown_can_be_pasted_and_works(tmp_path: Path) -> None:
    password, ca = tmp_path / "password", tmp_path / "ca.pem"
    password.write_text("change-me")
    password.chmod(0o600)
    ca.write_text("")
    with fresh() as spec:
        with tables(spec) as connection:
            connection.execute("DROP TABLE whatsapp_auth, whatsapp_keys")
            connection.execute(TABLES.encode())
            connection.execute("DROP ROLE IF EXISTS baileykeep")
            connection.execute(RIGHTS.replace("SCHEMA public", f"SCHEMA {spec.schema}").encode())
        try:
            pour(copy_of("auth-7", tmp_path / "auth", days=40), spec, "company_997441")
            shown = CONFIG.replace("/etc/baileykeep/postgres-password", str(password))
            shown = shown.replace("/etc/baileykeep/postgres-ca.pem", str(ca))
            (tmp_path / "baileykeep.toml").write_text(shown)
            rows = load(tmp_path, {}).gateways["main"].postgres
            assert rows is not None
            assert (rows.spec().sslmode, rows.spec().password, rows.spec().user) == (
                "verify-full",
                "change-me",
                "baileykeep",
            )
            here = {"host": spec.host, "port": spec.port, "database": spec.database, "schema": spec.schema}
            for key, value in here.items():
                line = f"{key} = {json.dumps(value)}"
                shown = (
                    re.sub(rf"^{key} = .*$", line, shown, flags=re.M) if f"\n{key} = " in shown else shown + line + "\n"
                )
            (tmp_path / "baileykeep.toml").write_text(re.sub(r"^ca_file.*$", "", shown, flags=re.M))
            settings = load(tmp_path, {})
            placed, odd = placements(settings)
            assert (list(placed), odd) == (["997441"], ())
            store = store_of(settings, placed["997441"])
            assert store is not None
            store.check_writable()
            with store.alone():
                store.write("pre-key-9999.json", b"{}")
                store.remove_unchanged([file for file in store.listing().files if file.name == "pre-key-9999.json"])
            assert len(store.listing().files) == 845
            check_shape(replace(spec))
        finally:
            with admin() as connection:
                connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(spec.schema)))
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(spec.schema)))
                connection.execute("DROP ROLE baileykeep")


def test_the_page_shows_the_tables_that_the_tests_use() -> None:
    def plain(text: str) -> str:
        return re.sub(r"\s+", "", text)

    assert plain(TABLES) == plain(SCHEMA)
