"""All that the log files of one gateway tell, as facts: each event once, with the company where it is certain."""

from __future__ import annotations

from collections.abc import Iterator

from baileykeep.logs.failures import ConsoleBlocks, Failure, FailureJoiner, certain, from_record
from baileykeep.logs.moments import MOMENTS, Moment, Moments
from baileykeep.logs.signs import Seen, Sighting, Sign
from baileykeep.model.facts import (
    DecryptFailed,
    LogFact,
    PairingDone,
    PreKeysOnServer,
    PreKeysUploaded,
    QrShown,
    StaleSessionClosed,
    StreamClosed,
    StreamOpened,
    WaitingForMessage,
)


class GatewayLog:
    """Joins the sightings of all files of one gateway. `now` is monotonic and only decides how long to wait."""

    def __init__(self, gateway: str) -> None:
        self.failures = FailureJoiner()
        self.moments = Moments()
        self._gateway = gateway
        self._plain: list[LogFact] = []

    def see(self, sighting: Sighting, blocks: ConsoleBlocks, now: float, at: float) -> None:
        """Take in a sighting of the file that `blocks` belongs to; `at` is when it was true."""
        seen, company = sighting.seen, sighting.company
        if seen.sign is Sign.DECRYPT_HEADER:
            self.failures.add(blocks.header(company, now, at))
        elif seen.sign is Sign.SESSION_ERROR and seen.why is not None:
            blocks.error(seen.why)
        elif seen.sign is Sign.CONTACT_FRAME and seen.address is not None:
            blocks.frame(seen.address)
        elif seen.sign is Sign.DECRYPT_RECORD:
            self.failures.add(from_record(seen, company, now, at))
        elif seen.sign in MOMENTS or seen.sign is Sign.CONNECTING:
            self._moment(seen, company, now, at)
        else:
            self._plain.extend(self._fact_of(seen, company, at))

    def due(self, now: float) -> list[LogFact]:
        """The facts that need not wait any longer; infinity tells everything."""
        plain = self.at_once()
        failures = [failed(self._gateway, failure) for failure in self.failures.due(now)]
        return [*plain, *(happened(self._gateway, moment) for moment in self.moments.due(now)), *failures]

    def held(self) -> list[LogFact]:
        """The facts that still wait for more lines, as they are so far; they stay held."""
        failures = [failed(self._gateway, failure) for failure in self.failures.held()]
        return [*self._plain, *(happened(self._gateway, moment) for moment in self.moments.held()), *failures]

    def at_once(self) -> list[LogFact]:
        """The facts that wait for nothing: a single line tells them."""
        plain, self._plain = self._plain, []
        return plain

    def next_due(self) -> float | None:
        """The monotonic moment at which `due` has something to tell without another line."""
        known = [found for found in (self.failures.next_due(), self.moments.next_due()) if found is not None]
        return min(known) if known else None

    def _moment(self, seen: Seen, company: str | None, now: float, at: float) -> None:
        new = self.moments.see(seen, company, now, at)
        if new is not None and new.sign is Sign.PRE_KEYS_UPLOAD:
            # told at once: whether an upload came before or after a count decides what the count is worth
            new.told = True
            self._plain.append(happened(self._gateway, new))

    def _fact_of(self, seen: Seen, company: str | None, at: float) -> Iterator[LogFact]:
        if seen.sign is Sign.PRE_KEYS_FOUND and seen.code is not None:
            yield PreKeysOnServer(at=at, gateway=self._gateway, company=company, count=seen.code)
        elif seen.sign is Sign.STALE:
            yield StaleSessionClosed(at=at, gateway=self._gateway, company=company)
        elif seen.sign is Sign.WAITING:
            yield WaitingForMessage(at=at, gateway=self._gateway, company=company)


def failed(gateway: str, failure: Failure) -> DecryptFailed:
    """A failure as a fact."""
    return DecryptFailed(
        at=failure.at, gateway=gateway, company=failure.company, kind=certain(failure), address=failure.address
    )


def happened(gateway: str, moment: Moment) -> LogFact:
    """A moment as a fact."""
    at, company = moment.at, moment.company
    if moment.sign is Sign.CLOSED:
        return StreamClosed(at=at, gateway=gateway, company=company, kind=moment.close_kind, code=moment.code)
    if moment.sign is Sign.PRE_KEYS_UPLOAD:
        return PreKeysUploaded(at=at, gateway=gateway, company=company, count=moment.code)
    plain = {Sign.OPENED: StreamOpened, Sign.QR: QrShown, Sign.PAIRED: PairingDone}[moment.sign]
    return plain(at=at, gateway=gateway, company=company)
