"""Copies come home: to the host that sent them, and to a new one that has only the key."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pyrage import x25519

from baileykeep.backups.archive import sha256
from baileykeep.backups.offsite import bringing
from baileykeep.backups.offsite.seal import generated, identities, recipient, seal, unseal
from baileykeep.backups.restore import restore
from baileykeep.backups.shelf import SUFFIX
from baileykeep.model.backup import Backup, RestoreMode
from baileykeep.model.errors import BackupError, OffsiteError, Refused, UsageError
from baileykeep.rules.naming import CREDS
from tests.unit.auth_folders import contents, copy_of
from tests.unit.backups.offsite.hosts import Host, host, keys, names

KEYS = [x25519.Identity.from_str(keys()[0])]


@pytest.fixture
def a(tmp_path: Path) -> Host:
    return host(tmp_path, "a")


@pytest.fixture
def b(tmp_path: Path, a: Host) -> Host:
    """A new host: an empty vault, no login."""
    return host(tmp_path, "b", login=False)


def fetched(at: Host, name: str | None = None, *, keys: Any = KEYS) -> Backup:
    copy = bringing.choose(at.target, at.store.company, name)
    return bringing.bring(at.vault, at.target, copy, keys, at.key, at.now)


def test_a_new_host_gets_the_login_with_the_key_alone(tmp_path: Path, a: Host, b: Host) -> None:
    shutil.rmtree(a.store.folder)
    copy_of("auth-7", a.store.folder)
    original = contents(a.store.folder)
    made = a.back_up()
    (a.store.folder / "session-4915177777777.0.json").unlink()
    a.send()
    b.store.folder.mkdir()
    assert fetched(b).name == made.name
    report = restore(b.vault, b.store, made.name, RestoreMode.IDENTITY, a.now, opened_since=True)
    there = contents(b.store.folder)
    ratchets = {n: d for n, d in original.items() if n.startswith(("session-", "sender-key-"))}
    assert there == {n: d for n, d in original.items() if n not in ratchets}
    assert len(report.written) == len(there) > 800
    assert json.loads(there[CREDS])["account"]


def test_it_is_not_sent_again_from_there(tmp_path: Path, a: Host, b: Host) -> None:
    a.back_up()
    a.send()
    fetched(b)
    assert b.send().sent == []
    assert [sent.ours for sent in b.ledger().sent] == [False]


def test_the_newest_paired_login_comes_unless_another_is_named(a: Host, b: Host) -> None:
    old, login, torn = a.back_up(), a.back_up(), a.back_up(paired=False)
    a.send()
    assert fetched(b).name == login.name
    assert fetched(b, old.name).name == old.name
    assert fetched(b, torn.name).name == torn.name
    assert set(b.vault.shelf.names("c")) == set(names([old, login, torn]))


def test_where_no_login_lies_the_newest_comes(a: Host, b: Host) -> None:
    made = [a.back_up(paired=False) for _ in range(2)]
    a.send()
    assert fetched(b).name == made[1].name


def test_one_that_is_here_already_is_fine_and_another_is_not_written_over(a: Host) -> None:
    made = a.back_up()
    a.send()
    assert fetched(a).name == made.name
    archive = a.vault.shelf.path("c") / f"{made.name}{SUFFIX}"
    archive.write_bytes(b"another")
    with pytest.raises(Refused, match="another backup lies here"):
        fetched(a)
    assert archive.read_bytes() == b"another"


def test_nothing_there_is_said(b: Host) -> None:
    with pytest.raises(OffsiteError, match="there is no copy of c at"):
        fetched(b)
    with pytest.raises(OffsiteError, match="there is no copy 20270115T080000Z-hot-ab12"):
        fetched(b, "20270115T080000Z-hot-ab12")
    with pytest.raises(UsageError, match="is not the name of a backup"):
        fetched(b, "../x")


def test_another_identity_opens_nothing(a: Host, b: Host) -> None:
    a.back_up()
    a.send()
    with pytest.raises(OffsiteError, match="sealed for another key") as error:
        fetched(b, keys=[x25519.Identity.generate()])
    assert error.value.code == "wrong_identity"
    assert b.vault.shelf.names("c") == []


Attack = Callable[[Host, Path, Backup, Backup], None]


def _file(far: Path, made: Backup, end: str = ".tar.zst.age") -> Path:
    return far / f"{made.name}{end}"


def cut_off(_a: Host, far: Path, _old: Backup, new: Backup) -> None:
    _file(far, new).write_bytes(_file(far, new).read_bytes()[:-1])


def flipped(_a: Host, far: Path, _old: Backup, new: Backup) -> None:
    data = bytearray(_file(far, new).read_bytes())
    data[-40] ^= 1
    _file(far, new).write_bytes(data)


def flipped_with_its_entry(a: Host, far: Path, old: Backup, new: Backup) -> None:
    flipped(a, far, old, new)
    _rewrite(far, new, sealed_sha256=sha256(_file(far, new).read_bytes()))


def replayed(_a: Host, far: Path, old: Backup, new: Backup) -> None:
    """The older copy under the newer name, with an entry that fits it."""
    _file(far, new).write_bytes(_file(far, old).read_bytes())
    entry = json.loads(_file(far, old, ".json").read_text())
    _file(far, new, ".json").write_text(json.dumps({**entry, "name": new.name}))


def replayed_with_a_forged_date(a: Host, far: Path, old: Backup, new: Backup) -> None:
    replayed(a, far, old, new)
    _rewrite(far, new, created_at=new.created_at)


def of_another_company(a: Host, far: Path, _old: Backup, new: Backup) -> None:
    """Another company's copy, with an entry that claims it for this one."""
    other = a.vault.shelf.path("c").parents[1]
    stranger = host(far.parents[1], "stranger", company="d")
    stranger.now = a.now - 3600
    theirs = stranger.back_up()
    stranger.send()
    assert other.is_dir()
    data = _file(far.parent / "d", theirs).read_bytes()
    _file(far, new).write_bytes(data)
    entry = json.loads(_file(far.parent / "d", theirs, ".json").read_text())
    _file(far, new, ".json").write_text(json.dumps({**entry, "company": "c", "name": new.name}))


