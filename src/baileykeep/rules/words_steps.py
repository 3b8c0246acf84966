"""The steps of actions in words: progress lines for people who watch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STEPS: Mapping[str, str] = MappingProxyType(
    {
        "stop": "Stopping the session",
        "prove_stopped": "Making sure that it is stopped",
        "backup": "Taking a verified backup",
        "snapshot": "Taking a backup",
        "remove": "Removing old files",
        "set_aside": "Setting files aside",
        "clear_pairing": "Clearing what was paired wrongly",
        "put_back": "Putting the old login back",
        "restore": "Putting the backup back",
        "restore_creds": "Putting the last good creds back",
        "reconnect": "Asking for a new connection",
        "restart_process": "Restarting the gateway's process",
        "reset": "Asking the gateway to reset the login",
        "start": "Starting the session",
        "left_closed": "Leaving the session closed, because a start over damaged creds would replace the login",
        "verify": "Watching that it stays connected",
        "wait_for_scan": "Waiting for the QR to be scanned",
    }
)
"""The steps of actions as progress lines."""


def step(name: str) -> str:
    """A step of an action as a progress line, without a full stop."""
    return STEPS.get(name, name.replace("_", " "))
