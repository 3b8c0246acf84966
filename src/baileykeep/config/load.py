"""From files and environment to `Settings`; a bad file keeps the last good values of exactly what it describes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from baileykeep.config import checks, environment
from baileykeep.config.fields import COMPANY_ID
from baileykeep.config.limit_tables import overrides, resolve
from baileykeep.config.parse import Parsed, Variable, Variables, parse
from baileykeep.config.problems import BadConfig, Problem, errors
from baileykeep.config.schema import Company, Installation
from baileykeep.config.secret_keys import Where, of_company, wanted_secrets, with_secrets
from baileykeep.config.settings import CompanySettings, Settings, default_window
from baileykeep.config.sources import COMPANIES, INSTALLATION, Source, Sources, read_sources
from baileykeep.model.limits import Limits

TOP_LEVEL = frozenset(Installation.model_fields)


def load(directory: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The configuration in a directory; raises `BadConfig` (a ConfigError) with every problem when there is one."""
    settings, problems = load_partial(directory, environ=environ)
    if errors(problems):
        raise BadConfig(problems)
    return settings


def load_partial(
    directory: Path, last_good: Settings | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Settings, tuple[Problem, ...]]:
    """What of it can be used, and what is wrong with the rest.

    A bad company file keeps that company's last good values (without any it is `held`); a bad installation file
    keeps the whole last good installation, and raises `BadConfig` when there is none.
    """
    return settle(read_sources(directory), last_good, os.environ if environ is None else environ)


def settle(
    sources: Sources, last_good: Settings | None, environ: Mapping[str, str]
) -> tuple[Settings, tuple[Problem, ...]]:
    """`load_partial` on files that were read already."""
    variables = _variables(environ)
    problems = [*_strange(environ), *_strangers(sources, variables)]
    base, found = _installation(sources, variables, environ)
    problems += found
    usable = base or (replace(last_good, directory=sources.directory) if last_good else None)
    drafts = {ident: _company(ident, sources, variables, environ, usable) for ident in _company_ids(sources, variables)}
    problems += [problem for draft in drafts.values() for problem in draft.problems]
    if usable is None:
        raise BadConfig(_in_order(problems))
    good = {ident: draft.settings for ident, draft in drafts.items() if draft.settings}
    kept, collided = _without_collisions(good, sources)
    companies, held = _fall_back(set(drafts), kept, last_good)
    if last_good and last_good.companies and sources.companies_fault:
        companies, held = dict(last_good.companies), last_good.held
        problems.append(Problem(COMPANIES, "", f"cannot be listed: {sources.companies_fault}", "put it back"))
    settings = replace(usable, companies=companies, held=held)
    return settings, tuple(_in_order([*problems, *collided]))


@dataclass(frozen=True, slots=True)
class _Draft:
    settings: CompanySettings | None
    problems: tuple[Problem, ...]


def _variables(environ: Mapping[str, str]) -> dict[tuple[str, ...], Variable]:
    found = environment.read(environ, TOP_LEVEL)
    return {path: Variable(name, environ[name]) for path, name in found.items()}


def _strange(environ: Mapping[str, str]) -> Iterator[Problem]:
    for variable, meant in environment.strange(environ, TOP_LEVEL):
        yield Problem(f"environment {variable}", "", "is not a setting", f"did you mean {meant}?", warning=True)


def _strangers(sources: Sources, variables: Variables) -> Iterator[Problem]:
    for name in sources.strangers:
        yield Problem(name, "", "is not named after a company", "name it <company id>.toml")
    for path, variable in variables.items():
        if path[0] == "companies" and len(path) > 2 and not COMPANY_ID.fullmatch(path[1]):
            yield Problem(f"environment {variable.name}", "", "does not name a company as one can be called")


