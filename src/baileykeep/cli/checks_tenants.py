"""What `doctor` says of the ways to companies' own people. It sends nothing: `baileykeep tell COMPANY` does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from baileykeep.cli.checks import FAIL, OK, Check
from baileykeep.cli.words import count

if TYPE_CHECKING:
    from baileykeep.config import Settings
    from baileykeep.config.discover import Survey


def tenants(settings: Settings, found: Survey) -> Iterator[Check]:
    """Nothing where no company is told; else how many are, and each address that no service understands."""
    from baileykeep.config.tenant import tenant_of

    told = {ident: tenant_of(settings, ident) for ident in found.placed}
    told = {ident: one for ident, one in told.items() if one.webhook or one.channels}
    odd = [(ident, n) for ident, one in told.items() for n in _not_understood(one.channels)]
    for ident, number in odd:
        text = f"channel {number} is no address that apprise understands"
        yield Check(f"company {ident}", FAIL, text, "see docs/tenants.md, then try it: baileykeep tell COMPANY")
    if told and not odd:
        yield Check("tenants", OK, f"{count(len(told), 'company is', 'companies are')} told of their own WhatsApp")


def _not_understood(channels: tuple[str, ...]) -> list[int]:
    """Asked of the library only where there is something to ask: it takes a second to load."""
    from baileykeep.channels.mailbox import opened

    return [number for number, url in enumerate(channels, 1) if opened(url) is None]
