"""`[tenant]`: what holds for all companies, what one says itself, and secrets that never show."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.config import load_partial
from baileykeep.config.tenant import tenant_of
from tests.unit.config.conftest import MAIN, Write
from tests.unit.config.loading import good, only

KEY = "whsec_bWFkZSB1cCBhbmQgbG9uZyBlbm91Z2ggdG8gc2lnbg=="
CANARY = "canary7f3acanary7f3a"
ALL = f"""
timezone = "Europe/Berlin"
language = "es"
[tenant]
webhook = "https://admin.example/hooks/{{company}}"
webhook_secret = "{KEY}"
scan_url = "https://admin.example/connect?company={{company}}"
channels = ["json://admin.example/{{company}}", "json://second.example/"]
"""


def main(extra: str) -> str:
    """Top-level keys first, tables after."""
    keys, _, tables = extra.partition("[")
    return f"{keys}{MAIN}\n[{tables}" if tables else f"{keys}{MAIN}"


def test_what_holds_for_all_names_each_company(write: Write) -> None:
    found = tenant_of(good(write(main(ALL))), "42")
    assert (found.webhook, found.webhook_secret) == ("https://admin.example/hooks/42", KEY)
    assert found.channels == ("json://admin.example/42", "json://second.example/")
    assert (found.scan_url, found.language, found.zone) == (
        "https://admin.example/connect?company=42", "es", "Europe/Berlin",
    )  # fmt: skip


def test_a_company_has_its_own_ways_language_and_zone(write: Write, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    for name, text in (("key", KEY), ("ways", "json://one.example/\njson://two.example/\n")):
        (secrets / name).write_text(text)
        (secrets / name).chmod(0o600)
    own = f"""
    language = "he"
    [tenant]
    webhook = "https://rosa.example/hook"
    webhook_secret_file = "{secrets}/key"
    channels_file = "{secrets}/ways"
    timezone = "Asia/Jerusalem"
    """
    settings = good(write(main(ALL), {"42": own}))
    found = tenant_of(settings, "42")
    assert (found.webhook, found.webhook_secret) == ("https://rosa.example/hook", KEY)
    assert found.channels == ("json://one.example/", "json://two.example/")
    assert (found.language, found.zone) == ("he", "Asia/Jerusalem")
    assert tenant_of(settings, "43").webhook == "https://admin.example/hooks/43"
    for secret in ("one.example", "rosa.example", KEY):
        assert secret not in repr(found) + repr(settings.company("42"))


@pytest.mark.parametrize(
    ("table", "key", "reason"),
    [
        ('webhook = "https://a.example/"', "tenant.webhook", "has no key beside it"),
        (f'webhook = "http://a.example/"\nwebhook_secret = "{KEY}"', "tenant", "over http to another machine"),
        (f'webhook = "https://169.254.169.254/"\nwebhook_secret = "{KEY}"', "tenant.webhook", "clouds keep their cred"),
        (f'webhook = "https://a.example/"\nwebhook_secret = "{CANARY}"', "tenant.webhook_secret", 'is not "whsec_"'),
        (f'channels = "json://a/ {CANARY}"', "tenant.channels", "has at place 2 no address"),
        ('webhook_secret_file = "/nowhere/key"', "tenant.webhook_secret_file", "cannot be read"),
        ('scan_url = "rosa"', "tenant.scan_url", "must be an address"),
    ],
)
@pytest.mark.parametrize("of_company", [False, True])
def test_what_cannot_work_is_named_without_its_secret(
    write: Write, table: str, key: str, reason: str, *, of_company: bool
) -> None:
    text = f"[tenant]\n{table}\n"
    directory = write(MAIN, {"42": text}) if of_company else write(MAIN + text)
    if of_company:
        settings, problems = load_partial(directory, environ={})
        (found,) = [problem for problem in problems if not problem.warning]
        assert "42" in settings.held
        assert found.company == "42"
    else:
        found = only(directory)
    assert found.key == key
    assert reason in found.reason
    assert CANARY not in str(found)


def test_http_is_good_enough_on_this_machine_or_when_somebody_says_so(write: Write) -> None:
    for url, more in (("http://127.0.0.1:1/", ""), ("http://localhost/", ""), ("http://a/", "webhook_plain = true")):
        good(write(f'{MAIN}[tenant]\nwebhook = "{url}"\nwebhook_secret = "{KEY}"\n{more}\n'))


def test_a_language_that_is_not_there_is_named(write: Write) -> None:
    assert 'is "de", but there are only en, es, he, ru' in only(write('language = "de"\n' + MAIN)).reason
