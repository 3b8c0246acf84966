"""What people read beside a QR or a pairing code, and in the story when pairing goes wrong. Plain text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from baileykeep.rules.words import duration

LINK = "WhatsApp > Settings > Linked devices > Link a device"
LINK_BY_CODE = f"{LINK} > Link with phone number instead"


class Shows(StrEnum):
    """What stands there. NOTHING: the last code is over and the next one is not there yet."""

    QR = "qr"
    CODE = "code"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Wording:
    """All that the text depends on. `phone` is the company's own, digits; only its end is ever shown."""

    who: str
    shows: Shows
    phone: str | None = None
    operator: str | None = None
    trouble: str = ""


def headline(of: Wording) -> str:
    """The one line that must be enough."""
    texts = {
        Shows.QR: "scan this QR code now",
        Shows.CODE: "type this code on the phone now",
        Shows.NOTHING: "wait, the next QR code is on its way",
    }
    return f"{of.who}: {texts[of.shows]}"


def lines(of: Wording) -> tuple[str, ...]:
    """What follows: what went wrong, where to go on the phone, and what becomes of the message."""
    where = LINK_BY_CODE if of.shows is Shows.CODE else LINK
    lasts = {
        Shows.QR: "The code renews itself. This message goes away at the end.",
        Shows.CODE: "The code is good for about 3 minutes. This message goes away at the end.",
        Shows.NOTHING: "Do not scan an older picture: it is no longer good.",
    }
    asked = f"Asked for by {of.operator}." if of.operator else ""
    found = (of.trouble, f"On the company's phone{ending(of.phone)}: {where}.", lasts[of.shows], asked)
    return tuple(line for line in found if line)


def ending(phone: str | None) -> str:
    """ " (…1234)" of a phone, empty for none."""
    return f" (…{phone[-4:]})" if phone is not None and len(phone) > 4 else ""


def scan_failed(code: int | None) -> str:
    """Somebody scanned in vain."""
    why = f"code {code}" if code is not None else "no code was told"
    return f"The last scan failed ({why}). Scan the new code; if it fails again, update WhatsApp on the phone."


def wrong_phone(found: str, wanted: str) -> str:
    """The phone that scanned is not the company's."""
    return (
        f"Another phone{ending(found)} was linked than this company's{ending(wanted)}: its login was backed up and "
        "cleared. Remove it there under Linked devices, then use the right phone."
    )


def other_phone_stored(found: str, wanted: str) -> str:
    """The login that lay there was of another phone than the one a code was asked for."""
    return (
        f"The stored login was of another phone{ending(found)} than this company's{ending(wanted)}: "
        "it was backed up and cleared."
    )


def no_code(why: str) -> str:
    """A pairing code was asked for and did not come."""
    return f"No pairing code came ({why}); a QR code is offered instead."


def no_qr(within_s: float) -> str:
    """The session was opened, and no QR came."""
    return f"No QR code came within {within_s:.0f} s: look at the gateway's log."


def nobody(within_s: float, *, tried: bool) -> str:
    """The time is over."""
    return f"{'No scan succeeded' if tried else 'Nobody scanned'} within {duration(within_s)}."


def not_back_yet(why: str, every_s: float) -> str:
    """The old login cannot go back just now."""
    return f"The old login cannot be put back yet ({why}); it is tried again every {duration(every_s)}."


def still_aside(aside: str, why: str) -> str:
    """The old login did not go back, and nothing brings it back by itself."""
    return f"The old login is still set aside as {aside}: {why.rstrip('.')}."


def cannot_tell(aside: str | None) -> str:
    """After a restart: whose login lies in the folder cannot be seen, so nothing is begun anew over it."""
    kept = f"; the login from before is set aside as {aside}" if aside is not None else ""
    return f"Whose login lies in the folder cannot be told{kept}: look at it."


OWN_PAGE = "This gateway hands out no QR code: scan it on the gateway's own page."
LINKED_MEANWHILE = "a phone was linked in this very moment, so that login stays"
RESET_UNSURE = "Whether the gateway reset the login before the daemon was restarted, nobody can tell: look at it."
PHONE_CHANGED = "The phone in this company's file was changed after this began: begin anew for a code."
ENDING = "Baileykeep was stopped while a scan was awaited."
NOT_OPENED = "A phone was linked, but the session did not stay open."
NOT_SAVED = "The gateway says connected, but no new login is saved in its folder."
TOO_OFTEN = "Pairing was begun again and again, and never finished."
CODE_OVER = "Nobody typed the pairing code in time; a QR code is offered instead."
NEVER_FINISHED = "A pairing was begun and not finished: what it left was cleared, and a new QR code follows."
