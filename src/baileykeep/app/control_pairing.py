"""What humans may ask about pairing: the QR that is out, a code instead of it, and to be shown what waits for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from baileykeep.actions.base import Order
from baileykeep.engine.executor import RELINKING
from baileykeep.engine.units import CompanyUnit
from baileykeep.model.errors import BaileykeepError, Refused
from baileykeep.model.incident import Outcome, Rung
from baileykeep.model.symptoms import company
from baileykeep.rules.cause import USELESS_LOGIN
from baileykeep.rules.words import duration

if TYPE_CHECKING:
    from baileykeep.app.control import ControlService

Args = Mapping[str, Any]
Answer = Mapping[str, Any]

NOTHING: Answer = {"qr": None, "code": None, "expires_at": None}


async def qr(c: ControlService, args: Args, _operator: str) -> Answer:
    """What is out for this company now, the same for everybody. Secret: only for whoever may pair it.

    Some gateways open a session when asked for its QR, so they are asked only where one is awaited.
    """
    ident = c.company(args)
    if not (c.board.is_waiting(ident) or c.board.waits_for_scan(ident)):
        return NOTHING
    offer, gateway = c.board.offers.offered(ident), c.sources.sites.gateway_of(ident)
    if (offer is None or not offer.code) and gateway is not None and gateway.capabilities.qr:
        offer = await c.board.offers.qr(ident)
    if offer is None:
        return NOTHING
    clock = c.sources.clock
    kind = "code" if offer.code else "qr"
    return {**NOTHING, kind: offer.text, "expires_at": clock.now() + offer.expires_at - clock.monotonic()}


async def show_qr(c: ControlService, args: Args, _operator: str) -> Answer:
    """Show the QR of a session that waits for a scan in the company's chats."""
    ident = c.company(args)
    if c.board.is_waiting(ident):
        return {"company": ident, "text": "It is shown already: see the picture in this company's chat."}
    if not c.board.waits_for_scan(ident):
        raise Refused("no QR code is out for this company", next_step="begin a relink", code="no_qr")
    gateway = c.sources.sites.gateway_of(ident)
    if gateway is None or not gateway.capabilities.qr:
        raise Refused(
            "this gateway does not hand out its QR code",
            next_step="scan it on the gateway's own page",
            code="cannot_do",
        )
    c.board.show(ident)
    return {"company": ident, "text": "The QR code comes as a picture, in this company's chat."}


async def pairing_code(c: ControlService, args: Args, operator: str) -> Answer:
    """A code for exactly the company's own phone, within a relink that runs or a new one. `qr` tells the code."""
    ident = c.company(args)
    phone = _phone(c, ident, args)
    gateway = c.sources.sites.gateway_of(ident)
    if gateway is None or not gateway.capabilities.pairing_code:
        raise Refused("this gateway hands out no pairing codes", next_step="scan the QR code", code="cannot_do")
    running = c.orchestrator.running.get(company(ident))
    if running is not None and running.attempt.rung not in RELINKING:
        raise Refused(f"an action on {ident} is running", code="action_running", next_step="try again in a minute")
    if running is not None and not c.board.hears_wishes(ident):
        raise Refused(
            f"no phone of {ident} is waited for just now", code="action_running", next_step="try again in a minute"
        )
    if running is None:
        guard_open_login(c, ident, args)
    await c.note(company(ident), operator, "Asked for a pairing code.")
    c.board.wish_code(ident, phone)
    if running is not None:
        return {"action": running.attempt.action_id, "text": "The code comes within 20 s, in this company's chat."}
    order = Order(operator=operator, proved_dead=login_is_dead(c, ident))
    try:
        action = await c.desk.request(company(ident), Rung.RELINK, order)
    except BaileykeepError:
        c.board.wish_code(ident, None)
        raise
    return {"action": action, "text": "The code comes within a minute, in this company's chat."}


def _phone(c: ControlService, ident: str, args: Args) -> str:
    """Where none is configured, the login that lies there tells whose phone it is."""
    configured = c.sources.sites.phone(ident)
    own, whose = (configured, "configured for") if configured else (_stored_phone(c, ident), "linked with")
    phone = "".join(filter(str.isdigit, str(args.get("phone") or configured or "")))
    if phone and own in (None, phone):
        return phone
    raise Refused(
        f"this is not the phone that is {whose} {ident}" if phone else "a pairing code needs a phone",
        code="phone_mismatch",
        next_step=f"set phone in companies/{ident}.toml; it is never taken from elsewhere",
    )


def _stored_phone(c: ControlService, ident: str) -> str | None:
    """The phone of the login that was last seen in the folder; None for none."""
    inventory = getattr(c.sources.engine.unit(company(ident)), "inventory", None)
    creds = inventory.creds if inventory is not None else None
    return creds.phone if creds is not None and creds.paired else None


def login_is_dead(c: ControlService, ident: str) -> bool:
    """Whether what the detectors know proves the stored login useless."""
    unit = c.sources.engine.unit(company(ident))
    view = unit.view() if isinstance(unit, CompanyUnit) else None
    return view is not None and view.cause in USELESS_LOGIN and view.proof_holds


def guard_open_login(c: ControlService, ident: str, args: Args) -> None:
    """A login that was seen open lately, and is not proved dead since, is not given up by a slip of the hand, nor one
    that was paired after somebody agreed to end the one before."""
    asked_at, attempts = args.get("asked_at"), c.sources.ledger.history(company(ident))
    paired_at = [a.ended_at for a in attempts if a.rung in RELINKING and a.outcome is Outcome.HEALED and a.ended_at]
    if isinstance(asked_at, int | float) and any(at >= asked_at for at in paired_at):
        raise Refused(
            f"{ident} was paired anew since that was asked", code="approval_outdated", next_step="look again first"
        )
    known, limits = c.sources.sites.know(ident), c.sources.sites.settings.limits_for(ident)
    if args.get("replace_login") or login_is_dead(c, ident) or known.last_up_at is None:
        return
    ago_s = c.sources.clock.now() - known.last_up_at
    if ago_s < limits.relink.seen_open_guard_s:
        raise Refused(
            f"the login of {ident} was seen open {duration(ago_s)} ago, so it may still live",
            code="login_alive",
            next_step="say --replace-login to give it up all the same",
        )