def entry_of_another_company(_a: Host, far: Path, _old: Backup, new: Backup) -> None:
    _rewrite(far, new, company="d")


def entry_that_is_none(_a: Host, far: Path, _old: Backup, new: Backup) -> None:
    _file(far, new, ".json").write_bytes(b"[" * 4000)


def another_archive_sealed_for_us(a: Host, far: Path, _old: Backup, new: Backup) -> None:
    """Whoever knows the public key can seal anything."""
    data = seal(b"not an archive", [keys()[1]])
    _file(far, new).write_bytes(data)
    _rewrite(far, new, sealed_sha256=sha256(data), sealed_bytes=len(data), sha256=sha256(b"not an archive"), bytes=14)


def another_of_our_archives(a: Host, far: Path, old: Backup, new: Backup) -> None:
    """What is inside is a backup of ours, and not the one that the entry names."""
    data = seal(a.vault.load("c", old.name)[0], [keys()[1]])
    _file(far, new).write_bytes(data)
    _rewrite(far, new, sealed_sha256=sha256(data), sealed_bytes=len(data))


def gone(_a: Host, far: Path, _old: Backup, new: Backup) -> None:
    _file(far, new).unlink()


def _rewrite(far: Path, made: Backup, **changes: object) -> None:
    path = _file(far, made, ".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("attack", "said"),
    [
        (cut_off, "is cut off"),
        (flipped, "was changed"),
        (flipped_with_its_entry, "damaged, cut off or tampered with"),
        (replayed, "an old one under a new name"),
        (replayed_with_a_forged_date, "an old one under a new name"),
        (of_another_company, "another company's login"),
        (entry_of_another_company, "belongs to another company"),
        (entry_that_is_none, "is not one"),
        (another_archive_sealed_for_us, "damaged"),
        (another_of_our_archives, "holds another archive than its entry says"),
    ],
)
def test_what_is_not_the_copy_is_refused_on_a_new_host(
    tmp_path: Path, a: Host, b: Host, attack: Attack, said: str
) -> None:
    old, new = a.back_up(), a.back_up()
    a.send()
    attack(a, tmp_path / "far" / "c", old, new)
    with pytest.raises(BackupError, match=said) as error:
        fetched(b)
    assert error.value.next_step
    assert b.vault.shelf.names("c") == []
    assert fetched(b, old.name).name == old.name


def test_one_that_is_gone_does_not_count_and_the_next_one_comes(tmp_path: Path, a: Host, b: Host) -> None:
    old, new = a.back_up(), a.back_up()
    a.send()
    gone(a, tmp_path / "far" / "c", old, new)
    assert fetched(b).name == old.name


@pytest.mark.parametrize("attack", [replayed, flipped_with_its_entry, another_archive_sealed_for_us])
def test_the_host_that_sent_it_knows_at_once(tmp_path: Path, a: Host, attack: Attack) -> None:
    old, new = a.back_up(), a.back_up()
    a.send()
    attack(a, tmp_path / "far" / "c", old, new)
    with pytest.raises(OffsiteError, match="is not the one that this host sent"):
        fetched(a)


# --- keys ---------------------------------------------------------------------------------------------------------


def test_several_keys_each_open_it(tmp_path: Path) -> None:
    secrets = [generated() for _ in range(2)]
    sealed = seal(b"login", [public for _, public in secrets])
    for number, (secret, public) in enumerate(secrets):
        path = tmp_path / f"key{number}"
        path.write_text(f"# public key: {public}\n\n{secret}\n")
        assert unseal(sealed, identities(path)) == b"login"


def test_an_ssh_key_opens_what_was_sealed_for_it(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert unseal(seal(b"login", [f"{public} me@laptop"]), identities(_written(tmp_path, private))) == b"login"


@pytest.mark.parametrize("text", ["", "PUBLIC", "ssh-ed25519 x", "\x00", "AGE-SECRET-KEY-1ABCDEF"])
def test_what_is_no_identity_is_refused_without_being_repeated(tmp_path: Path, text: str) -> None:
    text = text.replace("PUBLIC", keys()[1])
    with pytest.raises(UsageError, match="identity") as error:
        identities(_written(tmp_path, text))
    assert len(text) < 3 or text not in str(error.value)


def test_an_identity_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        identities(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not text"):
        identities(tmp_path / "bytes")
    with pytest.raises(UsageError, match="must be ed25519 or RSA"):
        identities(_written(tmp_path, "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"))


@pytest.mark.parametrize("made", [str, str.lower, " {}".format, "-----BEGIN OPENSSH PRIVATE KEY----- {}".format])
def test_a_private_key_is_no_recipient_and_is_not_repeated(made: Callable[[str], str]) -> None:
    text = made(keys()[0])
    with pytest.raises(ValueError, match="holds a private key") as error:
        recipient(text)
    assert keys()[0][-20:].lower() not in str(error.value).lower()
    assert error.value.__cause__ is None


def test_no_recipient_seals_nothing() -> None:
    for none in ([], ["age1nonsense"]):
        with pytest.raises(OffsiteError, match="no public key"):
            seal(b"x", none)
    with pytest.raises(pyrage.EncryptError):
        pyrage.encrypt(b"x", [])


def _written(folder: Path, text: str) -> Path:
    path = folder / "key"
    path.write_text(text)
    return path
