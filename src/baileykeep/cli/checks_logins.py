"""What `doctor` finds in the logins themselves: two companies on one phone, or a phone that is not the company's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from baileykeep.cli.checks import FAIL, OK, WARN, Check
from baileykeep.cli.words import count
from baileykeep.model.errors import BaileykeepError

if TYPE_CHECKING:
    from baileykeep.config import Settings
    from baileykeep.config.discover import Survey
    from baileykeep.model.inventory import Creds

SAME_LOGIN = "each throws the other out: relink one of them, and look for a copied folder"
SAME_PHONE = "each gets the other's messages: relink one of them with its own phone"


def logins(settings: Settings, survey: Survey) -> Iterator[Check]:
    """Nothing but trouble, or one line with how many are paired."""
    creds = _creds(settings, survey)
    found = [*_shared(creds), *_other_phones(settings, creds)]
    yield from found
    paired = sum(one.paired for one in creds.values())
    if creds and not found:
        unpaired = f", {len(creds) - paired} wait for a scan" if paired < len(creds) else ""
        yield Check("logins", OK, f"{count(paired, 'login')} with a phone each{unpaired}")


def _creds(settings: Settings, survey: Survey) -> Mapping[str, Creds]:
    from baileykeep.config.logins import store_of

    found = {}
    for ident, place in survey.placed.items():
        store = store_of(settings, place) if place.present else None
        if store is not None:
            try:
                found[ident] = store.creds()
            except BaileykeepError:
                continue
    return found


def _shared(creds: Mapping[str, Creds]) -> Iterator[Check]:
    """The same login in two folders, or two logins of one phone, which WhatsApp itself allows."""
    owners: dict[str, str] = {}
    for ident, one in creds.items():
        if one.paired and one.phone:
            first = owners.setdefault(one.phone, ident)
            if first != ident:
                same = one.identity == creds[first].identity
                text = f"has the login of company {first}" if same else f"is logged in with company {first}'s phone"
                next_step = SAME_LOGIN if same else SAME_PHONE
                yield Check(f"company {ident}", FAIL, f"{text} (…{one.phone[-4:]})", next_step)


def _other_phones(settings: Settings, creds: Mapping[str, Creds]) -> Iterator[Check]:
    for ident, one in creds.items():
        wanted = settings.company(ident).facts.phone
        if wanted and one.paired and one.phone and one.phone != wanted:
            text = f"is logged in with …{one.phone[-4:]}, but its file says …{wanted[-4:]}"
            yield Check(
                f"company {ident}", WARN, text, "correct `phone` in its file, or relink it with the right phone"
            )
