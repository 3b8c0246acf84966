"""Putting copies back. A login must survive it, and a ratchet must not go back in time.

Every way back first backs up what lies there, writes keys before creds, and refuses to mix two logins. One that fails
half way leaves what lay there before; one that was killed is done again from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from baileykeep.backups import minted
from baileykeep.backups.archive import Manifest
from baileykeep.backups.rollback import take_back
from baileykeep.backups.vault import Snapshot, Vault
from baileykeep.backups.witness import Witness, gone_since, nobody
from baileykeep.model.backup import BackupKind, RestoreMode, RestoreReport
from baileykeep.model.errors import BackupError, Refused, StoreError
from baileykeep.model.evidence import BackedUp, Removed, Removing, Way
from baileykeep.model.inventory import NEVER_CLEANED, Category, Creds, CredsState, FileEntry
from baileykeep.rules.creds_file import parse_creds, with_pre_key_ids
from baileykeep.rules.naming import CREDS, category_of, is_own, memory_group, pre_key_id, sender_key
from baileykeep.stores.base import AuthStore

_IDENTITY = NEVER_CLEANED - {Category.OTHER}
DAMAGED = frozenset({CredsState.EMPTY, CredsState.ZEROED, CredsState.TORN})
"""States of creds in which there is no login left to be lost."""


def restore(
    vault: Vault, store: AuthStore, name: str, mode: RestoreMode, now: float, *, opened_since: bool
) -> RestoreReport:
    """Put a backup back; the caller has proved that the session is stopped.

    IDENTITY brings creds, app state and contact identities, and the pre-keys that are absent now. FULL brings
    everything, and only from a COLD backup of a session that was not opened since. Raises `Refused` when another
    paired login lies there.
    """
    with vault.shelf.held(store.company):
        manifest, contents = _loaded(vault, store, name)
        _check_mode(manifest, mode, opened_since)
        there = _there(vault, store)
        _check_login(manifest, contents, there)
        names = _of_mode(mode, contents, there)
        return _put_back(vault, store, name, manifest, contents, names, there, now)


def undo(vault: Vault, store: AuthStore, name: str, now: float, *, opened_since: bool) -> RestoreReport:
    """Take a cleanup or a repair back with its cold backup; the caller has proved that the session is stopped.

    Once the session was opened only sessions, sender keys and pre-keys that are absent now come back, and who has
    our group keys only together with the key itself.
    """
    with vault.shelf.held(store.company):
        manifest, contents = _loaded(vault, store, name)
        if manifest.kind is not BackupKind.COLD:
            raise Refused("only a cold backup is an undo", code="not_cold")
        there = _there(vault, store)
        _check_login(manifest, contents, there)
        names = _absent(contents, there) if opened_since else _of_mode(RestoreMode.FULL, contents, there)
        return _put_back(vault, store, name, manifest, contents, names, there, now)


def put_back(vault: Vault, store: AuthStore, name: str, now: float, witness: Witness = nobody) -> RestoreReport:
    """Put a set-aside back; the caller has proved that the session is stopped.

    Of named files only those that are absent come back. A whole folder comes back over whatever a pairing that
    never was finished left there, which is removed after its own backup. A pairing that was finished is `Refused`.
    """
    with vault.shelf.held(store.company):
        manifest, contents = _loaded(vault, store, name)
        if manifest.kind is not BackupKind.ASIDE:
            raise Refused("this is a backup, not a set-aside", next_step="use restore", code="not_aside")
        there = _there(vault, store)
        _check_login(manifest, contents, there)
        if not manifest.whole or not _is_fresh(manifest, there):
            names = _absent(contents, there, everything=manifest.whole)
            return _put_back(vault, store, name, manifest, contents, names, there, now)
        strangers = _strangers(contents, there)

        def clear(replaced: str | None) -> None:
            _remove_strangers(vault, store, replaced, strangers, witness)

        return _put_back(vault, store, name, manifest, contents, _ours(contents), there, now, clear, strangers)


def _loaded(vault: Vault, store: AuthStore, name: str) -> tuple[Manifest, Mapping[str, bytes]]:
    """A copy as this store would hold it: one that was taken of a folder may go back into a database."""
    _, manifest, contents = vault.load(store.company, name)
    ours = store.normal({file: contents[file] for file in _ours(contents)})
    return manifest, {**contents, **ours}


def _remove_strangers(
    vault: Vault, store: AuthStore, replaced: str | None, strangers: Sequence[FileEntry], witness: Witness
) -> None:
    """What a pairing that never was finished left, after the backup that was made of it."""
    if not strangers:
        return
    undo = vault.verify(store.company, replaced) if replaced is not None else None
    if undo is not None:
        witness(BackedUp(undo))
    listing, names = store.listing(), tuple(file.name for file in strangers)
    witness(Removing(Way.PUT_BACK, names, listing.files, listing.token, undo))
    store.remove_unchanged(strangers)
    witness(Removed(gone_since(listing, store.listing())))


def _check_mode(manifest: Manifest, mode: RestoreMode, opened_since: bool) -> None:
    if manifest.kind is BackupKind.ASIDE:
        raise Refused("a set-aside is put back, not restored", next_step="use put-back", code="is_aside")
    if mode is RestoreMode.IDENTITY:
        return
    if manifest.kind is not BackupKind.COLD:
        raise Refused(
            f"a {manifest.kind} backup was not taken of a stopped session, so its ratchets may be torn apart",
            next_step="use --mode identity",
            code="not_cold",
        )
    if opened_since:
        raise Refused(
            "the session was open since this backup: older sessions would make every later message unreadable",
            next_step="use --mode identity",
            code="opened_since",
        )


def _there(vault: Vault, store: AuthStore) -> Snapshot | None:
    """What lies in the folder now; None when nothing does. Refuses before anything is begun."""
    store.check_writable()
    store.sweep()
    return vault.present(store)


def _check_login(manifest: Manifest, contents: Mapping[str, bytes], there: Snapshot | None) -> None:
    """Two logins are never mixed, and a paired login is never replaced by one that is not."""
    now = there.creds if there else Creds(CredsState.MISSING)
    if now.state is CredsState.UNREADABLE:
        raise Refused("the creds that lie there cannot be read", code="creds_unreadable")
    if not (now.state is CredsState.WHOLE and now.paired):
        return
    if now.identity != manifest.identity or not manifest.paired:
        raise Refused(
            "another paired login lies in the folder than the one in this backup",
            next_step="if the one in the folder is not wanted, set the whole folder aside first",
            code="other_login",
        )


def _of_mode(mode: RestoreMode, contents: Mapping[str, bytes], there: Snapshot | None) -> list[str]:
    """Names to write; those that already are what the backup holds are left alone."""
    present = there.contents if there else {}

    def wanted(name: str) -> bool:
        category = category_of(name)
        if mode is RestoreMode.FULL or category in _IDENTITY:
            return present.get(name) != contents[name]
        return category is Category.PRE_KEY and name not in present

    return [name for name in _ours(contents) if wanted(name)]


def _absent(contents: Mapping[str, bytes], there: Snapshot | None, *, everything: bool = False) -> list[str]:
    """Names that are not there now. Without `everything` only what a cleanup or a repair could have removed."""
    present = {file.name for file in there.listing.files} if there else set()
    if there is not None and there.creds.state in DAMAGED:
        present.discard(CREDS)
    others = {name for name in present if there is not None and there.contents.get(name) != contents.get(name)}
    own_groups = _groups_with_own_key(others, there.creds) if there else set()
    return [
        name
        for name in _ours(contents)
        if name not in present
        and memory_group(name) not in own_groups
        and (everything or category_of(name) not in NEVER_CLEANED)
    ]


def _groups_with_own_key(names: set[str], creds: Creds) -> set[str | None]:
    """Groups for which a key of ours is among these: a new one, that members do not have yet."""
    keys = [key for name in names if (key := sender_key(name)) is not None]
    return {key.group for key in keys if is_own(key, creds) is not False}


def _ours(contents: Mapping[str, bytes]) -> list[str]:
    """Baileys' own files; strangers are kept in a backup and never put back by us."""
    return [name for name in contents if category_of(name) is not Category.OTHER]


