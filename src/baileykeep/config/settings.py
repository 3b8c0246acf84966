"""A whole configuration, checked and resolved: what the rest of the program reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from baileykeep.config.limit_tables import Overrides, written
from baileykeep.config.schema import Company, GatewayTable, Generation, Installation
from baileykeep.config.window import Window
from baileykeep.gateways.dialect import Dialect
from baileykeep.model.limits import Limits

NO_FACTS = Company()
"""What is known of a company without a file; made once, for thousands of them are asked for again and again."""


@dataclass(frozen=True, slots=True)
class CompanySettings:
    """One company's facts and effective limits. `own` holds only what its file overrides."""

    id: str
    facts: Company
    limits: Limits
    window: Window | None = None
    own: Overrides = field(default_factory=dict)
    from_environment: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """What people call it: its name, else its id."""
        return self.facts.name or self.id


@dataclass(frozen=True, slots=True)
class Settings:
    """The installation and its companies.

    `companies` are those that have a file; any other has the installation's values (see `company`). `held` are
    companies whose file cannot be used and never could since the start: nothing may be done to them. `dialects` are
    by gateway; `dialect_texts` are the installation's own files, by name.
    """

    directory: Path
    installation: Installation
    limits: Limits
    companies: Mapping[str, CompanySettings]
    held: frozenset[str] = frozenset()
    own: Overrides = field(default_factory=dict)
    from_environment: frozenset[str] = frozenset()
    dialects: Mapping[str, Dialect] = field(default_factory=dict, compare=False, repr=False)
    dialect_texts: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def gateways(self) -> Mapping[str, GatewayTable]:
        """The gateways by name."""
        return self.installation.gateways

    def company(self, ident: str) -> CompanySettings:
        """What is known of a company, with or without a file of its own."""
        known = self.companies.get(ident)
        return known or CompanySettings(ident, NO_FACTS, self.limits, default_window(self.installation))

    def limits_for(self, ident: str) -> Limits:
        """The effective limits of a company."""
        return self.company(ident).limits

    def enabled(self, ident: str) -> bool:
        """Whether anything at all is to be done with a company."""
        return ident not in self.held and self.company(ident).facts.enabled

    def keys(self) -> dict[str, str]:
        """Companies' own keys at their gateways, by company."""
        secrets = {ident: company.facts.secret for ident, company in self.companies.items()}
        return {ident: secret.get_secret_value() for ident, secret in secrets.items() if secret is not None}

    def generation(self, ident: str, gateway: str) -> Generation:
        """The generation of Baileys that a company's gateway runs: its own word, its gateway's, the installation's."""
        table = self.gateways.get(gateway)
        of_gateway = table.baileys if table else None
        return self.company(ident).facts.baileys or of_gateway or self.installation.baileys

    def chats(self, ident: str | None) -> tuple[int, ...]:
        """The first contact for a company (None: for a gateway or the host)."""
        own = self.company(ident).facts.contacts if ident else ()
        return own or self.installation.telegram.chats

    def second_chats(self, ident: str | None) -> tuple[int, ...]:
        """The second contact for a company (None: for a gateway or the host)."""
        own = self.company(ident).facts.second if ident else ()
        return own or self.installation.telegram.second

    def origin(self, ident: str | None, section: str, name: str) -> str:
        """Where a limit's value comes from: default, installation, company or environment (`name` as the field)."""
        key = f"limits.{section}.{written(name)}"
        company = self.companies.get(ident) if ident else None
        if company and name in company.own.get(section, {}):
            return "environment" if key in company.from_environment else "company"
        if name in self.own.get(section, {}):
            return "environment" if key in self.from_environment else "installation"
        return "default"


def default_window(installation: Installation) -> Window | None:
    """The window of companies that have none of their own."""
    return installation.window.window(installation.timezone) if installation.window else None
