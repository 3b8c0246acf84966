"""Which companies there are, from the layout of the sessions folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import scandir, stat
from os.path import normpath
from pathlib import Path
from types import MappingProxyType

from baileykeep.config.discover_rows import Ask, ask_rows
from baileykeep.config.fields import COMPANY_ID, SLOT
from baileykeep.config.schema import GatewayTable
from baileykeep.config.settings import Settings
from baileykeep.config.store_tables import PostgresTable

_COPY = re.compile(r"[._-](?:bak|backup|old|orig|copy|tmp|broken|corrupt(?:ed)?|deleted|saved?)(?:[._-].*|\d*)$", re.I)
_BAILEYS_FILE = re.compile(
    r"(?:creds|(?:pre-key|session|sender-key|sender-key-memory|app-state-sync-key|app-state-sync-version"
    r"|lid-mapping|device-list|tctoken|identity-key)-.+)\.json"
)


@dataclass(frozen=True, slots=True)
class Child:
    """One entry of a folder. `folder` is false for a link, whatever it points to."""

    name: str
    folder: bool
    link: bool = False


List = Callable[[Path], Sequence[Child]]
"""The entries of a folder; raises OSError where there is none or it cannot be read."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in a sessions folder or a database that was left out, and why.

    `path` names it, `companies` whom that concerns; `unasked` is a gateway whose companies are not all known for it.
    """

    path: str
    reason: str
    companies: tuple[str, ...] = ()
    unasked: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.reason}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """The companies that were found, and what was left out. `told` have no folder: a gateway listed them.

    `strangers` are names of what was left out but may be a company to the gateway: links, names that are no ids.
    `blind` tells that something could not be listed.
    """

    companies: Mapping[str, Path]
    problems: tuple[Oddity, ...] = ()
    told: frozenset[str] = frozenset()
    strangers: frozenset[str] = frozenset()
    blind: bool = False
    rows: Mapping[str, str] = field(default_factory=dict)

    def all(self) -> frozenset[str]:
        """Whoever was found, by folder, by row or by list."""
        return self.told | self.companies.keys() | self.rows.keys()


def list_folder(folder: Path) -> list[Child]:
    """The real listing of a folder."""
    with scandir(folder) as entries:
        return [Child(e.name, e.is_dir(follow_symlinks=False), e.is_symlink()) for e in entries]


@dataclass(slots=True)
class _Finds:
    companies: dict[str, Path] = field(default_factory=dict)
    odd: list[Oddity] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    blind: bool = False

    def unlisted(self, folder: Path, error: OSError) -> None:
        """What is not there holds nobody; what may not be read may hold anybody."""
        self.blind = self.blind or not isinstance(error, FileNotFoundError)
        self.odd.append(Oddity(str(folder), f"cannot be listed: {error.strerror or type(error).__name__}"))

    def add(self, ident: str, folder: Path) -> None:
        twin = self.companies.setdefault(ident, folder)
        if twin != folder:
            self.odd.append(
                Oddity(str(folder), f"is a second folder of company {ident}, beside {twin}; it is left out")
            )


def discover(templates: Sequence[str], listing: List = list_folder, known: Collection[str] = frozenset()) -> Discovery:
    """Companies by id from templates such as `/x/company_{company}` or `/x/business_{company}/auth`.

    An empty folder is a company that is not paired yet, except under a bare `/x/{company}`: there only a folder with
    a Baileys file in it counts, so that strangers' folders do not. Links are reported, not followed. Names that look
    like copies (`company_42.bak`) are left out unless `known` has them.
    """
    finds = _Finds()
    for template in templates:
        _search(template, listing, known, finds)
    companies = dict(sorted(finds.companies.items()))
    return Discovery(companies, tuple(finds.odd), strangers=frozenset(finds.strangers), blind=finds.blind)


def _search(template: str, listing: List, known: Collection[str], finds: _Finds) -> None:
    head, tail = template.split(SLOT)
    parent, prefix = head.rsplit("/", 1)
    suffix, _, below = tail.partition("/")
    base = Path(parent or "/")
    try:
        children = sorted(listing(base), key=lambda child: child.name)
    except OSError as error:
        finds.unlisted(base, error)
        return
    bare = not (prefix or suffix or below)
    for child in children:
        ident = _ident(child.name, prefix, suffix)
        if ident is None or not (child.folder or child.link):
            continue
        reason = _unfit(child, ident, known)
        if reason is None:
            _take(ident, base / child.name, below, bare, listing, finds)
        elif not bare or child.link:
            finds.odd.append(Oddity(str(base / child.name), reason))
            if child.link or not COMPANY_ID.fullmatch(ident):
                finds.strangers.add(ident)


def _ident(name: str, prefix: str, suffix: str) -> str | None:
    fits = name.startswith(prefix) and name.endswith(suffix) and len(name) > len(prefix) + len(suffix)
    return name[len(prefix) : len(name) - len(suffix)] if fits else None


def _unfit(child: Child, ident: str, known: Collection[str]) -> str | None:
    if child.link:
        return "is a link, and links are not followed"
    if not COMPANY_ID.fullmatch(ident):
        return "does not carry a usable company id"
    if ident not in known and _COPY.search(ident):
        return f"looks like a copy; a file companies/{ident}.toml says that it is a company"
    return None


def _take(ident: str, folder: Path, below: str, bare: bool, listing: List, finds: _Finds) -> None:
    try:
        for part in below.split("/") if below else ():
            child = next((c for c in listing(folder) if c.name == part), None)
            if child is None:
                return
            folder = folder / part
            if not child.folder:
                finds.odd.append(Oddity(str(folder), "is a link or a file where a folder should be"))
                finds.strangers.add(ident)
                return
        if bare and not any(_BAILEYS_FILE.fullmatch(child.name) for child in listing(folder)):
            return
    except OSError as error:
        finds.unlisted(folder, error)
        return
    finds.add(ident, folder)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one company lives: in a `folder`, as a `row` of its gateway's tables, or out of reach.

    `present` is whether that was there when looked.
    """

    company: str
    gateway: str
    folder: Path | None
    present: bool = True
    row: str | None = None

    @property
    def reachable(self) -> bool:
        """Whether its login can be looked at from here."""
        return self.folder is not None or self.row is not None


