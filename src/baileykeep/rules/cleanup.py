"""What a cleanup may remove. This module can cost somebody a login, so it errs towards keeping.

The invariants, checked on every plan before it leaves this module:
- it removes only files of its listing, and of them only sessions, sender keys and pre-keys;
- nothing on it is younger than the floor, and the floor is never below `MIN_AGE_FLOOR_DAYS`;
- at least `MIN_PRE_KEYS` pre-keys stay, or all that are there;
- no sender-key-memory goes without our own sender key of that group, and none stays when that key goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from baileykeep.model.errors import Refused, UsageError
from baileykeep.model.inventory import (
    NEVER_CLEANED,
    Category,
    CleanupPlan,
    Creds,
    CredsState,
    FileEntry,
    Listing,
    PreKeys,
    Removal,
)
from baileykeep.model.limits import DAY, MIN_AGE_FLOOR_DAYS, MIN_PRE_KEYS, CleanupLimits, Limits
from baileykeep.rules.counting import categories_of, counted_of, level_of
from baileykeep.rules.naming import is_own, memory_file, memory_group, pre_key_id, sender_key
from baileykeep.rules.pre_keys import PoolKnowledge, pre_keys_of, removable_ids

POLICIES = ("pool", "newest")
_NO_TIME_BEFORE = 1_230_768_000.0
"""2009, before WhatsApp: an mtime earlier than this is a lost one, not a great age."""
_UNSURE = "their groups' memory is too young, or it is not certain that they are not our own"


class BrokenInvariantError(AssertionError):
    """A plan broke a golden rule: a defect of this program. The plan is not handed out."""


def as_configured(
    listing: Listing,
    creds: Creds,
    pre_keys: PreKeys,
    limits: Limits,
    *,
    now: float,
    reference: float | None = None,
    low_seen: bool = False,
) -> Removals:
    """What a cleanup as configured would really remove: nothing where it would be refused."""
    try:
        return removals(listing, creds, pre_keys, limits, now=now, reference=reference, low_seen=low_seen)
    except Refused as refusal:
        return Removals((), (refusal.cause,))


def reference_of(listing: Listing, last_up_at: float | None) -> float | None:
    """The moment from which ages count for the daemon: last seen connected, else the newest write of the folder."""
    return last_up_at if last_up_at is not None else max((file.mtime for file in listing.files), default=None)


@dataclass(frozen=True, slots=True)
class Removals:
    """The files of a plan, and what to tell beside it."""

    remove: tuple[Removal, ...]
    notes: tuple[str, ...] = ()

    def kept_of(self, listing: Listing) -> dict[Category, int]:
        """How many files of each category stay."""
        gone = {removal.name for removal in self.remove}
        return categories_of(file for file in listing.files if file.name not in gone)


def plan(
    listing: Listing,
    creds: Creds,
    pool: PoolKnowledge,
    limits: Limits,
    *,
    now: float,
    reference: float | None = None,
    policy: str | None = None,
    force: bool = False,
    baileys: str | None = None,
) -> CleanupPlan:
    """The plan for exactly this listing.

    Ages are measured from `reference` or from `now`, whichever is earlier. The daemon gives the last time it saw
    the session connected, and the newest mtime where it never did: a company that was off for a month has no old
    files. `policy` overrides the configured one. `force` allows "newest" on an 812-born folder and lowers the
    floor to the hard one; it skips nothing else. `baileys` is the company's "6" or "7" where it is configured.
    Raises `Refused` for "newest" where it is not allowed, `UsageError` for an unknown policy.
    """
    pre_keys = pre_keys_of(listing.files, creds, pool, baileys)
    found = removals(
        listing,
        creds,
        pre_keys,
        limits,
        now=now,
        reference=reference,
        low_seen=pool.low_seen,
        policy=policy,
        force=force,
    )
    kept = found.kept_of(listing)
    before = counted_of(categories_of(listing.files), pre_keys.born_812, limits.thresholds)
    after = counted_of(kept, pre_keys.born_812, limits.thresholds)
    return CleanupPlan(
        remove=found.remove,
        kept=kept,
        counted_after=after,
        level_before=level_of(before, limits.thresholds),
        level_after=level_of(after, limits.thresholds),
        token=listing.token,
        notes=found.notes,
    )


def removals(
    listing: Listing,
    creds: Creds,
    pre_keys: PreKeys,
    limits: Limits,
    *,
    now: float,
    reference: float | None,
    low_seen: bool,
    policy: str | None = None,
    force: bool = False,
) -> Removals:
    """What goes, in the order in which it is removed; nothing where there is no login that could be kept."""
    chosen = policy or limits.cleanup.policy
    if chosen not in POLICIES:
        raise UsageError(f'unknown policy "{chosen}"', next_step=f"there are: {', '.join(POLICIES)}")
    if chosen == "newest" and pre_keys.born_812 and not force:
        raise Refused(
            'the policy "newest" would delete pre-keys that the server still hands out: this folder began with 812',
            next_step='use the policy "pool", or add --force if contacts may lose their first message',
            code="newest_on_812",
        )
    if creds.state is not CredsState.WHOLE or not creds.paired:
        return Removals((), ("the creds are not whole and paired, so nothing may be removed",))
    ages = Ages(limits.cleanup, now if reference is None else min(reference, now), force, now)
    keys, notes = _sender_keys(listing.files, creds, ages)
    found = (
        *_sessions(listing.files, ages),
        *keys,
        *_pre_keys(listing.files, pre_keys, ages, limits.cleanup, literal=chosen == "newest", low_seen=low_seen),
    )
    check(found, listing, creds, ages)
    return Removals(found, notes)


class Ages:
    """How old files are, and the ages past which each kind goes. All in days.

    What its gateway let expire before `now` goes past the floor already; it never goes before that.
    """

    def __init__(self, limits: CleanupLimits, reference: float, force: bool, now: float | None = None):
        self._reference = reference
        self._now = reference if now is None else now
        self.floor = MIN_AGE_FLOOR_DAYS if force else max(MIN_AGE_FLOOR_DAYS, limits.min_age_days)
        self.session = max(self.floor, limits.session_age_days)
        self.sender_key = max(self.floor, limits.sender_key_age_days)

    def of(self, file: FileEntry) -> float:
        """Days since the last write; 0 for a future mtime and for one that was lost."""
        if not _NO_TIME_BEFORE <= file.mtime <= self._reference:
            return 0.0
        return (self._reference - file.mtime) / DAY

    def expired(self, file: FileEntry) -> bool:
        """Whether its gateway takes it for gone."""
        return file.expires_at is not None and file.expires_at < self._now

    def due(self, file: FileEntry, days: float) -> bool:
        """Whether it may go, where its kind goes past so many days."""
        return self.of(file) > (self.floor if self.expired(file) else days)

    def words(self, file: FileEntry, what: str) -> str:
        """Why it goes."""
        return f"{what} {'expired, and ' if self.expired(file) else ''}not used for {self.of(file):.0f} days"


def _sessions(files: Iterable[FileEntry], ages: Ages) -> tuple[Removal, ...]:
    return tuple(
        _removal(file, ages, ages.words(file, "session"))
        for file in files
        if file.category is Category.SESSION and ages.due(file, ages.session)
    )


def _sender_keys(files: Iterable[FileEntry], creds: Creds, ages: Ages) -> tuple[tuple[Removal, ...], tuple[str, ...]]:
    """Old keys of others go by themselves; our own only with the group's memory, or not at all."""
    by_name = {file.name: file for file in files}
    gone: list[Removal] = []
    groups_kept: set[str] = set()
    for file in by_name.values():
        key = sender_key(file.name)
        if key is None or not ages.due(file, ages.sender_key):
            continue
        memory = by_name.get(memory_file(key.group))
        own = is_own(key, creds)
        if own is False or (own is None and memory is None):
            gone.append(_removal(file, ages, f"{ages.words(file, 'sender key')}; groups send a new one"))
        elif own is True and (memory is None or ages.of(memory) > ages.floor):
            gone += _own_with_memory(file, memory, ages)
        else:
            groups_kept.add(key.group)
    notes = (f"{len(groups_kept)} old sender keys stay: {_UNSURE}",) if groups_kept else ()
    return tuple({removal.name: removal for removal in gone}.values()), notes


