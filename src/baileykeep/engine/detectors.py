"""Which rules watch whom. A new detector is one file in `rules/` and one line here."""

from __future__ import annotations

from baileykeep.engine.units import BASICS, Detector
from baileykeep.model.facts import (
    ConnectionSeen,
    CredsSeen,
    DecryptFailed,
    DiskSeen,
    Fact,
    FilesSeen,
    FolderSeen,
    GatewaySeen,
    LogFact,
    LogGap,
    NetworkSeen,
    PairingDone,
    PhoneCompared,
    PreKeysOnServer,
    PreKeysUploaded,
    ProcessSeen,
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
from baileykeep.rules import (
    after_repair,
    bad_mac,
    creds_guard,
    disk,
    flapping,
    folder,
    levels,
    log_signs,
    phantom,
    pre_key_anomaly,
    pre_keys,
    qr,
    reach,
    store_watch,
    tenant_told,
)

Facts = tuple[type[Fact], ...]

STREAM: Facts = (StreamOpened, StreamClosed, PairingDone)
POOL: Facts = (PreKeysOnServer, PreKeysUploaded, StreamOpened, LogGap, PairingDone, FilesSeen)
SIGNS: Facts = (StaleSessionClosed, WaitingForMessage, Tick)
REACH: Facts = (GatewaySeen, ProcessSeen, NetworkSeen, FilesSeen, LogFact, Tick)

COMPANY = (
    *BASICS,
    Detector("pool", pre_keys.PoolKnowledge, pre_keys.step, POOL),
    Detector("files", levels.FilesState, levels.step, (FilesSeen,)),
    Detector("pre_key_anomaly", pre_key_anomaly.State, pre_key_anomaly.step, (FilesSeen, Tick)),
    Detector("folder", folder.FolderState, folder.step, (FolderSeen, ConnectionSeen, PhoneCompared, Tick)),
    Detector("creds", creds_guard.GuardState, creds_guard.step, (*STREAM, CredsSeen, QrShown, ConnectionSeen)),
    Detector("flapping", flapping.State, flapping.step, (*STREAM, ConnectionSeen, Tick)),
    Detector("phantom", phantom.State, phantom.step, (ConnectionSeen,)),
    Detector("qr", qr.State, qr.step, (*STREAM, QrShown, ConnectionSeen, FilesSeen, CredsSeen, Tick)),
    Detector("bad_mac", bad_mac.State, bad_mac.step, (DecryptFailed, Tick)),
    Detector("after_repair", after_repair.State, after_repair.step, (SessionsRepaired, DecryptFailed, Tick)),
    Detector("log_signs", log_signs.State, log_signs.step, SIGNS),
    Detector("tenant_told", tenant_told.State, tenant_told.step, (TenantTold,)),
)
"""The detectors of every company."""

GATEWAY = (
    Detector("reach", reach.GatewayState, reach.step_gateway, REACH),
    Detector("bad_mac", bad_mac.State, bad_mac.step, (DecryptFailed, Tick)),
    Detector("log_signs", log_signs.State, log_signs.step, SIGNS),
    Detector("store", store_watch.State, store_watch.step, (StoreSeen,)),
)
"""The detectors of every gateway: what its log says of nobody in particular, and whether it and its database answer."""

ON_HOST = (
    Detector("network", reach.HostState, reach.step_host, (NetworkSeen,)),
    Detector("disk", disk.State, disk.step, (DiskSeen, Tick)),
)
"""The detectors of the host."""
