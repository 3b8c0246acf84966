"""What can be done for one company through its gateway and its process manager, and why the rest cannot."""

from __future__ import annotations

from baileykeep.config.discover import Placement
from baileykeep.gateways.base import Capabilities
from baileykeep.gateways.dialect import Dialect
from baileykeep.processes.base import ProcessManager
from baileykeep.rules.case import Can
from baileykeep.rules.lacks import Lacks

NO_MANAGER = "no process manager is configured for this gateway"
OUT_OF_REACH = "the gateway keeps its logins out of reach"
NO_STATE = "it never tells whether one session is stopped"
IN_MEMORY = "it keeps credentials in memory and has no call to forget them"
NO_START = "it could not be started again"


def can_of(
    does: Capabilities, process: ProcessManager | None, dialect: Dialect | None, placement: Placement, *,
    alone: bool, process_only: bool = False,
) -> Can:  # fmt: skip
    """The abilities of one company. `alone`: its gateway carries no other.

    A session is only ever stopped by a call where it can be seen stopped and started again by one. `process_only`: a
    closed one may still write what its gateway has in memory.
    """
    by_process = process is not None and process.can_act
    opens, files = does.reconnect or does.start, placement.reachable
    stops = does.stops_one and not process_only
    reset = does.reset or (files and stops)
    return Can(
        reconnect=opens,
        stop=stops or (by_process and alone),
        stop_others=by_process and not alone,
        relink=does.force_relink or opens,
        restart_process=by_process,
        files=files,
        by_process=by_process and not stops,
        reset=reset,
        lacks=Lacks(
            reconnect="" if opens else _said(dialect, "reconnect"),
            stop="" if stops or by_process else f"{_why_no_stop(does, dialect)}, and {NO_MANAGER}",
            relink="" if does.force_relink or opens else _said(dialect, "force_relink"),
            reset="" if reset else _said(dialect, "reset"),
            files="" if files else f"its auth files are not watched: {_keeps(dialect)}",
            process="" if by_process else NO_MANAGER,
            qr="" if does.qr else _said(dialect, "qr"),
            pairing_code="" if does.pairing_code else _said(dialect, "pairing_code"),
            state="" if does.status else _said(dialect, "status"),
        ),
    )


def can_of_gateway(process: ProcessManager | None) -> Can:
    """The abilities of a gateway itself: its process can be restarted, or not."""
    by_process = process is not None and process.can_act
    return Can(restart_process=by_process, lacks=Lacks(process="" if by_process else NO_MANAGER))


def _why_no_stop(does: Capabilities, dialect: Dialect | None) -> str:
    if not does.stop:
        return _said(dialect, "stop")
    if does.stops_one:
        return IN_MEMORY
    return NO_STATE if not does.status else NO_START


def _said(dialect: Dialect | None, capability: str) -> str:
    return dialect.why_not(capability) if dialect is not None else "this gateway cannot do it"


def _keeps(dialect: Dialect | None) -> str:
    return dialect.cannot.get("files", OUT_OF_REACH) if dialect is not None else OUT_OF_REACH
