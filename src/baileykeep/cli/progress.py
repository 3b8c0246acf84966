"""Follows an action in the daemon: each step as it happens, then how it ended, as text and as an exit code."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from baileykeep.app.socket_client import DaemonClient, NoDaemon
from baileykeep.cli.output import line, print_json
from baileykeep.cli.words import clock, human, plain
from baileykeep.model.errors import BaileykeepError
from baileykeep.model.incident import Outcome
from baileykeep.model.overview import ActionView

POLL_S = 0.2

ENDINGS = {
    Outcome.HEALED: "healed: connected and paired",
    Outcome.DONE: "done",
    Outcome.FAILED: "failed",
    Outcome.REFUSED: "refused by a safety rule",
    Outcome.SUPERSEDED: "nothing to do any more",
    Outcome.UNDONE: "undone: everything is as it was before",
}
EXIT_CODES = {Outcome.FAILED: 1, Outcome.UNDONE: 1, Outcome.REFUSED: 3}


def run_action(client: DaemonClient, command: str, args: dict[str, Any], *, as_json: bool, wait: bool) -> int:
    """Start an action and, unless told otherwise, follow it to its end. Returns the exit code."""
    begun = client.call(command, args)
    if not wait:
        report_begun(begun, as_json)
        return 0
    return follow(client, begun["action"], as_json=as_json)


def report_begun(begun: dict[str, Any], as_json: bool) -> None:
    """The action's id, for somebody who does not wait."""
    if as_json:
        print_json(begun)
        return
    line(f"begun: action {plain(begun['action'])}")


def follow(
    client: DaemonClient, action: str, *, as_json: bool, between: Callable[[ActionView], None] | None = None
) -> int:
    """Show an action's steps until it ended; `between` is called after each look. Returns the exit code."""
    shown = 0
    while True:
        view = _look(client, action)
        if not as_json:
            for step in view["steps"][shown:]:
                line(f"{clock(step['at'])}  {human(step['name'])}: {plain(step['text'])}")
        shown = len(view["steps"])
        if view["state"] == "ended":
            return _ended(view, as_json)
        if between is not None:
            between(view)
        time.sleep(POLL_S)


def wait_for(client: DaemonClient, action: str) -> ActionView:
    """An action as it ended, without a word meanwhile."""
    while (view := _look(client, action))["state"] != "ended":
        time.sleep(POLL_S)
    return view


def _look(client: DaemonClient, action: str) -> ActionView:
    try:
        return cast(ActionView, client.call("action", {"action": action}))
    except NoDaemon as error:
        raise BaileykeepError(
            "the daemon went away while the action ran",
            next_step="start it again: it finishes or undoes what it had begun, and `baileykeep explain` tells",
            code="daemon_gone",
        ) from error


def _ended(view: ActionView, as_json: bool) -> int:
    if as_json:
        print_json(view)
    else:
        note = f" ({plain(view['note'])})" if view["note"] else ""
        line(f"{ENDINGS.get(Outcome(view['outcome'] or 'failed'), 'ended')}{note}")
    return EXIT_CODES.get(Outcome(view["outcome"] or "failed"), 0)