@dataclass(frozen=True, slots=True)
class Survey:
    """All that was found. `lodgers` are by gateway all companies that live or may live there: watched, disabled,
    doubtful or unknown. `blind` are gateways of which something could not be listed."""

    placed: Mapping[str, Placement]
    oddities: tuple[Oddity, ...]
    lodgers: Mapping[str, frozenset[str]]
    blind: frozenset[str]


Real = Callable[[Path], object]
"""What two paths have in common when they are one folder; None where there is no folder."""


def real_folder(folder: Path) -> tuple[int, int] | None:
    """Device and inode, wherever links on the way lead."""
    try:
        found = stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


Listed = Mapping[str, Collection[str]]
"""The companies that gateways told of, by gateway."""

NOBODY: Listed = MappingProxyType({})


def placements(
    settings: Settings,
    listing: List = list_folder,
    real: Real = real_folder,
    listed: Listed = NOBODY,
    ask: Ask = ask_rows,
) -> tuple[dict[str, Placement], tuple[Oddity, ...]]:
    """Every enabled company with its gateway and folder, and what was left out; see `survey`."""
    found = survey(settings, listing, real, listed, ask)
    return dict(found.placed), found.oddities


def survey(
    settings: Settings,
    listing: List = list_folder,
    real: Real = real_folder,
    listed: Listed = NOBODY,
    ask: Ask = ask_rows,
) -> Survey:
    """Every enabled company with its gateway and folder: those found in the layouts, and those that have a file.

    Where the logins are out of reach those count, too, that the gateway itself lists. A company that is under two
    gateways, or whose folder is another's too, is left out and reported.
    """
    found = {name: _found(name, table, settings, listing, listed, ask) for name, table in settings.gateways.items()}
    odd = [oddity for discovery in found.values() for oddity in discovery.problems]
    idents = {ident for discovery in found.values() for ident in discovery.all()} | set(settings.companies)
    places = {ident: _place(ident, settings, found, listing) for ident in sorted(idents)}
    enabled = {ident: place for ident, place in places.items() if settings.enabled(ident)}
    odd += [place for place in enabled.values() if isinstance(place, Oddity)]
    placed = {ident: place for ident, place in enabled.items() if isinstance(place, Placement)}
    kept, oddities = _apart(placed, odd, real)
    blind = frozenset(name for name, discovery in found.items() if discovery.blind)
    return Survey(kept, oddities, _lodgers(places, enabled, found), blind)