def _is_fresh(manifest: Manifest, there: Snapshot | None) -> bool:
    """Whether what lies there is a new identity that never was paired."""
    if there is None or there.creds.state is not CredsState.WHOLE:
        return False
    return not there.creds.paired and there.creds.identity != manifest.identity


def _strangers(contents: Mapping[str, bytes], there: Snapshot | None) -> list[FileEntry]:
    files = there.listing.files if there else ()
    return [file for file in files if file.category is not Category.OTHER and file.name not in contents]


def _put_back(
    vault: Vault,
    store: AuthStore,
    name: str,
    manifest: Manifest,
    contents: Mapping[str, bytes],
    names: list[str],
    there: Snapshot | None,
    now: float,
    clear: Callable[[str | None], None] = lambda _replaced: None,
    cleared: Sequence[FileEntry] = (),
) -> RestoreReport:
    """Back up, `clear` (which removes the `cleared`), write. Creds come last: until then it looks unfinished."""
    creds = contents.get(CREDS, b"")
    if CREDS in names:
        known = minted.next_pre_key_id(vault, store.company, manifest.identity)
        creds = safe_creds(creds, [*names, *(there.contents if there else ())], there, known)
    replaced = None
    if there is not None and names:
        replaced = vault.put(store, BackupKind.COLD, there, now, reason=f"before {name} was put back").name
        vault.tidy(store.company, now, protected=(replaced, name))
    data = {file: contents[file] for file in names} | ({CREDS: creds} if CREDS in names else {})
    try:
        with store.together():
            clear(replaced)
            _write(store, manifest, data)
    except StoreError:
        take_back(store, there, {*names, *(file.name for file in cleared)}, manifest.mode)
        raise
    _check_written(store, data)
    return RestoreReport(name, tuple(names), replaced, parse_creds(creds).next_pre_key_id if CREDS in names else None)


def _write(store: AuthStore, manifest: Manifest, data: Mapping[str, bytes]) -> None:
    mtimes = {file.name: file.mtime for file in manifest.files}
    for name in sorted(data, key=lambda name: name == CREDS):
        store.write(name, data[name], mtime=None if name == CREDS else mtimes[name], mode=manifest.mode)


def safe_creds(data: bytes, names: list[str], there: Snapshot | None, known: int = 0) -> bytes:
    """Creds whose next pre-key id lies past every pre-key file, what the creds in place had reached, and `known`."""
    old = parse_creds(data)
    reached = [known, *(ident + 1 for name in names if (ident := pre_key_id(name)) is not None)]
    if there is not None and there.creds.identity == old.identity:
        reached.append(there.creds.next_pre_key_id or 0)
    try:
        return with_pre_key_ids(data, max(reached))
    except ValueError as error:
        raise BackupError("the creds in this backup are damaged", next_step="use another one") from error


def _check_written(store: AuthStore, data: Mapping[str, bytes]) -> None:
    if store.read_all(list(data)) != store.normal(data):
        raise BackupError("what was put back is not what lies there now: something else writes into the folder")
