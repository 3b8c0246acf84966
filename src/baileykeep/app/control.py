"""One service for the unix socket, HTTP and Telegram: what humans may ask of a running daemon, command by command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio.to_thread

from baileykeep.actions.base import Order
from baileykeep.api.answers import inspect_answer, plan_answer
from baileykeep.api.base import COMMANDS
from baileykeep.app import control_pairing, events, snapshot
from baileykeep.app.control_pairing import guard_open_login, login_is_dead
from baileykeep.app.digest import Digests
from baileykeep.engine.desk import Desk
from baileykeep.engine.executor import RELINKING
from baileykeep.engine.orchestrator import Orchestrator
from baileykeep.engine.pairing import Board
from baileykeep.journal.base import Journal
from baileykeep.model.backup import RestoreMode
from baileykeep.model.errors import BaileykeepError, Refused, UsageError
from baileykeep.model.incident import ApprovalState, Incident, Rung, Topic
from baileykeep.model.limits import DAY, HOUR
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import HOST, Subject, company, gateway
from baileykeep.rules import cleanup, words

Args = Mapping[str, Any]
Answer = Mapping[str, Any]
Handler = Callable[["ControlService", Args, str], Awaitable[Answer]]

BY_HAND: Mapping[str, Rung] = {
    "reconnect": Rung.RECONNECT,
    "cleanup": Rung.CLEANUP,
    "relink": Rung.RELINK,
    "reset": Rung.RESET,
    "backup": Rung.BACKUP,
    "restore": Rung.RESTORE,
}
"""The commands that change a session, by the rung they climb."""

EVENTS_SHOWN = 200
MOST = 1_000_000
"""No whole number that anybody asks with is larger."""


@dataclass(frozen=True, slots=True)
class ControlService:
    """Implements `api.base.Control`."""

    sources: snapshot.Sources
    orchestrator: Orchestrator
    desk: Desk
    journal: Journal
    reload: Callable[[], Awaitable[Answer]]
    board: Board
    digests: Digests

    async def call(self, command: str, args: Args, operator: str) -> Answer:
        """Do one command for `operator`; see `api.base.Control`."""
        handler = HANDLERS.get(command)
        if handler is None:
            raise UsageError(f"there is no command {command}", code="unknown_command")
        strange = sorted(args.keys() - COMMANDS[command])
        if strange:
            raise UsageError(f"{command} takes no {', '.join(strange)}")
        for name, value in args.items():
            if not isinstance(value, str | int | float | None):
                raise UsageError(f"{name} must be a plain value")
        return await handler(self, {k: v for k, v in args.items() if v is not None}, operator)

    # --- helpers --------------------------------------------------------------------------------------------

    def company(self, args: Args) -> str:
        """The company that is named, which must be known."""
        ident = str(args.get("company", ""))
        self.sources.sites.placement(ident)
        return ident

    def incident(self, args: Args) -> Incident:
        """The incident that is named, or the open one of the company that is."""
        ledger = self.sources.ledger
        if "incident" in args:
            found = ledger.find(str(args["incident"]))
        else:
            subject = company(self.company(args))
            found = ledger.get(subject, Topic.HEALTH) or ledger.get(subject, Topic.WATCH)
        if found is None:
            raise UsageError("there is no such open incident", code="unknown_incident", next_step="it may be over")
        return found

    async def note(self, subject: Subject, operator: str, text: str) -> None:
        """An operator's act goes into the journal with the name."""
        now = self.sources.clock.now()
        entry = Entry(now, EntryKind.OPERATOR, subject, operator=operator, data={"text": text})
        holds = {(str(HOST), "holds"): self.sources.holds.save(now)}
        await self.journal.write((entry,), (), holds)


# --- looking ----------------------------------------------------------------------------------------------------


async def _overview(c: ControlService, _args: Args, _operator: str) -> Answer:
    return snapshot.overview(c.sources)


async def _digest(c: ControlService, _args: Args, _operator: str) -> Answer:
    return await c.digests.answer()


