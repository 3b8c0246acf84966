"""The shape of what the daemon tells about itself, as JSON: the `overview`, `company` and `action` answers."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Health = Literal["ok", "watch", "trouble", "down"]
"""How a company is, best first. WATCH is healthy with something to keep an eye on; the last two are unhealthy."""

HEALTHS: tuple[Health, ...] = ("ok", "watch", "trouble", "down")


class NetworkView(TypedDict):
    """This host's own probes."""

    online: bool
    whatsapp: bool


class ConfigView(TypedDict):
    """Whether the last load of the configuration was whole; `problems` name file, key and reason."""

    ok: bool
    problems: list[str]


class ProcessView(TypedDict):
    """What the process manager says of a gateway's process."""

    manager: str
    state: str
    restarts: int | None


class GatewayView(TypedDict):
    """One gateway. `problem` is why its HTTP side gives no answer, None when it does.

    `not_watched` says in sentences what is not looked at there, and what cannot be had for that reason.
    `carries` names whom its process carries, where these are others than the gateway's own companies.
    """

    id: str
    dialect: str
    url: str
    problem: str | None
    process: ProcessView
    companies: int
    braked: bool
    not_watched: list[str]
    carries: NotRequired[str]


class Heard(TypedDict, total=False):
    """What a gateway that cannot be asked said last, and how many seconds ago."""

    heard: str
    heard_s: float


class ConnectionView(Heard):
    """One session's connection. `since` is epoch seconds, `down_s` the down time observed so far, 0 when up."""

    state: str
    since: float | None
    paired: bool | None
    down_s: float
    cause: str | None


class FilesView(TypedDict):
    """One auth folder in four numbers."""

    total: int
    counted: int
    level: str
    reclaimable: int


class BackupsView(TypedDict):
    """The copies of one company; times are epoch seconds.

    `offsite_at` is when the newest login off this host was made; it is given where copies are sent.
    """

    count: int
    newest_at: float | None
    newest_kind: str | None
    offsite_at: NotRequired[float | None]


class ApprovalView(TypedDict):
    """A question that waits for a human's word; times are epoch seconds."""

    rung: str
    revision: int
    asked_at: float
    expires_at: float


class IncidentView(TypedDict):
    """One open incident. `hold` is the reason why nothing is done right now.

    `subject` such as `gateway:main` is given where the incident does not stand under its company.
    """

    id: str
    subject: NotRequired[str]
    cause: str
    severity: str
    headline: str
    opened_at: float
    hold: str | None
    needs_human: bool
    approval: ApprovalView | None


class CompanyView(TypedDict):
    """One company. `phone` shows the last four digits only; `next` is one sentence for the reader.

    `stops_others`: its session can only be stopped with the process, which carries other companies, too; `others`
    names them. `not_watched` is as of its gateway; `cannot` names what its open incident would need and the gateway
    lacks.
    """

    id: str
    name: str
    gateway: str
    connection: ConnectionView
    files: FilesView | None
    phone: str | None
    backups: BackupsView
    incidents: list[IncidentView]
    paused_until: float | None
    stops_others: bool
    others: NotRequired[str]
    next: str
    health: Health
    not_watched: list[str]
    cannot: list[str]


class CopiesView(TypedDict):
    """Copies off this host. `to` is None where none are sent; `waiting` counts companies with some not sent.

    `problem` says in words what is wrong, None when nothing is.
    """

    to: str | None
    waiting: int
    waiting_since: float | None
    problem: str | None


class Overview(TypedDict):
    """Everything at a glance; times are epoch seconds. `incidents` are those of gateways and of the host."""

    version: str
    mode: str
    started_at: float
    now: float
    network: NetworkView
    config: ConfigView
    paused_until: float | None
    gateways: list[GatewayView]
    companies: list[CompanyView]
    incidents: NotRequired[list[IncidentView]]
    copies: NotRequired[CopiesView]


class StepView(TypedDict):
    """One step of a running or ended action."""

    at: float
    name: str
    text: str


class ActionView(TypedDict):
    """One action, by hand or by the ladder. `outcome` is a `model.incident.Outcome` value once it ended."""

    action: str
    company: str
    rung: str
    state: Literal["running", "ended"]
    steps: list[StepView]
    outcome: str | None
    note: str


def unhealthy(health: str) -> bool:
    """Whether a company in this health needs somebody: what makes `health` exit 1."""
    return health not in ("ok", "watch")


def worst_first(companies: list[CompanyView]) -> list[CompanyView]:
    """Down before trouble before watch before ok; among equals those with more counted files, then by id."""

    def key(view: CompanyView) -> tuple[int, int, str]:
        files = view["files"]
        rank = HEALTHS.index(view["health"]) if view["health"] in HEALTHS else len(HEALTHS)
        return (-rank, -(files["counted"] if files else 0), view["id"])

    return sorted(companies, key=key)
