"""What watchers saw, with the time (epoch seconds) at which it was true. Facts carry no opinion."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from baileykeep.model.inventory import Creds, Inventory


class ConnState(StrEnum):
    """One session's connection, in one vocabulary for all gateways."""

    CONNECTED = "connected"
    CONNECTING = "connecting"
    WAITING_QR = "waiting_qr"
    DISCONNECTED = "disconnected"
    UNKNOWN = "unknown"


class Problem(StrEnum):
    """Why a gateway gave no usable answer."""

    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNAUTHORIZED = "unauthorized"
    TLS = "tls"
    NOT_FOUND = "not_found"
    SERVER_ERROR = "server_error"
    BAD_ANSWER = "bad_answer"
    NOT_SUPPORTED = "not_supported"


class ProcessState(StrEnum):
    """What a process manager says of the gateway's process."""

    RUNNING = "running"
    STOPPED = "stopped"
    ERRORED = "errored"
    UNKNOWN = "unknown"


class DecryptKind(StrEnum):
    """Why a message could not be decrypted, as the log names it."""

    BAD_MAC = "bad_mac"
    NO_MATCHING_SESSION = "no_matching_session"
    INVALID_PRE_KEY = "invalid_pre_key"
    NO_SESSION = "no_session"
    NO_SENDER_KEY = "no_sender_key"
    DUPLICATE = "duplicate"
    OTHER = "other"


class CloseKind(StrEnum):
    """Why a stream was closed, as the log names it; the numeric code goes beside it."""

    DEVICE_REMOVED = "device_removed"
    LOGGED_OUT = "logged_out"
    REPLACED = "replaced"
    RESTART_REQUIRED = "restart_required"
    QR_ENDED = "qr_ended"
    CONNECT_ERROR = "connect_error"
    LOST = "lost"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The base: something was true at `at`."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Fact):
    """Time passed and nothing else did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyFact(Fact):
    """Something about one company's session."""

    company: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSeen(CompanyFact):
    """One answer (or the lack of one) about a session.

    `paired` is None where the gateway does not tell. `code` is the disconnect status code where it does.
    With state UNKNOWN, `problem` says why there was no answer.
    """

    state: ConnState
    paired: bool | None = None
    code: int | None = None
    has_qr: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSeen(CompanyFact):
    """The truth about a folder, from a full listing."""

    inventory: Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSeen(CompanyFact):
    """A company's folder appeared (present) or vanished."""

    present: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneCompared(CompanyFact):
    """Whether the login that lies in the folder is of the phone that is configured for the company."""

    same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTold(CompanyFact):
    """A message to the company's own people was taken, or could not be delivered (`problem`) by this channel.

    Without a channel: its addresses changed, and nothing is known of the new ones.
    """

    channel: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsRepaired(CompanyFact):
    """Contacts' broken sessions were set aside, and the session opened again after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredsSeen(CompanyFact):
    """`creds.json` after it changed and settled; a torn read is read again before it becomes a fact."""

    creds: Creds


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySeen(Fact):
    """Whether one gateway's HTTP side answers at all; `problem` is None when it does."""

    gateway: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSeen(Fact):
    """What the process manager says. `restarts` counts since the manager started the process."""

    gateway: str
    state: ProcessState
    restarts: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSeen(Fact):
    """The database that holds a gateway's logins answered after `took_s` seconds; None: it did not."""

    gateway: str
    took_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSeen(Fact):
    """Our own probes: is this host online at all, and does WhatsApp answer from here."""

    online: bool
    whatsapp: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSeen(Fact):
    """Free room of the volume that holds `path`. `inodes_free` is None where the file system has no count."""

    path: str
    bytes_free: int
    bytes_total: int
    inodes_free: int | None
    inodes_total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFact(Fact):
    """Something a gateway's log said. `company` is None when the line could not be attributed."""

    gateway: str
    company: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogActive(LogFact):
    """The log moved (at most once a few seconds): the process is alive whatever its HTTP side says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecryptFailed(LogFact):
    """One message that could not be decrypted, counted once whatever it printed.

    `address` is the session address as in the file name, such as `4915122222222.0` or `100000000000555_1.0`.
    """

    kind: DecryptKind
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamClosed(LogFact):
    """A connection was closed, with its status code where the log told it."""

    kind: CloseKind
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpened(LogFact):
    """`opened connection to WA`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QrShown(LogFact):
    """The gateway shows a QR; its contents are never kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairingDone(LogFact):
    """A QR was scanned or a code was typed: `pairing configured successfully`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreKeysOnServer(LogFact):
    """`N pre-keys found on server`."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreKeysUploaded(LogFact):
    """An upload of `count` pre-keys (None where the line did not say)."""

    count: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleSessionClosed(LogFact):
    """`Closing stale open session for new outgoing prekey bundle`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingForMessage(LogFact):
    """A contact sees `waiting for message`; some gateways print it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGap(LogFact):
    """Part of the log was never seen (rotated away or truncated unread): counts from it are void."""
