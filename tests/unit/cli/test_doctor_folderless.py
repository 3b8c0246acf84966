"""`doctor` about gateways that keep their logins to themselves, or only tell by webhook."""

from __future__ import annotations

from pathlib import Path

import anyio.from_thread
import pytest

from baileykeep.cli import checks, checks_outside
from baileykeep.cli.checks import FAIL, OK, Check
from baileykeep.config import Settings, load
from baileykeep.config.discover import survey
from tests.fakes.http_gateway import Answer, fake_http

CONFIG = """\
[gateways.main]
dialect = "{dialect}"
url = "{url}"
secret = "k"
auth_store = "none"
discover = {discover}
webhook = {{ token = "abcdef" }}
"""


def settings(
    root: Path, *, url: str = "http://127.0.0.1:9", discover: str = "true", dialect: str = "fazer-ai"
) -> Settings:
    (root / "companies").mkdir(exist_ok=True)
    (root / "baileykeep.toml").write_text(CONFIG.format(url=url, discover=discover, dialect=dialect))
    return load(root, {})


def test_a_company_without_a_folder_is_not_said_to_have_one(tmp_path: Path) -> None:
    (tmp_path / "companies").mkdir()
    (tmp_path / "companies" / "1.toml").write_text("")
    made = settings(tmp_path)
    assert list(checks.folders(made, survey(made))) == [
        Check("companies", OK, "1 company whose auth files are not watched"),
    ]


@pytest.mark.parametrize(
    ("dialect", "discover", "state"),
    [("ai-admin", "true", OK), ("ai-admin", "false", FAIL), ("fazer-ai", "true", FAIL)],
)
def test_nobody_is_known_yet_where_the_gateway_s_list_will_tell(
    tmp_path: Path, dialect: str, discover: str, state: str
) -> None:
    made = settings(tmp_path, discover=discover, dialect=dialect)
    (found,) = checks.folders(made, survey(made))
    assert (found.state, "companies/ID.toml" in found.next_step) == (state, state == FAIL)


def test_a_gateway_that_only_tells_is_asked_whether_it_lives(tmp_path: Path) -> None:
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(fake_http(default=Answer(body=b"OK", content_type="text/plain"))) as fake,
    ):
        made = settings(tmp_path, url=fake.url)
        found = next(iter(checks_outside.gateways(made, survey(made))))
    assert [f"{r.method} {r.target}" for r in fake.requests] == ["GET /status/auth"]
    assert (found.state, "webhooks must go to /hooks/main/COMPANY" in found.text) == (OK, True)
