"""The one service behind the unix socket, HTTP and Telegram, and the words in which it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Control(Protocol):
    """Everything a human may ask of a running daemon. Arguments and answers are plain JSON values.

    Raises `BaileykeepError`. A `UsageError` whose `code` begins with `unknown_` (`unknown_company`,
    `unknown_incident`, `unknown_action` …) means that the thing named does not exist: HTTP answers 404 to it.
    Answers that change a session come at once with an action's id; `action` tells how it goes on.
    """

    async def call(self, command: str, args: Mapping[str, Any], operator: str) -> Mapping[str, Any]:
        """Do one command for `operator`, whose name goes into the journal."""


COMMANDS: Mapping[str, frozenset[str]] = {
    "overview": frozenset(),
    "digest": frozenset(),
    "company": frozenset({"company"}),
    "incidents": frozenset(),
    "events": frozenset({"company", "since", "limit"}),
    "explain": frozenset({"company"}),
    "inspect": frozenset({"company"}),
    "plan": frozenset({"company", "policy", "force"}),
    "pause": frozenset({"company", "gateway", "seconds"}),
    "resume": frozenset({"company", "gateway"}),
    "ack": frozenset({"company", "incident"}),
    "approve": frozenset({"company", "incident", "revision"}),
    "reject": frozenset({"company", "incident", "revision"}),
    "forget": frozenset({"company"}),
    "reconnect": frozenset({"company"}),
    "cleanup": frozenset({"company", "policy", "force"}),
    "relink": frozenset({"company", "replace_login", "phone", "asked_at"}),
    "reset": frozenset({"company", "replace_login", "asked_at"}),
    "backup": frozenset({"company"}),
    "restore": frozenset({"company", "backup", "mode"}),
    "clear_corrupted": frozenset({"company"}),
    "action": frozenset({"action"}),
    "qr": frozenset({"company"}),
    "show_qr": frozenset({"company"}),
    "pairing_code": frozenset({"company", "phone", "replace_login", "asked_at"}),
    "reload": frozenset(),
}
"""Each command with the arguments it knows; leaving one out means "all" or "the default".

`asked_at` is when somebody was asked whether a login may end: what was agreed to says nothing of one paired since.
"""

ACTIONS = frozenset({"reconnect", "cleanup", "relink", "reset", "backup", "restore"})
"""The commands that change a session: they answer `{"action": id}`."""
