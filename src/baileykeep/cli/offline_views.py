"""How the offline commands look to people, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from baileykeep.cli.words import plain, stamp
from baileykeep.model.backup import Backup
from baileykeep.model.inventory import Category, CleanupPlan, Creds, CredsState, Inventory, Level
from baileykeep.rules.masking import mask_name, mask_phone

SHOWN = 40
_COLOURS = {
    Level.EXCELLENT: "green",
    Level.HEALTHY: "green",
    Level.MONITOR: "yellow",
    Level.WARNING: "yellow",
    Level.CRITICAL: "red",
    Level.DANGER: "bold red",
    Level.FATAL: "bold red",
}


def inspect_view(folder: str, seen: Inventory) -> RenderableType:
    """What lies in a folder."""
    facts = _facts()
    facts.add_row("folder", plain(folder))
    facts.add_row("login", login(seen.creds))
    facts.add_row("level", _level(seen.level, f"{seen.counted} counted of {seen.total} files"))
    facts.add_row("cleanup", _free(seen.reclaimable))
    keys = seen.pre_keys
    facts.add_row("pre-keys", f"newest {keys.newest or '-'}, next {keys.next_id or '-'}, pool up to {keys.pool_bound}")
    if keys.anomalies:
        facts.add_row("", Text(f"{len(keys.anomalies)} were never minted by these creds: rolled back?", style="red"))
    return Group(facts, Text(), _counts(seen))


def plan_view(folder: str, plan: CleanupPlan) -> RenderableType:
    """What a cleanup would remove, and why."""
    return _plan(folder, plan, f"{plan.reclaimable} files would go")


def cleaned_view(folder: str, plan: CleanupPlan, backup: str | None) -> RenderableType:
    """What a cleanup removed, and how to take it back."""
    if backup is None:
        return Text("Nothing was old enough to go; nothing was changed.")
    return Group(_plan(folder, plan, f"{plan.reclaimable} files are gone"), Text(f"\nbackup  {backup}"))


def backup_view(made: Backup, where: Path, verb: str) -> RenderableType:
    """A backup that was just made or verified: its name after `verb`, where it lies and what it holds."""
    facts = _facts()
    facts.add_row(verb, made.name)
    facts.add_row("in", plain(where))
    facts.add_row("taken", stamp(made.created_at))
    facts.add_row("login", f"paired, {made.phone}" if made.paired else Text("not paired", style="yellow"))
    facts.add_row("holds", f"{made.files} files, {made.bytes} bytes")
    if made.sha256:
        facts.add_row("sha256", made.sha256)
    return facts


def backups_view(found: Iterable[Backup]) -> RenderableType:
    """All backups of a folder, oldest first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("name", "taken", "login"):
        table.add_column(column, no_wrap=column == "name")
    table.add_column("files", justify="right")
    for backup in found:
        paired = f"paired {backup.phone}" if backup.paired else "not paired"
        table.add_row(backup.name, stamp(backup.created_at), paired, str(backup.files))
    return table if table.row_count else Text("There are no backups of this folder here.")


def login(creds: Creds) -> Text:
    """Whether there is a login, in words."""
    if creds.state is not CredsState.WHOLE:
        return Text(f"creds.json is {creds.state}", style="bold red")
    if creds.paired:
        return Text(f"paired, {mask_phone(creds.phone)}", style="green")
    return Text("half paired: a code was asked for and never typed" if creds.half_paired else "not paired", "yellow")


def _facts() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _level(level: Level, more: str) -> Text:
    return Text.assemble((level.value, _COLOURS[level]), f", {more}")


def _free(files: int) -> str:
    return f"would free {files} files" if files else "would free nothing"


def _counts(seen: Inventory) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("type")
    table.add_column("files", justify="right")
    for category in Category:
        if seen.categories[category]:
            table.add_row(category.value.replace("_", " "), str(seen.categories[category]))
    return table


def _plan(folder: str, plan: CleanupPlan, headline: str) -> RenderableType:
    if not plan.remove:
        return Text(f"Nothing in {plain(folder)} is old enough to go.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("file", overflow="fold", ratio=1)
    table.add_column("days", justify="right")
    table.add_column("reason", overflow="fold", ratio=1)
    for removal in plan.remove[:SHOWN]:
        table.add_row(mask_name(removal.name), f"{removal.age_days:.0f}", removal.reason)
    more = len(plan.remove) - SHOWN
    after = _level(plan.level_after, f"{plan.counted_after} counted files")
    parts: list[RenderableType] = [Text(f"{plain(folder)}: {headline}"), table]
    parts += [Text(f"… and {more} more; --json lists all\n")] if more > 0 else []
    return Group(*parts, Text.assemble("after it: ", after))
