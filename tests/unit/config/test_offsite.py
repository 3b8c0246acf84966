"""The `[offsite]` table: what is refused, why, and that no key is repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.backups.offsite.seal import generated
from baileykeep.config import BadConfig, Settings, load

SECRET, PUBLIC = generated()


def settings(folder: Path, table: str, environ: dict[str, str] | None = None) -> Settings:
    (folder / "baileykeep.toml").write_text(
        f"""
        backups_dir = "{folder}/backups"
        [gateways.main]
        dialect = "ai-admin"
        url = "http://127.0.0.1:9"
        sessions = "{folder}/sessions/company_{{company}}"
        [offsite]
        {table}
        """
    )
    (folder / "baileykeep.toml").chmod(0o600)
    return load(folder, environ or {})


def refused(folder: Path, table: str) -> str:
    with pytest.raises(BadConfig) as error:
        settings(folder, table.replace("PUBLIC", PUBLIC).replace("FOLDER", str(folder)))
    return str(error.value)


def test_without_a_table_nothing_is_sent(tmp_path: Path) -> None:
    table = settings(tmp_path, "").installation.offsite
    assert (table.to, table.recipients, table.retention) == (None, (), 10)


def test_a_store_with_its_secret_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush\n")
    (tmp_path / "key").chmod(0o600)
    lines = f'to = "s3://copies/host-1/"\nrecipients = "{PUBLIC}"\naccess_key_id = "AK"\nretention = "keep"\n'
    for how, environ in (
        ('secret_file = "key"', {}),
        ('secret_env = "STORE"', {"STORE": "hush"}),
        ("", {"BAILEYKEEP_OFFSITE__SECRET": "hush"}),
    ):
        table = settings(tmp_path, lines + how, environ).installation.offsite
        assert table.secret is not None
        assert table.secret.get_secret_value() == "hush"
        assert "hush" not in repr(table)
        assert (table.to, table.retention, table.recipients) == ("s3://copies/host-1", "keep", (PUBLIC,))


def test_a_systemd_credential(tmp_path: Path) -> None:
    (tmp_path / "offsite_secret").write_text("hush")
    lines = f'to = "s3://copies"\nrecipients = ["{PUBLIC}"]\naccess_key_id = "AK"'
    table = settings(tmp_path, lines, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).installation.offsite
    assert table.secret is not None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('to = "ftp://x/y"', 'offsite.to must be a place such as "file:///mnt/nas/baileykeep"'),
        ('to = "file:///"', "must be a place such as"),
        ('to = "file://host/x"', "must be a place such as"),
        ('to = "s3://Bad_Bucket/x"', "must be a place such as"),
        ('to = "s3://bucket/../x"', "must be a place such as"),
        ('to = "s3://id:hunter2@bucket/x"', "must not carry a password"),
        ('to = "s3://bucket/x?key=hunter2"', "must not carry a password"),
        ('to = "file:///mnt/nas"', "offsite.recipients is empty"),
        ('recipients = ["PUBLIC"]', "nowhere to send copies to; add offsite.to"),
        ('to = "file:///mnt/nas"\nrecipients = ["age1hello"]', "must hold public keys such as"),
        ('to = "s3://bucket"\nrecipients = ["PUBLIC"]\naccess_key_id = "x"', "offsite.secret is missing"),
        ('to = "s3://bucket"\nrecipients = ["PUBLIC"]\nsecret = "x"', "offsite.access_key_id is missing"),
        ('to = "s3://bucket"\nrecipients = ["PUBLIC"]\nendpoint = "http://nas:9000"', "has no TLS"),
        ('to = "file://FOLDER/backups"\nrecipients = ["PUBLIC"]', "and backups_dir lie in each other"),
        ('to = "file://FOLDER/backups/away"\nrecipients = ["PUBLIC"]', "and backups_dir lie in each other"),
        ('to = "file://FOLDER/x/../backups"\nrecipients = ["PUBLIC"]', "and backups_dir lie in each other"),
        ('to = "file://FOLDER"\nrecipients = ["PUBLIC"]', "and backups_dir lie in each other"),
        ('to = "file://FOLDER/sessions/away"\nrecipients = ["PUBLIC"]', "lies among the logins"),
        ("retention = 0", 'must be a number of copies, at least 1, or "keep"'),
        ('retention = "all"', 'must be a number of copies, at least 1, or "keep"'),
        ("retention = true", 'must be a number of copies, at least 1, or "keep"'),
        ('recipient = "x"', 'did you mean "recipients"'),
    ],
)
def test_what_cannot_be_meant_is_said(tmp_path: Path, table: str, said: str) -> None:
    message = refused(tmp_path, table)
    assert said in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "given", ["SECRET", "secret", "ssh-ed25519 SECRET", "-----BEGIN OPENSSH PRIVATE KEY----- SECRET"]
)
def test_a_private_key_is_refused_and_not_repeated(tmp_path: Path, given: str) -> None:
    key = given.replace("SECRET", SECRET).replace("secret", SECRET.lower())
    message = refused(tmp_path, f'to = "file:///mnt/nas"\nrecipients = ["{key}"]')
    assert "offsite.recipients holds a private key" in message
    assert SECRET[-30:].lower() not in message.lower()


def test_plain_http_to_this_host_or_by_word_is_fine(tmp_path: Path) -> None:
    lines = f'to = "s3://copies"\nrecipients = ["{PUBLIC}"]\n'
    for more in ('endpoint = "http://127.0.0.1:9000"', 'endpoint = "http://nas"\nallow_http = true'):
        assert settings(tmp_path, lines + more).installation.offsite.endpoint
