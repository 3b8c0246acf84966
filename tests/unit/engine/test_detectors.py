from collections.abc import Iterator

import pytest

from baileykeep.engine.detectors import COMPANY, GATEWAY, ON_HOST
from baileykeep.engine.units import Detector, Unit
from baileykeep.model.facts import (
    CloseKind,
    ConnectionSeen,
    ConnState,
    CredsSeen,
    DecryptFailed,
    DecryptKind,
    DiskSeen,
    Fact,
    FilesSeen,
    FolderSeen,
    GatewaySeen,
    LogActive,
    LogGap,
    NetworkSeen,
    PairingDone,
    PhoneCompared,
    PreKeysOnServer,
    PreKeysUploaded,
    Problem,
    ProcessSeen,
    ProcessState,
    QrShown,
    SessionsRepaired,
    StaleSessionClosed,
    StoreSeen,
    StreamClosed,
    StreamOpened,
    TenantTold,
    Tick,
    WaitingForMessage,
)
from baileykeep.model.inventory import Creds, CredsState, Inventory, Level, PreKeys
from baileykeep.model.limits import Limits
from baileykeep.model.symptoms import HOST, Subject, company, gateway

NOW = 1_800_000_000.0
CREDS = Creds(CredsState.WHOLE, paired=True, identity="x")
FILES = Inventory(190, 190, Level.DANGER, 90, CREDS, {}, PreKeys(190, 200, 201, 35), NOW)

FACTS: tuple[Fact, ...] = (
    ConnectionSeen(at=NOW, company="a", state=ConnState.CONNECTED, paired=False),
    ConnectionSeen(at=NOW, company="a", state=ConnState.DISCONNECTED, code=401),
    ConnectionSeen(at=NOW, company="a", state=ConnState.WAITING_QR, has_qr=True),
    FilesSeen(at=NOW, company="a", inventory=FILES),
    FolderSeen(at=NOW, company="a", present=False),
    PhoneCompared(at=NOW, company="a", same=False),
    CredsSeen(at=NOW, company="a", creds=CREDS),
    SessionsRepaired(at=NOW, company="a"),
    TenantTold(at=NOW, company="a", channel="webhook a", problem="it is gone"),
    GatewaySeen(at=NOW, gateway="a", problem=Problem.REFUSED),
    ProcessSeen(at=NOW, gateway="a", state=ProcessState.STOPPED),
    StoreSeen(at=NOW, gateway="a", took_s=None),
    NetworkSeen(at=NOW, online=False, whatsapp=False),
    DiskSeen(at=NOW, path="/", bytes_free=1, bytes_total=100, inodes_free=1, inodes_total=100),
    LogActive(at=NOW, gateway="a"),
    DecryptFailed(at=NOW, gateway="a", company="a", kind=DecryptKind.BAD_MAC, address="49151.0"),
    StreamClosed(at=NOW, gateway="a", company="a", kind=CloseKind.DEVICE_REMOVED, code=401),
    StreamOpened(at=NOW, gateway="a", company="a"),
    QrShown(at=NOW, gateway="a", company="a"),
    PairingDone(at=NOW, gateway="a", company="a"),
    PreKeysOnServer(at=NOW, gateway="a", company="a", count=30),
    PreKeysUploaded(at=NOW, gateway="a", company="a", count=812),
    StaleSessionClosed(at=NOW, gateway="a", company="a"),
    WaitingForMessage(at=NOW, gateway="a", company="a"),
    LogGap(at=NOW, gateway="a", company="a"),
    Tick(at=NOW),
)


def _undeclared() -> Iterator[tuple[Subject, Detector, Fact]]:
    for subject, detectors in ((company("a"), COMPANY), (gateway("a"), GATEWAY), (HOST, ON_HOST)):
        for detector in detectors:
            yield from ((subject, detector, fact) for fact in FACTS if not isinstance(fact, detector.folds))


def test_every_kind_of_fact_is_tried() -> None:
    def named(kind: type[Fact]) -> set[str]:
        below = [sub for sub in kind.__subclasses__() if sub is not kind]
        return {name for sub in below for name in named(sub)} if below else {kind.__name__}

    assert named(Fact) - {"CompanyFact", "LogFact"} == {type(fact).__name__ for fact in FACTS}


@pytest.mark.parametrize(
    ("subject", "detector", "fact"),
    list(_undeclared()),
    ids=lambda value: getattr(value, "name", None) or type(value).__name__,
)
def test_a_fact_that_a_detector_does_not_name_would_change_nothing_in_it(
    subject: Subject, detector: Detector, fact: Fact
) -> None:
    fresh = detector.kind()
    reached = [fresh]
    for named in (f for f in FACTS if isinstance(f, detector.folds)):
        reached.append(detector.step(reached[-1], subject, named, NOW, Limits())[0])
    for state in reached:
        assert detector.step(state, subject, fact, NOW, Limits()) == (state, ())


@pytest.mark.parametrize("detector", [*COMPANY, *GATEWAY, *ON_HOST], ids=lambda d: d.name)
def test_a_detector_names_only_facts_that_mean_something_to_it(detector: Detector) -> None:
    if Tick in detector.folds:
        assert len(detector.folds) > 1
    kinds = [kind for kind in detector.folds if kind is not Tick]
    for kind in kinds:
        assert any(isinstance(fact, kind) for fact in FACTS)


def test_a_unit_hands_a_fact_to_those_who_name_it_and_to_their_subclasses() -> None:
    asked: list[str] = []

    def noting(name: str) -> Detector:
        def step(state: int, _s: Subject, fact: Fact, _n: float, _l: Limits) -> tuple[int, tuple[()]]:
            asked.append(f"{name} {type(fact).__name__}")
            return state, ()

        return Detector(name, int, step, (Tick,) if name == "timer" else (LogActive,))

    unit = Unit(company("a"), (noting("timer"), noting("log")), Limits())
    unit.observe(Tick(at=NOW), NOW)
    unit.observe(LogActive(at=NOW, gateway="a"), NOW)
    unit.observe(NetworkSeen(at=NOW, online=True, whatsapp=True), NOW)
    assert asked == ["timer Tick", "log LogActive"]
