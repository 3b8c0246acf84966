"""Which pre-keys the server may still hand out, told from the log and from what lies in the folder.

Deleting a key whose public half the server still holds breaks that contact's first message, so everything here
errs towards keeping: whatever is void or unknown falls back to the largest pool that Baileys makes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from baileykeep.model.facts import Fact, FilesSeen, LogGap, PairingDone, PreKeysOnServer, PreKeysUploaded, StreamOpened
from baileykeep.model.inventory import Creds, FileEntry, Inventory, PreKeys
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import Subject, Symptom
from baileykeep.rules.naming import pre_key_id

FIRST_UPLOAD_7 = 812
FIRST_UPLOAD_6 = 30
TOP_UP_7 = 5
LOW_ON_SERVER = 5
BORN_812_AT_SIGHT = 600
UNCOUNTED_812 = FIRST_UPLOAD_7 - FIRST_UPLOAD_6
"""So many pre-keys of an 812-born folder are its birth, not growth; they do not count towards a level."""
POOL_812 = FIRST_UPLOAD_7 + TOP_UP_7
POOL_6 = FIRST_UPLOAD_6 + LOW_ON_SERVER


@dataclass(frozen=True, slots=True)
class PoolKnowledge:
    """What is known of the server's pool. The default is what an offline look knows: nothing.

    `server_count` is None when no count holds any more. `low_seen`: after the upload of 812, a count of at most
    5 was seen, so the ids up to 812 are used up. `zero_seen`: a count of 0 that may have been the first open,
    before the upload. `last_files` is the number of pre-key files at the last sight.
    """

    server_count: int | None = None
    counted_since_open: bool = False
    uploaded_812: bool = False
    seen_812: bool = False
    low_seen: bool = False
    zero_seen: bool = False
    last_files: int | None = None
    identity: str | None = None


def step(
    state: PoolKnowledge, subject: Subject, fact: Fact, now: float, limits: Limits
) -> tuple[PoolKnowledge, tuple[Symptom, ...]]:
    """Fold one fact; there are no symptoms of its own."""
    match fact:
        case PreKeysOnServer(count=count):
            state = _counted(state, count)
        case PreKeysUploaded(count=count):
            state = _uploaded(state, count)
        case StreamOpened():
            known = state.server_count if state.counted_since_open else None
            state = replace(state, server_count=known, counted_since_open=False)
        case LogGap():
            state = replace(state, server_count=None, counted_since_open=False, zero_seen=False)
        case PairingDone():
            state = PoolKnowledge(identity=state.identity, last_files=0)
        case FilesSeen(inventory=inventory):
            state = _files(state, inventory)
    return state, ()


def _counted(state: PoolKnowledge, count: int) -> PoolKnowledge:
    """Every open logs a count before it opens. The very first one is 0, and 812 keys are uploaded after it."""
    state = replace(state, server_count=count, counted_since_open=True, zero_seen=False)
    if count > LOW_ON_SERVER:
        return state
    if count == 0 and not state.uploaded_812:
        return replace(state, zero_seen=True)
    return replace(state, low_seen=True)


def _uploaded(state: PoolKnowledge, count: int | None) -> PoolKnowledge:
    state = replace(state, server_count=None)
    if count is None:
        return state
    if count >= BORN_812_AT_SIGHT:
        return replace(state, uploaded_812=True, low_seen=False, zero_seen=False)
    return replace(state, low_seen=state.low_seen or state.zero_seen, zero_seen=False)


def _files(state: PoolKnowledge, inventory: Inventory) -> PoolKnowledge:
    """612 keys more than at the last look were minted at once; a folder met with 600 was born with them."""
    count, identity = inventory.pre_keys.count, inventory.creds.identity
    if identity and state.identity and identity != state.identity:
        state = PoolKnowledge()
    before = state.last_files or 0
    born = count - before >= BORN_812_AT_SIGHT
    return replace(
        state,
        seen_812=state.seen_812 or born,
        last_files=count,
        identity=identity or state.identity,
    )


def born_812(pool: PoolKnowledge, count: int, next_id: int | None, baileys: str | None = None) -> bool:
    """Whether the folder began with an upload of 812 keys; a company's `baileys` setting decides where it is given.

    A folder never looked at before is judged by its pre-key count now, and by arithmetic: 6.x mints 30 at a
    time, so its next id is one past a multiple of five, and only batches of 812 move it off that.
    """
    if baileys in ("6", "7"):
        return baileys == "7"
    if pool.uploaded_812 or pool.seen_812:
        return True
    if pool.last_files is None and count >= BORN_812_AT_SIGHT:
        return True
    return next_id is not None and next_id > FIRST_UPLOAD_7 and next_id % 5 != 1


def pool_bound(pool: PoolKnowledge, born: bool) -> int:
    """How many of the newest pre-keys the server may still hand out."""
    if pool.server_count is not None:
        return pool.server_count + LOW_ON_SERVER
    return POOL_812 if born else POOL_6


def pre_keys_of(files: Iterable[FileEntry], creds: Creds, pool: PoolKnowledge, baileys: str | None = None) -> PreKeys:
    """The pre-keys of a folder, with those that cannot be (`n` at or past the next id: rolled-back creds)."""
    ids = {ident: file.name for file in files if (ident := pre_key_id(file.name)) is not None}
    next_id = creds.next_pre_key_id
    born = born_812(pool, len(ids), next_id, baileys)
    strange = sorted(ident for ident in ids if next_id is not None and ident >= next_id)
    return PreKeys(
        count=len(ids),
        newest=max(ids, default=None),
        next_id=next_id,
        pool_bound=pool_bound(pool, born),
        anomalies=tuple(ids[ident] for ident in strange),
        born_812=born,
    )


def removable_ids(
    ids: Iterable[int], keep_newest: int, *, born: bool, low_seen: bool, next_id: int | None
) -> tuple[int, ...]:
    """The ids past the newest `keep_newest`, oldest first; anomalies neither go nor fill a place among the kept.

    On an 812-born folder nothing up to 812 goes before a low server count proved them used up.
    """
    if next_id is None:
        return ()
    real = sorted(ident for ident in ids if ident < next_id)
    old = real[: max(0, len(real) - keep_newest)]
    first_stay = born and not low_seen
    return tuple(ident for ident in old if not (first_stay and ident <= FIRST_UPLOAD_7))
