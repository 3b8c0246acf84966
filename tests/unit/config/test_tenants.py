"""The webhook of companies: it must be safe to call and signed, and nothing of it is ever quoted."""

from __future__ import annotations

import pytest

from baileykeep.app.tenants import webhook_config
from baileykeep.config.diff import diff
from tests.unit.config.conftest import MAIN, Write
from tests.unit.config.loading import good, only

SECRET = "whsec_" + "QUFB" * 8
URL = "https://admin.example/hooks/s3cret"


def table(url: str = URL, secret: str = SECRET, more: str = "") -> str:
    return f'{MAIN}[tenants]\nurl = "{url}"\nsecret = "{secret}"\n{more}'


def test_a_url_and_a_secret_are_enough_and_neither_is_shown(write: Write) -> None:
    settings = good(write(table()))
    made = webhook_config(settings)
    assert (made.url, made.secret) == (URL, SECRET)
    assert "s3cret" not in repr(settings) + repr(made)
    assert SECRET not in repr(settings) + repr(made)


def test_the_secret_may_come_from_a_file_or_a_variable(write: Write) -> None:
    directory = write(f'{MAIN}[tenants]\nurl_env = "HOOK"\nsecret_file = "hook.secret"\n')
    (directory / "hook.secret").write_text(SECRET)
    (directory / "hook.secret").chmod(0o600)
    made = webhook_config(good(directory, {"HOOK": URL}))
    assert (made.url, made.secret) == (URL, SECRET)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://admin.example/s3cret", "is plain http to another machine; use https"),
        ("https://169.254.169.254/s3cret", "is on a link-local address"),
        ("http://[fe80::1]/s3cret", "is on a link-local address"),
        ("https://me:s3cret@admin.example/", "carries a password"),
    ],
)
def test_an_address_that_is_not_safe_is_refused_unquoted(write: Write, url: str, reason: str) -> None:
    found = only(write(table(url)))
    assert found.key == "tenants.url"
    assert reason in found.reason
    assert "s3cret" not in str(found)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://[::1]:9/x", "http://localhost:9/x"])
def test_this_machine_may_be_called_without_tls(write: Write, url: str) -> None:
    assert webhook_config(good(write(table(url)))).url == url


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ("canary", "does not begin with whsec_"),
        ("whsec_canary!", "is not base64"),
        ("whsec_QUFB", "holds 3 bytes"),
    ],
)
def test_a_secret_that_cannot_sign_is_refused_unquoted(write: Write, secret: str, reason: str) -> None:
    found = only(write(table(secret=secret)))
    assert found.key == "tenants.secret"
    assert reason in found.reason
    assert secret not in str(found)


def test_an_address_without_a_secret_is_refused(write: Write) -> None:
    assert "no secret" in str(only(write(f'{MAIN}[tenants]\nurl = "{URL}"\n')))


def test_a_secret_without_an_address_is_refused(write: Write) -> None:
    assert "no tenants.url" in str(only(write(f'{MAIN}[tenants]\nsecret = "{SECRET}"\n')))


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://x/ y", "ftp://x"])
def test_a_scan_url_must_be_one(write: Write, link: str) -> None:
    assert "scan_url" in str(only(write(table(more=f'scan_url = "{link}"\n'))))


def test_another_address_applies_at_once(write: Write) -> None:
    old = good(write(table()))
    changed = diff(old, good(write(table("https://other.example/"))))
    assert changed.keys == ("tenants.url",)
    assert changed.restart == ()
