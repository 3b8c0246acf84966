"""What one file alone cannot tell: secrets that must be there, names that must exist, companies that collide."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from baileykeep.config import credentials, offsite_tables
from baileykeep.config.fields import COMPANY_ID, Table
from baileykeep.config.hook_tables import about_hooks
from baileykeep.config.limit_checks import clashes
from baileykeep.config.lines import line_of
from baileykeep.config.problems import Problem
from baileykeep.config.schema import Company, GatewayTable, Installation
from baileykeep.config.settings import CompanySettings
from baileykeep.config.sources import DIALECTS, Source, Sources
from baileykeep.config.store_tables import PostgresTable
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


def wanted_secrets(installation: Installation) -> Iterator[credentials.Wanted]:
    """Every place where a secret can be named."""
    http, telegram, beat = installation.http, installation.telegram, installation.heartbeat
    yield credentials.Wanted("http.token", http.token, http.token_env, http.token_file)
    yield credentials.Wanted("telegram.token", telegram.token, telegram.token_env, telegram.token_file)
    yield credentials.Wanted("heartbeat.url", beat.url, beat.url_env, beat.url_file)
    away = installation.offsite
    yield credentials.Wanted("offsite.secret", away.secret, away.secret_env, away.secret_file)
    for name, gateway in installation.gateways.items():
        yield credentials.Wanted(f"gateways.{name}.secret", gateway.secret, gateway.secret_env, gateway.secret_file)
        hook = gateway.webhook
        yield credentials.Wanted(f"gateways.{name}.webhook.token", hook.token, hook.token_env, hook.token_file)
        if (rows := gateway.postgres) is not None:
            key = f"gateways.{name}.postgres.password"
            yield credentials.Wanted(key, rows.password, rows.password_env, rows.password_file)
        run_by = gateway.process
        yield credentials.Wanted(
            f"gateways.{name}.process.password", run_by.password, run_by.password_env, run_by.password_file
        )


def with_secrets(
    installation: Installation, sources: Sources, environ: Mapping[str, str], from_environment: frozenset[str]
) -> tuple[Installation, list[Problem]]:
    """The installation with every secret in its plain key, and what was wrong with those that could not be had."""
    found: list[Problem] = []
    for wanted in wanted_secrets(installation):
        found += _about_secret(wanted, sources.installation, sources.directory, from_environment)
        try:
            secret = credentials.obtain(wanted, environ, sources.directory)
        except credentials.Missing as error:
            found.append(problem(sources.installation, f"{wanted.name}{_suffix(wanted)}", str(error)))
            continue
        if secret is not None:
            installation = _placed(installation, wanted.name.split("."), secret)
    return installation, found


def with_secret(
    ident: str, facts: Company, source: Source, sources: Sources, environ: Mapping[str, str]
) -> tuple[Company, list[Problem]]:
    """A company with its own key in its plain key, and what was wrong with one that could not be had."""
    wanted = credentials.Wanted(
        "secret", facts.secret, facts.secret_env, facts.secret_file, f"companies_{ident}_secret"
    )
    found = list(_about_secret(wanted, source, sources.directory))
    try:
        secret = credentials.obtain(wanted, environ, sources.directory)
    except credentials.Missing as error:
        return facts, [problem(source, f"secret{_suffix(wanted)}", str(error), company=ident)]
    return facts.model_copy(update={"secret": secret}), [replace(one, company=ident) for one in found]


def _suffix(wanted: credentials.Wanted) -> str:
    return "_env" if wanted.env is not None else "_file" if wanted.file is not None else ""


def _placed(table: Table, path: list[str], secret: object) -> Any:
    """The table with the secret at the end of the path, through tables and the dictionary of gateways."""
    key, rest = path[0], path[1:]
    if not rest:
        return table.model_copy(update={key: secret})
    below = getattr(table, key)
    if isinstance(below, Mapping):
        return table.model_copy(update={key: {**below, rest[0]: _placed(below[rest[0]], rest[1:], secret)}})
    return table.model_copy(update={key: _placed(below, rest, secret)})


def _about_secret(
    wanted: credentials.Wanted, source: Source, directory: Path, from_environment: frozenset[str] = frozenset()
) -> Iterator[Problem]:
    given = wanted.given()
    if len(given) > 1:
        yield problem(source, wanted.name, f"is given by {' and '.join(given)}", "keep one of them")
    if wanted.direct is not None and source.open_to_all and wanted.name not in from_environment:
        remedy = f"chmod 640 {source.name}, or use {given[0]}_file"
        yield warning(source, wanted.name, "is a secret in a file that everybody on this machine can read", remedy)
    if wanted.file is not None and credentials.open_to_all(directory / wanted.file):
        yield warning(
            source, f"{wanted.name}_file", "names a file that everybody on this machine can read", "chmod 640"
        )


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
    for clash in clashes(company.limits):
        yield problem(source, clash.key, clash.reason, company=ident)


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
