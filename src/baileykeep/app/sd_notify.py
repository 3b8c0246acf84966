"""Telling systemd how it goes, where systemd is listening. Without it every call does nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

import structlog

log = structlog.get_logger(__name__)


class Notifier:
    """Speaks the notify protocol to the socket named in the environment."""

    def __init__(self, environ: Mapping[str, str] = os.environ):
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        watchdog = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(watchdog) / 1e6 if watchdog.isdecimal() else None

    def say(self, **words: str) -> None:
        """Send assignments such as READY=1; a systemd that does not listen is only logged."""
        if not self._address:
            return
        message = "\n".join(f"{name}={value}" for name, value in words.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
                wire.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("systemd_not_told", error=str(error))
