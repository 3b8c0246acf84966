"""What one file alone cannot tell: secrets that must be there, names that must exist, companies that collide."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from pydantic import SecretStr

from baileykeep.config import offsite_tables, tenant_tables
from baileykeep.config.fields import COMPANY_ID
from baileykeep.config.hook_tables import about_hooks
from baileykeep.config.limit_checks import clashes
from baileykeep.config.lines import line_of
from baileykeep.config.problems import Problem
from baileykeep.config.schema import GatewayTable, Installation
from baileykeep.config.settings import CompanySettings
from baileykeep.config.sources import DIALECTS, Source, Sources
from baileykeep.config.store_tables import PostgresTable
from baileykeep.config.tenant_tables import TenantTable
from baileykeep.gateways.dialect import Dialect, load_dialect
from baileykeep.gateways.keys import unsendable
from baileykeep.model.errors import UsageError
from baileykeep.model.limits import Limits
from baileykeep.processes.find import manager as process_manager


def problem(source: Source, key: str, reason: str, remedy: str = "", *, company: str | None = None) -> Problem:
    """A problem at a dotted key, with the line where it stands."""
    path = tuple(key.split("."))
    return Problem(source.name, key, reason, remedy, line_of(source.text or "", path), company)


def warning(source: Source, key: str, reason: str, remedy: str = "") -> Problem:
    """The same, but the configuration can be used."""
    line = line_of(source.text or "", tuple(key.split(".")))
    return Problem(source.name, key, reason, remedy, line, warning=True)


def about_installation(installation: Installation, limits: Limits, sources: Sources) -> Iterator[Problem]:
    """What is wrong with an installation whose secrets are in place."""
    source = sources.installation
    if not installation.gateways:
        yield problem(source, "gateways", "names none", "add a [gateways.<name>] table")
    for name, gateway in installation.gateways.items():
        yield from _about_gateway(name, gateway, sources)
    yield from _about_templates(installation, source)
    yield from _about_http(installation, source)
    backups = sources.directory.absolute() / installation.backups_dir.expanduser()
    templates = [path for gateway in installation.gateways.values() for path in gateway.sessions]
    for key, reason, remedy in offsite_tables.faults(installation.offsite, backups, templates):
        yield problem(source, f"offsite.{key}", reason, remedy)
    yield from about_tenant(installation.tenant, source)
    if installation.telegram.token and not installation.telegram.users:
        reason = "is empty, so nobody's buttons and commands are obeyed"
        yield warning(source, "telegram.users", reason, "add the ids of the people on call")
    for clash in clashes(limits):
        yield problem(source, clash.key, clash.reason)


def dialects_of(installation: Installation, sources: Sources) -> tuple[dict[str, Dialect], list[Problem]]:
    """Each gateway's dialect, and what is wrong with those that cannot be loaded."""
    loaded, found = {}, []
    for name, gateway in installation.gateways.items():
        try:
            dialect = load_dialect(gateway.dialect, (sources.directory / DIALECTS,))
        except UsageError as error:
            key = f"gateways.{name}.dialect"
            found.append(problem(sources.installation, key, f"cannot be used: {error.cause}", error.next_step))
            continue
        loaded[name] = dialect
        named = gateway.secret or gateway.secret_file or gateway.secret_env
        if dialect.auth and dialect.auth.required and not dialect.auth.per_company and not named:
            reason = f"is missing, and the dialect {dialect.name} sends it with every call"
            found.append(problem(sources.installation, f"gateways.{name}.secret", reason, "add secret_file"))
        wrong = unsendable(dialect, gateway.secret.get_secret_value()) if gateway.secret else ""
        if wrong:
            found.append(problem(sources.installation, f"gateways.{name}.secret", f"cannot be used: {wrong}"))
    for key, reason, remedy in about_hooks(installation.gateways, loaded):
        found.append(problem(sources.installation, key, reason, remedy))
    used = {gateway.dialect for gateway in installation.gateways.values()}
    return loaded, [*found, *_unused_dialects(set(sources.dialects) - used, sources)]


