"""The shape of `baileykeep.toml` and of `companies/<id>.toml`. The configuration reference is generated from here."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from baileykeep.config.fields import (
    Address,
    Addresses,
    CompanyRegex,
    CompanyTemplate,
    FilePath,
    Flag,
    Ids,
    Kind,
    Language,
    LogPath,
    Phone,
    Seconds,
    Secret,
    SecretUrl,
    Table,
    Templates,
    Text,
    Url,
    Whole,
    Zone,
    listed,
)
from baileykeep.config.hook_tables import HookTable
from baileykeep.config.limit_tables import SECTIONS, SHARED, limits_table
from baileykeep.config.offsite_tables import OffsiteTable
from baileykeep.config.process_tables import ProcessTable
from baileykeep.config.schedule_tables import DigestTable, TimeOfDay
from baileykeep.config.store_tables import PostgresTable
from baileykeep.config.tenant_tables import TenantTable
from baileykeep.config.window import DAYS, Window

Generation = Literal["auto", "6", "7"]
WINDOW_MARGIN = timedelta(minutes=15)
"""Nothing is begun in a window's last minutes, so a shorter window would never act."""


if TYPE_CHECKING:

    class InstallationLimits(Table):
        """Limits of the whole installation."""

    class CompanyLimits(Table):
        """One company's own limits."""
else:
    InstallationLimits = limits_table("InstallationLimits", frozenset(SECTIONS), "Limits of the whole installation.")
    CompanyLimits = limits_table("CompanyLimits", frozenset(SECTIONS) - SHARED, "One company's own limits.")


Weekdays = Annotated[
    tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...],
    BeforeValidator(listed),
    Field(min_length=1),
    Kind("list of mon, tue, wed, thu, fri, sat, sun"),
]


