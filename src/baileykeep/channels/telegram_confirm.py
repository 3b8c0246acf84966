"""Ending a login takes two presses: the question before it, and what the answers to it mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baileykeep.channels import telegram_text
from baileykeep.channels.telegram_text import Rows
from baileykeep.model.errors import Refused, UsageError

VALID_MIN = 5
"""Minutes after which an unanswered question counts for nothing: the world has moved on."""

ALIVE = "login_alive"
"""Why the control service refuses a login that may still live, until that was agreed to as well."""

WHAT: Mapping[str, str] = {
    "relink": "Pair {who} anew with a QR code",
    "reset": "Reset the login of {who}",
    "pairing_code": "Pair {who} anew with a code",
}
"""What must be confirmed, by the command that it becomes."""

_ENDS: Mapping[str, str] = {
    "relink": "Its present login is backed up and set aside; somebody must scan with the company's phone. "
    "If nobody does and the login was not dead, it is put back.",
    "reset": "Its present login is backed up and set aside for good; somebody must scan with the company's phone.",
    "pairing_code": "Its present login is backed up and set aside; somebody must type the code on the company's phone.",
}
STOPS_OTHERS = "For this the gateway's process is stopped, and with it {others}."

_YES, _OVER, NO = "yes_", "over_", "no"


@dataclass(frozen=True, slots=True)
class Question:
    """A message with its buttons."""

    text: str
    buttons: Rows


def question(command: str, company: str, now: float, *, others: str = "") -> Question:
    """Whether it is really wanted; `others` names who else is stopped for it."""
    ends = f"{_ENDS[command]} {STOPS_OTHERS.format(others=others)}" if others else _ENDS[command]
    text = f"<b>{_what(command, company)}?</b>\n{telegram_text.escaped(ends)}"
    return Question(text, _buttons(_YES + command, company, now))


def still(command: str, company: str, refused: Refused, now: float) -> Question:
    """The login may still live: whether it is given up all the same."""
    cause = telegram_text.escaped(refused.cause)
    text = f"<b>{_what(command, company)} all the same?</b>\nCareful: {cause}."
    return Question(text, _buttons(_OVER + command, company, now))


def confirmed(do: str, company: str, asked_min: int, now: float) -> tuple[str, dict[str, Any]] | None:
    """The command that a press stands for, with its arguments; None where it is no such press.

    Raises `UsageError` for an answer that comes too late.
    """
    replace, command = do.startswith(_OVER), do.removeprefix(_OVER if do.startswith(_OVER) else _YES)
    if command == do or command not in WHAT:
        return None
    if not 0 <= now // 60 - asked_min <= VALID_MIN:
        raise UsageError("this question is too old", next_step="begin again")
    return command, {"company": company, "asked_at": asked_min * 60.0, **({"replace_login": True} if replace else {})}


def _what(command: str, company: str) -> str:
    return WHAT[command].format(who=telegram_text.escaped(company, 60))


def _buttons(do: str, company: str, now: float) -> Rows:
    """Raises `UsageError` for an id that no button can carry."""
    data = f"{do}|c:{company}|{int(now // 60)}"
    if len(data.encode()) > telegram_text.MAX_DATA or not data.isprintable():
        raise UsageError("this company's id is too long for a button", next_step="use the command line")
    return ((("Yes, do it", data), ("No", f"{NO}|c:|0")),)