def _installation(
    sources: Sources, variables: Variables, environ: Mapping[str, str]
) -> tuple[Settings | None, list[Problem]]:
    own = {path: variable for path, variable in variables.items() if path[0] != "companies"}
    parsed = parse(Installation, sources.installation, own)
    if parsed.model is None:
        return None, [_with_init(problem, sources) for problem in parsed.problems]
    where = Where(sources.installation, sources.directory, environ, parsed.from_environment)
    installation, found = with_secrets(parsed.model, wanted_secrets(parsed.model), where)
    written = overrides(installation.limits)
    limits = resolve(Limits(), written)
    found += checks.about_installation(installation, limits, sources)
    dialects, strange = checks.dialects_of(installation, sources)
    found += strange
    if errors(found):
        return None, found
    settings = Settings(
        sources.directory,
        _absolute(installation, sources.directory),
        limits,
        {},
        own=written,
        from_environment=parsed.from_environment,
        dialects=dialects,
        dialect_texts={name: source.text or "" for name, source in sources.dialects.items()},
    )
    return settings, found


def _with_init(problem: Problem, sources: Sources) -> Problem:
    missing = problem.syntax and sources.installation.text is None
    return replace(problem, remedy=f'"baileykeep init {sources.directory}" writes one') if missing else problem


def _absolute(installation: Installation, directory: Path) -> Installation:
    base = directory.absolute()
    paths = {key: base / getattr(installation, key).expanduser() for key in ("state_dir", "backups_dir")}
    return installation.model_copy(update=paths)


def _company_ids(sources: Sources, variables: Variables) -> list[str]:
    named = {path[1] for path in variables if path[0] == "companies" and len(path) > 2}
    known = {_variable_name(ident) for ident in sources.companies}
    return sorted({*sources.companies, *filter(COMPANY_ID.fullmatch, named - known)})


def _variable_name(ident: str) -> str:
    return ident.lower().replace("-", "_")


def _company(
    ident: str, sources: Sources, variables: Variables, environ: Mapping[str, str], base: Settings | None
) -> _Draft:
    source = sources.companies.get(ident) or Source(f"companies/{ident}.toml", "")
    own = {
        path[2:]: variable
        for path, variable in variables.items()
        if path[0] == "companies" and len(path) > 2 and path[1] == _variable_name(ident)
    }
    parsed = parse(Company, source, own, ident)
    if parsed.model is None:
        return _Draft(None, parsed.problems)
    where = Where(source, sources.directory, environ, parsed.from_environment, ident)
    facts, missing = with_secrets(parsed.model, of_company(ident, parsed.model), where)
    made = _made(ident, parsed, facts, base)
    found = (*missing, *checks.about_company(made, base.gateways if base else None, source))
    return _Draft(None if errors(found) else made, found)


def _made(ident: str, parsed: Parsed[Company], facts: Company, base: Settings | None) -> CompanySettings:
    own = overrides(facts.limits)
    timezone = base.installation.timezone if base else "UTC"
    inherited = default_window(base.installation) if base else None
    window = facts.window.window(timezone) if facts.window else inherited
    limits = resolve(base.limits if base else Limits(), own)
    return CompanySettings(ident, facts, limits, window, own, parsed.from_environment)


def _without_collisions(
    companies: dict[str, CompanySettings], sources: Sources
) -> tuple[dict[str, CompanySettings], list[Problem]]:
    """Of those that share a phone, folder or key, both fall back: the one just edited gives way to its own past."""
    kept, found = dict(companies), []
    for one, other, key in checks.collisions(companies):
        for ident, twin in ((one, other), (other, one)):
            kept.pop(ident, None)
            source = sources.companies.get(ident) or Source(f"companies/{ident}.toml", "")
            reason = f"is that of company {twin} as well ({one} and {other} share it)"
            found.append(checks.problem(source, key, reason, "two companies cannot share one", company=ident))
    return kept, found


def _fall_back(
    idents: set[str], good: dict[str, CompanySettings], last_good: Settings | None
) -> tuple[dict[str, CompanySettings], frozenset[str]]:
    before = last_good.companies if last_good else {}
    old = {ident: before[ident] for ident in idents - set(good) if ident in before}
    companies = {**good, **old}
    for one, other, _ in checks.collisions(companies):
        for ident in (one, other):
            companies.pop(ident, None)
    by_default = {i for i in idents - set(companies) if last_good and i not in before and i not in last_good.held}
    return companies, frozenset(idents - set(companies) - by_default)


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda p: (p.warning, p.file != INSTALLATION, p.file, p.line or 0, p.key))
