"""One tree of errors: each says what happened (cause), and what the reader can do about it (next_step)."""

from __future__ import annotations


class BaileykeepError(Exception):
    """The base of all expected failures.

    `code` is a stable snake_case word for logs and JSON; `permanent` tells whether repeating the same call
    unchanged can ever succeed. An error is raised low and logged once, where it is handled.
    """

    code = "failed"
    permanent = False
    exit_code = 1

    def __init__(self, cause: str, *, next_step: str = "", code: str | None = None, permanent: bool | None = None):
        super().__init__(cause)
        self.cause = cause
        self.next_step = next_step
        if code is not None:
            self.code = code
        if permanent is not None:
            self.permanent = permanent

    def __str__(self) -> str:
        return f"{self.cause}; {self.next_step}" if self.next_step else self.cause


class UsageError(BaileykeepError):
    """The call itself was wrong: an unknown name, options that exclude each other."""

    code = "usage"
    permanent = True
    exit_code = 2


class ConfigError(UsageError):
    """A configuration file cannot be used; the cause names file, key and reason."""

    code = "config"


class Refused(BaileykeepError):
    """A safety rule said no; nothing was changed. `code` is the rule's reason."""

    code = "refused"
    permanent = True
    exit_code = 3


class Breached(Refused):
    """A promise of `docs/promises.md` was about to be broken: what was to happen is barred, by a defect or a lie."""

    code = "breach"


class GatewayError(BaileykeepError):
    """A gateway did not do what was asked, or did not answer. `code` is a `model.facts.Problem` value."""

    code = "gateway"


class ProcessError(BaileykeepError):
    """A process manager did not do what was asked, or did not answer."""

    code = "process"


class StoreError(BaileykeepError):
    """An auth folder could not be read or written."""

    code = "store"


class BackupError(BaileykeepError):
    """A backup could not be taken, verified or put back."""

    code = "backup"


class OffsiteError(BackupError):
    """A copy could not be sent off this host, found there, or brought back."""

    code = "offsite"


class JournalError(BaileykeepError):
    """The journal could not be read or written."""

    code = "journal"


class ChannelError(BaileykeepError):
    """A notice could not be delivered. `retry_after_s` is the channel's own wish, where it named one."""

    code = "channel"

    def __init__(self, cause: str, *, retry_after_s: float | None = None, next_step: str = "", permanent: bool = False):
        super().__init__(cause, next_step=next_step, permanent=permanent)
        self.retry_after_s = retry_after_s