async def _company(c: ControlService, args: Args, _operator: str) -> Answer:
    return snapshot.company_view(c.sources, c.company(args))


async def _incidents(c: ControlService, _args: Args, _operator: str) -> Answer:
    return {"incidents": [snapshot.incident_view(c.sources, i) for i in c.sources.ledger.all_open()]}


async def _explain(c: ControlService, args: Args, _operator: str) -> Answer:
    return snapshot.explain(c.sources, c.company(args))


async def _events(c: ControlService, args: Args, _operator: str) -> Answer:
    subject = company(c.company(args)) if "company" in args else None
    entries = await c.journal.entries(
        subject=subject,
        since=_number(args, "since", None),
        kinds=events.TOLD,
        limit=_whole(args, "limit", EVENTS_SHOWN),
        newest_first=True,
    )
    return {"events": [events.event(entry) for entry in reversed(entries)]}


async def _inspect(c: ControlService, args: Args, _operator: str) -> Answer:
    ident = c.company(args)
    store = c.sources.sites.store(ident)
    if store is None:
        raise Refused("this gateway's auth files are not watched", code="cannot_do")
    unit = c.sources.engine.unit(company(ident))
    inventory = getattr(unit, "inventory", None)
    if inventory is None:
        raise BaileykeepError(f"the folder of {ident} was not seen yet", next_step="try again in a few seconds")
    return inspect_answer(inventory)


async def _plan(c: ControlService, args: Args, _operator: str) -> Answer:
    ident = c.company(args)
    sites, clock = c.sources.sites, c.sources.clock
    store, known = sites.store(ident), sites.know(ident)
    if store is None:
        raise Refused("this gateway's auth files are not watched", code="cannot_do")
    limits = sites.settings.limits_for(ident)

    def make() -> Answer:
        listing = store.listing()
        plan = cleanup.plan(
            listing, store.creds(), known.pool, limits, now=clock.now(),
            reference=cleanup.reference_of(listing, known.last_up_at),
            policy=args.get("policy"), force=bool(args.get("force")), baileys=sites.baileys(ident),
        )  # fmt: skip
        return plan_answer(plan)

    return await anyio.to_thread.run_sync(make)


async def _action(c: ControlService, args: Args, _operator: str) -> Answer:
    ident = str(args.get("action", ""))
    found = c.sources.ledger.attempt(ident)
    if found is None:
        raise UsageError(f"no action {ident} is known", code="unknown_action")
    subject, attempt = found
    kinds = (EntryKind.STEP_BEGUN, EntryKind.PAIRING, EntryKind.PHONE_MISMATCH, EntryKind.WEBHOOK)
    entries = await c.journal.entries(subject=subject, since=attempt.begun_at, kinds=kinds)
    steps = [events.step(e) for e in entries if e.action == ident]
    return {
        "action": ident,
        "company": subject.id,
        "rung": attempt.rung.value,
        "state": "ended" if attempt.outcome is not None else "running",
        "steps": steps,
        "outcome": attempt.outcome.value if attempt.outcome else None,
        "note": attempt.note,
    }


# --- acting -----------------------------------------------------------------------------------------------------


def _by_hand(command: str) -> Handler:
    async def act(c: ControlService, args: Args, operator: str) -> Answer:
        ident = c.company(args)
        if command in ("relink", "reset"):
            running = c.orchestrator.running.get(company(ident))
            if running is not None and running.attempt.rung in RELINKING:
                did = "already under way" if BY_HAND[command] is running.attempt.rung else "not begun beside it"
                text = f"{ident} is being paired anew: {command} is {did}."
                return {"action": running.attempt.action_id, "text": text}
            guard_open_login(c, ident, args)
        order = Order(
            operator=operator,
            force=bool(args.get("force")),
            policy=args.get("policy"),
            backup=args.get("backup"),
            proved_dead=command == "reset" or login_is_dead(c, ident),
            mode=_mode(args),
        )
        return {"action": await c.desk.request(company(ident), BY_HAND[command], order)}

    return act