def _lodgers(
    places: Mapping[str, Placement | Oddity],
    enabled: Mapping[str, Placement | Oddity],
    found: Mapping[str, Discovery],
) -> dict[str, frozenset[str]]:
    """Whose folder is there, or who is expected there: a disabled company that left no folder is not."""
    at = {name: {*discovery.all(), *discovery.strangers} for name, discovery in found.items()}
    for ident, place in places.items():
        if isinstance(place, Placement) and (ident in enabled or place.present):
            at[place.gateway].add(ident)
    return {name: frozenset(idents) for name, idents in at.items()}


def _found(name: str, table: GatewayTable, settings: Settings, listing: List, listed: Listed, ask: Ask) -> Discovery:
    if table.postgres is not None:
        return _in_rows(name, table.postgres, ask)
    if table.sessions:
        return discover(table.sessions, listing, frozenset(settings.companies))
    return _told(listed.get(name, ()) if table.by_list else ())


def _told(idents: Collection[str]) -> Discovery:
    """What a gateway lists. A name that could be no file's is left out: it could not be configured either."""
    usable = frozenset(ident for ident in idents if COMPANY_ID.fullmatch(ident))
    unfit = [Oddity("the gateway's list", "holds a session without a usable company id")] * (len(usable) < len(idents))
    return Discovery({}, tuple(unfit), usable, strangers=frozenset(idents) - usable)


def _in_rows(name: str, table: PostgresTable, ask: Ask) -> Discovery:
    rows, where = ask(table), table.spec().place
    odd = [Oddity(f"row {row} in the {where}", reason) for row, reason in rows.odd]
    if rows.failure:
        odd.append(Oddity(f"gateway {name}:", rows.failure, unasked=name))
    return Discovery({}, tuple(odd), rows=rows.companies, strangers=rows.strangers, blind=bool(rows.failure))


def _place(ident: str, settings: Settings, found: Mapping[str, Discovery], listing: List) -> Placement | Oddity:
    facts = settings.company(ident).facts
    here = [name for name, discovery in found.items() if ident in discovery.all()]
    names = [facts.gateway] if facts.gateway else here or list(settings.gateways)
    if len(names) != 1 or names[0] not in settings.gateways:
        return Oddity(f"companies/{ident}.toml", f"company {ident} could belong to {' or '.join(names)}; set gateway")
    gateway = names[0]
    if (table := settings.gateways[gateway].postgres) is not None:
        if facts.folder is not None:
            return Oddity(f"companies/{ident}.toml", f"has a folder, but gateway {gateway} keeps its logins as rows")
        return Placement(ident, gateway, None, present=ident in found[gateway].rows, row=table.row_of(ident))
    if facts.folder is not None:
        return Placement(ident, gateway, facts.folder, _there(facts.folder, listing))
    folder = found[gateway].companies.get(ident)
    if folder is not None:
        return Placement(ident, gateway, folder)
    expected = next(iter(possible_folders(settings, gateway, ident)), None)
    return Placement(ident, gateway, expected, present=expected is None)


def possible_folders(settings: Settings, gateway: str, ident: str) -> list[Path]:
    """All places where a company's folder may be, the likeliest first; none where its gateway keeps it out of reach."""
    facts = settings.company(ident).facts
    layouts = [Path(template.replace(SLOT, ident)) for template in settings.gateways[gateway].sessions]
    return [facts.folder] if facts.folder is not None else layouts


def _there(folder: Path, listing: List) -> bool:
    try:
        listing(folder)
    except OSError:
        return False
    return True


def _apart(
    placed: dict[str, Placement], odd: list[Oddity], real: Real
) -> tuple[dict[str, Placement], tuple[Oddity, ...]]:
    out: set[str] = set()
    for one, other in _sharing(placed, real):
        out |= {one, other}
        reason = f"is the folder of companies {one} and {other}; both are left alone"
        odd.append(Oddity(str(placed[one].folder), reason, (one, other)))
    return {ident: placement for ident, placement in placed.items() if ident not in out}, tuple(odd)


def _sharing(placed: Mapping[str, Placement], real: Real) -> Iterator[tuple[str, str]]:
    owners: dict[object, str] = {}
    for ident, placement in placed.items():
        if placement.folder is not None:
            first = owners.setdefault(real(placement.folder) or normpath(placement.folder), ident)
            if first != ident:
                yield first, ident
