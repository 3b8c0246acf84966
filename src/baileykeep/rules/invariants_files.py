"""Promises about what leaves an auth folder. Each answers with what is wrong, or with an empty text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from baileykeep.model.backup import BackupKind
from baileykeep.model.evidence import Evidence, Planned, Removed, Removing, Way
from baileykeep.model.incident import Rung
from baileykeep.model.inventory import NEVER_CLEANED, Category, FileEntry
from baileykeep.model.limits import DAY, MIN_AGE_FLOOR_DAYS, MIN_PRE_KEYS, Limits
from baileykeep.rules.watch import Watch

WAYS: Mapping[Way, frozenset[Rung]] = {
    Way.CLEANUP: frozenset({Rung.CLEANUP}),
    Way.NAMED_ASIDE: frozenset({Rung.REPAIR_SESSIONS}),
    Way.WHOLE_ASIDE: frozenset({Rung.RELINK, Rung.PAIR_AGAIN, Rung.RESET}),
    Way.PUT_BACK: frozenset({Rung.RELINK, Rung.PAIR_AGAIN, Rung.RESET, Rung.RESTORE}),
}
"""Which rungs may take files away in which way."""

_CLEANED = re.compile(r"(session|sender-key|pre-key)-[^/]+\.json")
_SESSION = re.compile(r"session-[^/]+\.json")
_PRE_KEY = re.compile(r"pre-key-[0-9]+\.json")
_MEMORY = re.compile(r"sender-key-memory-([^/]+)\.json")


def backup_before_removal(watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """Nothing leaves a folder without a cold backup of all of it, taken after the session was proved stopped, and
    read again."""
    sight, act = evidence.sight, watch.act
    if not isinstance(sight, Removing):
        return ""
    taken, named = act.backup if act is not None else None, sight.backup
    if taken is None or named is None or taken.name != named.name:
        return "no cold backup was taken and read again since the session was stopped"
    if named.kind is not BackupKind.COLD or not named.whole or not named.sha256:
        return "the backup is not a cold one of the whole folder that was read again"
    if sight.way in (Way.CLEANUP, Way.NAMED_ASIDE) and not named.paired:
        return "the backup is not of a paired login"
    same = sight.way is Way.PUT_BACK or named.token == sight.token
    return "" if same else "the folder changed since its backup"


def removed_within_plan_within_listing(watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """What is removed is named by the plan, what the plan names is in its listing, the folder is still that listing,
    and the way is that of the rung."""
    sight, act = evidence.sight, watch.act
    if not isinstance(sight, Removing):
        return ""
    if act is None or act.rung not in WAYS[sight.way]:
        return f"{sight.way} is no way of this action"
    names, there = set(sight.names), {file.name for file in sight.files}
    if len(names) != len(sight.names) or not names <= there:
        return "a file is named twice, or is not in the folder"
    return "" if sight.way is Way.PUT_BACK else _outside_plan(act.plan, sight)


def _outside_plan(plan: Planned | None, sight: Removing) -> str:
    if plan is None:
        return "there is no plan"
    if not set(sight.names) <= set(plan.names) or not set(plan.names) <= {file.name for file in plan.files}:
        return "files are named that are not in the plan, or not in its listing"
    return "" if plan.token == sight.token else "the folder changed since the plan was made"


def never_list_kept(_watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """A cleanup removes only sessions, sender keys and pre-keys, a repair only sessions, and what is not Baileys'
    own is never removed."""
    sight = evidence.sight
    if not isinstance(sight, Removing):
        return ""
    kinds = {file.name: file.category for file in sight.files}
    wrong = [name for name in sight.names if not _may_go(sight.way, name, kinds.get(name, Category.OTHER))]
    return f"{len(wrong)} files are named that must stay" if wrong else ""


def _may_go(way: Way, name: str, category: Category) -> bool:
    if way is Way.CLEANUP:
        return category not in NEVER_CLEANED and bool(_CLEANED.fullmatch(name))
    if way is Way.NAMED_ASIDE:
        return category is Category.SESSION and bool(_SESSION.fullmatch(name))
    return category is not Category.OTHER


def thirty_pre_keys_kept(_watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """A cleanup never leaves fewer than 30 pre-keys, or takes none where there are no more."""
    sight = evidence.sight
    if not isinstance(sight, Removing) or sight.way is not Way.CLEANUP:
        return ""
    before = sum(bool(_PRE_KEY.fullmatch(file.name)) for file in sight.files)
    gone = sum(bool(_PRE_KEY.fullmatch(name)) for name in sight.names)
    return f"{before - gone} pre-keys would be left" if gone and before - gone < MIN_PRE_KEYS else ""


def age_floor_kept(watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """A cleanup removes nothing younger than the floor, 14 days or what is configured, and never less than 7."""
    sight, plan = evidence.sight, watch.act.plan if watch.act is not None else None
    if not isinstance(sight, Removing) or sight.way is not Way.CLEANUP or plan is None:
        return ""
    floor = MIN_AGE_FLOOR_DAYS if plan.forced else max(MIN_AGE_FLOOR_DAYS, limits.cleanup.min_age_days)
    newest = max((file.mtime for file in plan.files), default=plan.made_at)
    reference = min(plan.made_at, plan.last_up_at if plan.last_up_at is not None else newest)
    young = [f for f in _named(sight) if (reference - f.mtime) / DAY < floor]
    return f"{len(young)} files are younger than {floor:g} days" if young else ""


def _named(sight: Removing) -> list[FileEntry]:
    names = set(sight.names)
    return [file for file in sight.files if file.name in names]


def group_memory_goes_with_its_key(_watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """Who already has our key of a group is forgotten only together with a key of that group."""
    sight = evidence.sight
    if not isinstance(sight, Removing) or sight.way is not Way.CLEANUP:
        return ""
    groups = [match[1] for name in sight.names if (match := _MEMORY.fullmatch(name))]
    alone = [g for g in groups if not any(name.startswith(f"sender-key-{g}--") for name in sight.names)]
    return f"the memory of {len(alone)} groups would go without its key" if alone else ""


def nothing_removed_after_a_clock_jump(watch: Watch, evidence: Evidence, limits: Limits) -> str:
    """A cleanup removes nothing when the wall clock jumped since it began."""
    sight, act = evidence.sight, watch.act
    if not isinstance(sight, Removing) or sight.way is not Way.CLEANUP or act is None:
        return ""
    jumped_s = abs(evidence.at - evidence.mono_s - act.offset_s)
    return "the wall clock jumped meanwhile" if jumped_s > limits.ladder.clock_jump_s else ""


def only_what_was_planned_is_gone(watch: Watch, evidence: Evidence, _limits: Limits) -> str:
    """After a removal only those files are gone that it named."""
    sight = evidence.sight
    if not isinstance(sight, Removed):
        return ""
    named = set(watch.act.removing) if watch.act is not None else set()
    others = set(sight.names) - named
    return f"{len(others)} files are gone that were not named" if others else ""