def _unused_dialects(names: set[str], sources: Sources) -> Iterator[Problem]:
    for name in sorted(names):
        try:
            load_dialect(name, (sources.directory / DIALECTS,))
        except UsageError as error:
            reason = f"cannot be used: {error.cause}"
            yield Problem(sources.dialects[name].name, "", reason, error.next_step, warning=True)


def _about_gateway(name: str, gateway: GatewayTable, sources: Sources) -> Iterator[Problem]:
    source, key = sources.installation, f"gateways.{name}"
    if not COMPANY_ID.fullmatch(name):
        yield problem(source, key, "is not a name", "use letters, digits, dot, dash and underscore")
    try:
        process_manager(gateway.process.manager, **gateway.process.options())
    except UsageError as error:
        yield problem(source, f"{key}.process", f"cannot be used: {error.cause}", error.next_step)
    if gateway.postgres is not None:
        yield from _about_rows(f"{key}.postgres", gateway.postgres, source)


def _about_rows(key: str, rows: PostgresTable, source: Source) -> Iterator[Problem]:
    if not rows.local and not rows.tls:
        reason = f"is false: logins and the password cross the network to {rows.host} in the clear"
        yield warning(source, f"{key}.tls", reason, "remove it, and give ca_file")
    elif not rows.local and not rows.tls_verify:
        reason = f"is false: whoever answers as {rows.host} gets the password and may show any login"
        yield warning(source, f"{key}.tls_verify", reason, "remove it, and give ca_file")


def _one_of(names: Iterable[str]) -> str:
    return f"there are {', '.join(sorted(names))}"


def _about_templates(installation: Installation, source: Source) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name, gateway in installation.gateways.items():
        for template in gateway.sessions:
            first = owners.setdefault(template, name)
            if first != name:
                yield problem(source, f"gateways.{name}.sessions", f"are those of gateway {first} as well", "keep one")


def _about_http(installation: Installation, source: Source) -> Iterator[Problem]:
    host = installation.http.listen.rpartition(":")[0].strip("[]")
    if installation.http.token is None and not _loopback(host):
        reason = f"is {installation.http.listen}, which others can reach, and there is no http.token"
        yield problem(source, "http.listen", reason, "add http.token_file, or listen on 127.0.0.1")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def about_company(company: CompanySettings, gateways: Iterable[str] | None, source: Source) -> Iterator[Problem]:
    """What is wrong with one company. `gateways` is None where the installation could not be read."""
    facts, ident = company.facts, company.id
    if facts.gateway is not None and gateways is not None and facts.gateway not in gateways:
        yield problem(source, "gateway", f'is "{facts.gateway}"', _one_of(gateways), company=ident)
    if facts.folder is not None and not facts.folder.is_absolute():
        yield problem(source, "folder", "must be an absolute path", company=ident)
    yield from about_tenant(facts.tenant, source, ident)
    for clash in clashes(company.limits):
        yield problem(source, clash.key, clash.reason, company=ident)


def about_tenant(table: TenantTable, source: Source, company: str | None = None) -> Iterator[Problem]:
    """What is wrong with how companies, or one of them, are told."""
    for key, reason, remedy in tenant_tables.faults(table):
        yield problem(source, f"tenant.{key}", reason, remedy, company=company)


def collisions(companies: Mapping[str, CompanySettings]) -> list[tuple[str, str, str]]:
    """(one id, other id, key) for each pair of enabled companies that share a phone, a folder or a key."""
    found = []
    for key in ("phone", "folder", "secret"):
        owners: dict[str, str] = {}
        for ident, company in sorted(companies.items()):
            value = getattr(company.facts, key)
            if value is None or not company.facts.enabled:
                continue
            plain = value.get_secret_value() if isinstance(value, SecretStr) else os.path.normpath(value)
            first = owners.setdefault(plain, ident)
            if first != ident:
                found.append((first, ident, key))
    return found
