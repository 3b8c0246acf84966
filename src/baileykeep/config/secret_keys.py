"""Every place where a configuration can name a secret, and the secrets put into their plain keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from baileykeep.config import credentials
from baileykeep.config.checks import problem, warning
from baileykeep.config.fields import Table
from baileykeep.config.problems import Problem
from baileykeep.config.schema import Company, Installation
from baileykeep.config.sources import Source
from baileykeep.config.tenant_tables import TenantTable

T = TypeVar("T", bound=Table)


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
    yield from of_tenant(installation.tenant)


def of_company(ident: str, facts: Company) -> Iterator[credentials.Wanted]:
    """Those of one company's own file."""
    yield credentials.Wanted("secret", facts.secret, facts.secret_env, facts.secret_file, ident)
    yield from of_tenant(facts.tenant, ident)


def of_tenant(table: TenantTable, company: str | None = None) -> Iterator[credentials.Wanted]:
    """Those of a `[tenant]` table, of all companies or of one."""
    key, key_env, key_file = table.webhook_secret, table.webhook_secret_env, table.webhook_secret_file
    yield credentials.Wanted("tenant.webhook_secret", key, key_env, key_file, company)
    yield credentials.Wanted("tenant.channels", table.channels, table.channels_env, table.channels_file, company)


@dataclass(frozen=True, slots=True)
class Where:
    """The file in which secrets are named, and where they may lie. `company` is whose file it is."""

    source: Source
    directory: Path
    environ: Mapping[str, str]
    from_environment: frozenset[str]
    company: str | None = None


def with_secrets(table: T, wanted: Iterable[credentials.Wanted], where: Where) -> tuple[T, list[Problem]]:
    """The table with every secret in its plain key, and what was wrong with those that could not be had."""
    found: list[Problem] = []
    for one in wanted:
        found += [replace(about, company=where.company) for about in _about_secret(one, where)]
        try:
            secret = credentials.obtain(one, where.environ, where.directory)
        except credentials.Missing as error:
            key = f"{one.name}{_suffix(one)}"
            found.append(problem(where.source, key, str(error), company=where.company))
            continue
        if secret is not None:
            table = _placed(table, one.name.split("."), secret)
    return table, found


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


def _about_secret(wanted: credentials.Wanted, where: Where) -> Iterator[Problem]:
    given, source = wanted.given(), where.source
    if len(given) > 1:
        reason = f"is given by {' and '.join(given)}"
        yield problem(source, wanted.name, reason, "keep one of them")
    if wanted.direct is not None and source.open_to_all and wanted.name not in where.from_environment:
        remedy = f"chmod 640 {source.name}, or use {given[0]}_file"
        yield warning(source, wanted.name, "is a secret in a file that everybody on this machine can read", remedy)
    if wanted.file is not None and credentials.open_to_all(where.directory / wanted.file):
        yield warning(
            source, f"{wanted.name}_file", "names a file that everybody on this machine can read", "chmod 640"
        )
