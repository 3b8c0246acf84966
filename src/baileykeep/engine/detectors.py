"""Which rules watch whom. A new detector is one file in `rules/` and one line here."""

from __future__ import annotations

from baileykeep.engine.units import BASICS, Detector
from baileykeep.rules import (
    bad_mac,
    creds_guard,
    disk,
    flapping,
    folder,
    levels,
    log_signs,
    phantom,
    pre_keys,
    qr,
    reach,
)

COMPANY = (
    *BASICS,
    Detector("pool", pre_keys.PoolKnowledge, pre_keys.step),
    Detector("files", levels.FilesState, levels.step),
    Detector("folder", folder.FolderState, folder.step),
    Detector("creds", creds_guard.GuardState, creds_guard.step),
    Detector("flapping", flapping.State, flapping.step),
    Detector("phantom", phantom.State, phantom.step),
    Detector("qr", qr.State, qr.step),
    Detector("bad_mac", bad_mac.State, bad_mac.step),
    Detector("log_signs", log_signs.State, log_signs.step),
)
"""The detectors of every company."""

GATEWAY = (
    Detector("reach", reach.GatewayState, reach.step_gateway),
    Detector("bad_mac", bad_mac.State, bad_mac.step),
    Detector("log_signs", log_signs.State, log_signs.step),
)
"""The detectors of every gateway: what its log says of nobody in particular, and whether it answers."""

ON_HOST = (
    Detector("network", reach.HostState, reach.step_host),
    Detector("disk", disk.State, disk.step),
)
"""The detectors of the host."""
