"""What `offsite …` does. Plain functions: they print, return the exit code, and raise what becomes a message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baileykeep.app.offsite import place_of, terms_of
from baileykeep.backups.offsite import bringing
from baileykeep.backups.offsite.base import Target, copies_in
from baileykeep.backups.offsite.find import target as target_of
from baileykeep.backups.offsite.seal import identities
from baileykeep.backups.offsite.sending import Sender, Terms
from baileykeep.backups.shelf import folder_name
from baileykeep.backups.vault import Vault
from baileykeep.cli.installation import config_dir
from baileykeep.cli.output import line, print_json
from baileykeep.cli.words import count, plain, span, stamp
from baileykeep.clock import SystemClock
from baileykeep.config import load_partial
from baileykeep.config.discover import placements
from baileykeep.model.codec import encode
from baileykeep.model.errors import BaileykeepError, OffsiteError, UsageError
from baileykeep.model.offsite import FarCopy
from baileykeep.rules.retention import evictions

if TYPE_CHECKING:
    from baileykeep.config import Settings

NOT_CONFIGURED = "no place off this host is configured"


@dataclass(frozen=True, slots=True)
class Site:
    """This installation's vault and its place off this host."""

    settings: Settings
    vault: Vault
    target: Target
    terms: Terms

    def companies(self) -> list[str]:
        """Those that are configured or found, and any other whose copies lie here."""
        return sorted({*placements(self.settings)[0], *self.vault.shelf.companies()})


def site(config: Path | None) -> Site:
    """From the configuration. Raises `ConfigError`, and `UsageError` where nothing is configured."""
    settings, _ = load_partial(config_dir(config))
    table, backups_dir = settings.installation.offsite, settings.installation.backups_dir
    if table.to is None:
        raise UsageError(NOT_CONFIGURED, next_step="add offsite.to and offsite.recipients: docs/offsite.md")
    vault = Vault(backups_dir, limits=settings.limits.backups)
    return Site(settings, vault, target_of(place_of(table), backups_dir), terms_of(table, SystemClock().now))


# --- sending ----------------------------------------------------------------------------------------------------


def push(config: Path | None, company: str | None, *, as_json: bool) -> int:
    """Send of one company, or of all one after another; 1 when anything is not as it should be."""
    here = site(config)
    if company is not None and company not in here.companies():
        raise UsageError(f"no company {company!r} is known, and no copy of one lies here", code="unknown_company")
    told = (lambda _company, _text: None) if as_json else _tell
    sender = Sender(here.vault, here.target, replace(here.terms, told=told))
    done = []
    for ident in [company] if company is not None else here.companies():
        report = sender.send(ident, wait=True)
        done.append({"company": ident, "sent": report.sent, "gone": report.gone, "troubles": report.troubles})
    bad = sum(bool(result["troubles"]) for result in done)
    if as_json:
        print_json(done)
    else:
        sent = count(sum(len(result["sent"]) for result in done), "copy", "copies")
        line(f"{sent} sent to {here.target.where}, {count(bad, 'company', 'companies')} in trouble")
    return 1 if bad else 0


def _tell(company: str, text: str) -> None:
    line(f"{plain(company)}: {text}")


# --- looking ----------------------------------------------------------------------------------------------------


def show(config: Path | None, company: str | None, *, as_json: bool) -> int:
    """One company's copies, newest first; or how many there are of each."""
    here = site(config)
    if company is None:
        return _show_all(here, as_json)
    found = list(bringing.copies(here.target, folder_name(company)))
    if as_json:
        print_json([_answer(name, copy) for name, copy in found])
        return 0
    for name, copy in found:
        line(_row(name, copy))
    line(f"{count(len(found), 'copy', 'copies')} of {plain(company)} at {here.target.where}")
    return 0