def _own_with_memory(file: FileEntry, memory: FileEntry | None, ages: Ages) -> tuple[Removal, ...]:
    """Memory first: a crash between the two then only makes us send the group key once more."""
    own = _removal(file, ages, ages.words(file, "our own sender key"))
    if memory is None:
        return (own,)
    return (_removal(memory, ages, "goes with our own sender key, or members would never get the new one"), own)


def _pre_keys(
    files: Iterable[FileEntry],
    known: PreKeys,
    ages: Ages,
    limits: CleanupLimits,
    *,
    literal: bool,
    low_seen: bool,
) -> tuple[Removal, ...]:
    by_id = {ident: file for file in files if (ident := pre_key_id(file.name)) is not None}
    keep = max(MIN_PRE_KEYS, limits.keep_pre_keys, 0 if literal else known.pool_bound)
    old = removable_ids(by_id, keep, born=known.born_812 and not literal, low_seen=low_seen, next_id=known.next_id)
    return tuple(
        _removal(by_id[ident], ages, f"older than the newest {keep} pre-keys, which the server may still hand out")
        for ident in old
        if ages.of(by_id[ident]) > ages.floor
    )


def _removal(file: FileEntry, ages: Ages, reason: str) -> Removal:
    return Removal(file.name, file.category, ages.of(file), reason)


def check(found: Iterable[Removal], listing: Listing, creds: Creds, ages: Ages) -> None:
    """Raise `BrokenInvariantError` unless a plan keeps every golden rule; see the head of this module."""
    there = {file.name: file for file in listing.files}
    names = {removal.name for removal in found}
    if len(names) != len(tuple(found)) or not names <= there.keys():
        raise BrokenInvariantError("a plan names a file twice, or one that is not in its listing")
    for name in names:
        if there[name].category in NEVER_CLEANED:
            raise BrokenInvariantError(f"a plan would remove {there[name].category}")
        if ages.of(there[name]) < ages.floor:
            raise BrokenInvariantError("a plan would remove a file younger than the floor")
    pre_keys = {file.name for file in listing.files if file.category is Category.PRE_KEY}
    if len(pre_keys - names) < min(MIN_PRE_KEYS, len(pre_keys)):
        raise BrokenInvariantError(f"a plan would leave fewer than {MIN_PRE_KEYS} pre-keys")
    _check_memories(there, names, creds)


def _check_memories(there: Mapping[str, FileEntry], names: set[str], creds: Creds) -> None:
    keys = [(name, key) for name in there if (key := sender_key(name)) is not None]
    own_gone = {key.group for name, key in keys if name in names and is_own(key, creds)}
    memories = {group: name for name in there if (group := memory_group(name)) is not None}
    if any((name in names) != (group in own_gone) for group, name in memories.items()):
        raise BrokenInvariantError("a plan would part our own sender key from its memory")