def _mode(args: Args) -> str:
    found = str(args.get("mode", RestoreMode.IDENTITY))
    if found not in set(RestoreMode):
        raise UsageError(f"there is no mode {found[:40]!r}", next_step=f"there are: {', '.join(RestoreMode)}")
    return found


async def _clear_corrupted(c: ControlService, args: Args, operator: str) -> Answer:
    """A gateway says that a session is corrupt: its open incident is shown to humans, nothing is done by itself."""
    incident = await c.desk.report_corrupt(company(c.company(args)), operator)
    return {"incident": incident.id}


async def _pause(c: ControlService, args: Args, operator: str) -> Answer:
    seconds = _number(args, "seconds", HOUR) or HOUR
    if not 0 < seconds <= 30 * DAY:
        raise UsageError("a pause lasts between a second and 30 days")
    subject = _paused(c, args)
    until = c.sources.clock.now() + seconds
    c.sources.holds.pause(subject, until)
    await c.note(subject, operator, f"Paused for {words.duration(seconds)}.")
    return {"paused": str(subject), "until": until}


async def _resume(c: ControlService, args: Args, operator: str) -> Answer:
    subject = _paused(c, args)
    was = c.sources.holds.resume(subject)
    released = await c.desk.release(subject, operator)
    await c.note(subject, operator, "Released after a failed safety check." if released else "Resumed.")
    return {"resumed": str(subject), "was_paused": was, "was_breached": released}


def _paused(c: ControlService, args: Args) -> Subject:
    if "company" in args:
        return company(c.company(args))
    if "gateway" in args:
        if args["gateway"] not in c.sources.sites.doors:
            raise UsageError(f"no gateway {args['gateway']} is known", code="unknown_gateway")
        return gateway(str(args["gateway"]))
    return HOST


async def _ack(c: ControlService, args: Args, operator: str) -> Answer:
    return {"incident": (await c.desk.acknowledge(c.incident(args).id, operator)).id}


def _answer(state: ApprovalState) -> Handler:
    async def answer(c: ControlService, args: Args, operator: str) -> Answer:
        revision = _whole(args, "revision", 0) if "revision" in args else None
        incident = await c.desk.answer(c.incident(args).id, state, operator, revision)
        return {"incident": incident.id, "answer": state.value}

    return answer


async def _forget(c: ControlService, args: Args, operator: str) -> Answer:
    ident = c.company(args)
    c.sources.sites.forget(ident)
    c.sources.engine.sync()
    await c.desk.forget(company(ident), operator)
    return {"forgotten": ident}


async def _reload(c: ControlService, _args: Args, _operator: str) -> Answer:
    return await c.reload()


def _whole(args: Args, name: str, default: int) -> int:
    found = _number(args, name, default)
    if found is None or not 0 <= found <= MOST or found != int(found):
        raise UsageError(f"{name} must be a whole number")
    return int(found)


def _number(args: Args, name: str, default: float | None) -> float | None:
    if name not in args:
        return default
    try:
        return float(args[name])
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{name} must be a number") from None


HANDLERS: Mapping[str, Handler] = {
    "overview": _overview,
    "digest": _digest,
    "company": _company,
    "incidents": _incidents,
    "events": _events,
    "explain": _explain,
    "inspect": _inspect,
    "plan": _plan,
    "action": _action,
    "pause": _pause,
    "resume": _resume,
    "ack": _ack,
    "approve": _answer(ApprovalState.APPROVED),
    "reject": _answer(ApprovalState.REJECTED),
    "forget": _forget,
    "clear_corrupted": _clear_corrupted,
    "qr": control_pairing.qr,
    "show_qr": control_pairing.show_qr,
    "pairing_code": control_pairing.pairing_code,
    "reload": _reload,
    **{command: _by_hand(command) for command in BY_HAND},
}
"""Every command of `api.base.COMMANDS`; a test holds both against each other."""