def _show_all(here: Site, as_json: bool) -> int:
    rows = []
    for folder in here.target.folders():
        names = copies_in(here.target.names(folder))
        if names:
            rows.append({"folder": folder, "copies": len(names), "newest": names[0]})
    if as_json:
        print_json(rows)
        return 0
    for row in rows:
        line(f"{plain(row['folder'])}: {count(int(str(row['copies'])), 'copy', 'copies')}, newest {row['newest']}")
    line(f"{count(len(rows), 'company', 'companies')} at {here.target.where}")
    return 0


def _answer(name: str, copy: FarCopy | OffsiteError) -> dict[str, Any]:
    if isinstance(copy, OffsiteError):
        return {"name": name, "error": copy.cause}
    return dict(encode(copy))


def _row(name: str, copy: FarCopy | OffsiteError) -> str:
    if isinstance(copy, OffsiteError):
        return f"{name}  {copy.cause}"
    paired = "paired" if copy.paired else "not paired"
    return f"{name}  {stamp(copy.created_at)}  {paired}, {copy.sealed_bytes} bytes"


# --- checking ---------------------------------------------------------------------------------------------------


def verify(config: Path | None, company: str | None, identity: Path | None, *, as_json: bool) -> int:
    """Every copy of one company or of all; one that is bad keeps none from being looked at."""
    here = site(config)
    keys = identities(identity) if identity is not None else None
    folders = [folder_name(company)] if company is not None else here.target.folders()
    done = []
    for result in (found for folder in folders for found in _verified(here, folder, keys)):
        done.append(result)
        if not as_json and result["error"]:
            line(f"{result['folder']} {result['name']}: {result['error']}")
    bad = sum(bool(result["error"]) for result in done)
    if as_json:
        print_json(done)
    else:
        how = "opened, every hash in it checked" if keys else "hash checked; --identity FILE opens them, too"
        line(f"{count(len(done) - bad, 'copy', 'copies')} whole ({how}), {bad} not")
    return 1 if bad or (company is not None and not done) else 0


def _verified(here: Site, folder: str, keys: list[Any] | None) -> Iterator[dict[str, Any]]:
    for name, copy in bringing.copies(here.target, folder):
        result: dict[str, Any] = {"folder": folder, "name": name, "error": None}
        try:
            if isinstance(copy, OffsiteError):
                raise copy
            bringing.check_ledger(here.vault, copy, here.terms.place_key)
            _ = bringing.opened(here.target, copy, keys) if keys else bringing.sealed(here.target, copy)
        except BaileykeepError as error:
            result["error"] = error.cause
        yield result


# --- bringing home ----------------------------------------------------------------------------------------------


def fetch(config: Path | None, company: str, name: str | None, identity: Path, *, as_json: bool) -> int:
    """Bring one copy into the vault."""
    here, now = site(config), SystemClock().now()
    keys = identities(identity)
    known_at = bringing.newest_sent(here.vault, company, here.terms.place_key)
    copy = bringing.choose(here.target, company, name)
    made = bringing.bring(here.vault, here.target, copy, keys, here.terms.place_key, now)
    notes = list(_notes(here, copy, name, known_at, now))
    answer = {"backup": made.name, "company": company, "created_at": made.created_at, "files": made.files,
              "paired": made.paired, "phone": made.phone, "notes": notes}  # fmt: skip
    if as_json:
        print_json(answer)
        return 0
    line(f"{made.name} is here: {count(made.files, 'file')}, {span(now - made.created_at)} old, every hash is right")
    for note in notes:
        line(f"note: {note}")
    line(f"→ baileykeep backup restore {plain(company)} --backup {made.name}")
    return 0


def _notes(here: Site, copy: FarCopy, name: str | None, known_at: float | None, now: float) -> Iterator[str]:
    if name is None and known_at is not None and known_at > copy.created_at:
        yield f"this host had sent a newer one, of {stamp(known_at)}: somebody removed it there"
    if not copy.paired:
        yield "it holds no paired login"
    limits = here.settings.limits_for(copy.company).backups
    if copy.name in evictions(here.vault.list(copy.company), limits, now):
        yield "it is older than what is kept here: the next backup lets it go, so restore it now"
