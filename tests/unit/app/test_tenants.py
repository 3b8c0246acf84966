"""From the configuration to what a company hears: its own language and zone, and nothing where it shall not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from baileykeep.app.tenants import local_time, told
from baileykeep.config import Settings, load
from tests.stories import START, incident

MAIN = """
[gateways.main]
dialect = "ai-admin"
url = "http://127.0.0.1:3000"
sessions = "/srv/sessions/company_{company}"
"""
HOOK = f"""{MAIN}
[tenants]
url = "https://admin.example/hook"
secret = "whsec_{"QUFB" * 8}"
scan_url = "https://admin.example/connect?company={{company}}"
"""


def settings(folder: Path, main: str = HOOK, company: str = "") -> Settings:
    (folder / "companies").mkdir()
    (folder / "baileykeep.toml").write_text(main, "utf-8")
    (folder / "companies" / "1.toml").write_text(company, "utf-8")
    return load(folder, {})


def test_without_a_webhook_nothing_is_posted(tmp_path: Path) -> None:
    assert told(None, incident(who="1"), settings(tmp_path, MAIN), None, START) == ()


def test_a_company_that_shall_not_be_told_is_not(tmp_path: Path) -> None:
    assert told(None, incident(who="1"), settings(tmp_path, company="[tenant]\ntell = false\n"), None, START) == ()


def test_it_reads_its_own_language_and_the_time_of_its_own_zone(tmp_path: Path) -> None:
    own = 'name = "Акме"\nlanguage = "ru"\n[tenant]\ntimezone = "Asia/Tokyo"\n'
    (notice,) = told(None, incident(who="1"), settings(tmp_path, company=own), None, START)
    here = datetime.fromtimestamp(START, ZoneInfo("Asia/Tokyo"))
    assert notice.data["body"]["meaning"] == f"WhatsApp компании Акме не подключён с {here:%H:%M}."


def test_a_moment_of_another_day_is_written_with_its_date() -> None:
    now = datetime(2026, 3, 2, 0, 30, tzinfo=UTC).timestamp()
    written = local_time(ZoneInfo("UTC"), now)
    assert written(now - 60) == "00:29"
    assert written(now - 3600) == "2026-03-01 23:30"


@pytest.mark.parametrize(("mode", "step"), [("act", "we are reconnecting"), ("observe", "see this")])
def test_a_reconnect_is_promised_only_where_one_is_made(tmp_path: Path, mode: str, step: str) -> None:
    given = settings(tmp_path, f'mode = "{mode}"\n{HOOK}')
    (notice,) = told(None, incident(who="1"), given, None, START)
    assert step in notice.data["body"]["what_to_do"]