class WindowTable(Table):
    """When cleanups of connected sessions may run."""

    days: Weekdays = Field(
        default=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), description="weekdays on which it opens"
    )
    start: TimeOfDay = Field(alias="from", description="opens at this local time")
    end: TimeOfDay = Field(alias="to", description="closes at this local time, on the next day when that is earlier")
    tz: Zone | None = Field(default=None, description="its time zone; the installation's when not given")

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        base = date(2000, 1, 1)
        length = datetime.combine(base, self.end) - datetime.combine(base, self.start)
        if length <= timedelta(0):
            length += timedelta(days=1)
        if length <= WINDOW_MARGIN:
            minutes = int(length.total_seconds() // 60)
            raise ValueError(f"is {minutes} min long, but nothing is begun in its last 15 min: make it longer")
        return self

    def window(self, timezone: str) -> Window:
        """The window itself, in its own zone or else in `timezone`."""
        days = tuple(sorted({DAYS.index(day) for day in self.days}))
        return Window(days, self.start, self.end, self.tz or timezone)


class LogTable(Table):
    """One log file of a gateway, and how its lines name their company."""

    path: LogPath = Field(description="the file; with {company} in it, one file for each company")
    company_field: Text | None = Field(default=None, description="JSON field that holds the company, dotted")
    company_regex: CompanyRegex | None = Field(
        default=None, description="finds the company in a line by its group called company"
    )
    company_template: CompanyTemplate = Field(
        default="{company}", description="how the log writes a company: company_{company} where it prints company_42"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.company_field and self.company_regex:
            raise ValueError("has company_field and company_regex: keep one of them")
        return self


class GatewayTable(Table):
    """One gateway: how to ask it, where its logins and logs are, and what runs it."""

    dialect: Text = Field(description="how it talks: a shipped dialect, or a file of that name in dialects/")
    url: Url = Field(description="where its HTTP side listens, without a path that the dialect adds")
    secret: Secret | None = Field(default=None, description="its key; better from secret_file or secret_env")
    secret_file: FilePath | None = Field(default=None, description="file that holds its key")
    secret_env: Text | None = Field(default=None, description="environment variable that holds its key")
    timeout: Annotated[Seconds, Field(ge=0.1)] = Field(default=10.0, description="an answer must come within this")
    ca_file: FilePath | None = Field(default=None, description="certificates to trust instead of the system's")
    id_template: CompanyTemplate | None = Field(
        default=None,
        description="how it names a company's session, such as business_{company}; else as its dialect does",
    )
    sessions: Templates = Field(default=(), description="where companies' auth folders lie, with {company} in it")
    auth_store: Literal["files", "postgres", "none"] = Field(
        default="files",
        description='"postgres" where they are rows; "none" where they are out of reach: watch and reconnect only',
    )
    postgres: PostgresTable | None = Field(default=None, description='its database, for auth_store = "postgres"')
    discover: Flag = Field(
        default=True,
        description='with auth_store = "none": watch whatever sessions it lists; false: only companies with a file',
    )
    webhook: HookTable = Field(default_factory=HookTable, description="what it sends to us by itself")
    baileys: Generation | None = Field(default=None, description="generation of Baileys it runs")
    logs: tuple[LogTable, ...] = Field(default=(), description="its log files; stdout and stderr are two of them")
    process: ProcessTable = Field(default_factory=ProcessTable, description="what runs it")

    @property
    def by_list(self) -> bool:
        """Whether whatever it lists is a company."""
        return self.auth_store == "none" and self.discover

    @model_validator(mode="after")
    def _store(self) -> Self:
        if self.auth_store != "files" and self.sessions:
            raise ValueError(f'has auth_store = "{self.auth_store}" and sessions: remove one of them')
        if (self.auth_store == "postgres") is not (self.postgres is not None):
            raise ValueError('needs auth_store = "postgres" and a table postgres together: add the one that is missing')
        return self


class HttpTable(Table):
    """Our own HTTP side: health, metrics and the API."""

    listen: Address = Field(default="127.0.0.1:8420", description="where it listens")
    token: Secret | None = Field(default=None, description="bearer token; without one only reading, only from here")
    token_file: FilePath | None = Field(default=None, description="file that holds the token")
    token_env: Text | None = Field(default=None, description="environment variable that holds the token")


class TelegramTable(Table):
    """On-call staff in Telegram."""

    token: Secret | None = Field(default=None, description="the bot's token")
    token_file: FilePath | None = Field(default=None, description="file that holds the token")
    token_env: Text | None = Field(default=None, description="environment variable that holds the token")
    api_url: Url = Field(default="https://api.telegram.org", description="another Bot API server")
    chats: Ids = Field(default=(), description="first contact: chats that are told")
    second: Ids = Field(default=(), description="second contact: chats that are told of unanswered questions")
    users: Ids = Field(default=(), description="people whose buttons and commands are obeyed")

    @model_validator(mode="after")
    def _people(self) -> Self:
        if (self.token or self.token_file or self.token_env) and not self.chats:
            raise ValueError("has a token but no chats: add the ids of the chats to tell")
        return self


class HeartbeatTable(Table):
    """Somebody outside who notices when the daemon itself is gone."""

    url: SecretUrl | None = Field(default=None, description="address that is called while all is well with the daemon")
    url_file: FilePath | None = Field(default=None, description="file that holds the address")
    url_env: Text | None = Field(default=None, description="environment variable that holds the address")
    every: Annotated[Seconds, Field(ge=1)] = Field(default=60.0, description="between two calls")


class NetworkTable(Table):
    """Our own probes, to tell this host offline and WhatsApp unreachable apart."""

    online: Addresses = Field(default=("1.1.1.1:443", "8.8.8.8:443"), description="any of them answers: online")
    whatsapp: Addresses = Field(default=("web.whatsapp.com:443",), description="any of them answers: reachable")


class JournalTable(Table):
    """How much of the past is kept."""

    keep: Annotated[Seconds, Field(ge=8 * 86_400)] = Field(
        default=90 * 86_400.0, description="closed history older than this is forgotten"
    )
    max_mb: Annotated[Whole, Field(ge=16)] = Field(default=512, description="and the oldest of it beyond this size")


class Installation(Table):
    """`baileykeep.toml`: one machine's installation."""

    mode: Literal["observe", "act"] = Field(
        default="observe", description='"observe" only tells what it would have done; "act" does it'
    )
    state_dir: FilePath = Field(default=Path("/var/lib/baileykeep"), description="journal and positions in logs")
    backups_dir: FilePath = Field(default=Path("/var/backups/baileykeep"), description="backups and set-asides")
    timezone: Zone = Field(default="UTC", description="for windows, digests and messages")
    language: Language = Field(default="en", description="language of messages to companies' own people")
    baileys: Generation = Field(
        default="auto", description="generation of Baileys; auto looks at each folder and its log"
    )
    gateways: dict[str, GatewayTable] = Field(default_factory=dict, description="gateways by a name you choose")
    http: HttpTable = Field(default_factory=HttpTable, description="our own HTTP side")
    telegram: TelegramTable = Field(default_factory=TelegramTable, description="on-call staff in Telegram")
    heartbeat: HeartbeatTable = Field(default_factory=HeartbeatTable, description="dead man's switch")
    network: NetworkTable = Field(default_factory=NetworkTable, description="our own probes")
    journal: JournalTable = Field(default_factory=JournalTable, description="how much of the past is kept")
    offsite: OffsiteTable = Field(default_factory=OffsiteTable, description="copies off this host")
    tenant: TenantTable = Field(default_factory=TenantTable, description="how companies themselves are told")
    digest: DigestTable = Field(default_factory=DigestTable, description="the daily digest")
    window: WindowTable | None = Field(
        default=None, description="maintenance window of companies that have none of their own"
    )
    limits: InstallationLimits = Field(
        default_factory=InstallationLimits, description="the numbers that steer decisions, for all companies"
    )


class Company(Table):
    """`companies/<id>.toml`: what is known of one company, and where it differs from the installation."""

    enabled: Flag = Field(default=True, description="false: leave this company alone entirely")
    name: Text = Field(default="", description="what people call it")
    gateway: Text | None = Field(
        default=None, description="its gateway; needed when there are several and no folder tells"
    )
    phone: Phone | None = Field(default=None, repr=False, description="its WhatsApp number; never taken from elsewhere")
    secret: Secret | None = Field(
        default=None, description="its own key, where its gateway has one per session; better from secret_file"
    )
    secret_file: FilePath | None = Field(default=None, description="file that holds its own key")
    secret_env: Text | None = Field(default=None, description="environment variable that holds its own key")
    folder: FilePath | None = Field(default=None, description="its auth folder, where no template finds it")
    baileys: Generation | None = Field(default=None, description="generation of Baileys; else the gateway's")
    contacts: Ids = Field(default=(), description="Telegram chats told of this company instead of telegram.chats")
    second: Ids = Field(default=(), description="and its second contact instead of telegram.second")
    window: WindowTable | None = Field(default=None, description="its maintenance window")
    language: Language | None = Field(default=None, description="language of messages to its own people")
    tenant: TenantTable = Field(default_factory=TenantTable, description="how its own people are told")
    limits: CompanyLimits = Field(default_factory=CompanyLimits, description="its own limits")
