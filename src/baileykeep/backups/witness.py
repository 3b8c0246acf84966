"""Who is shown what is about to leave a folder, at the last door before it does."""

from __future__ import annotations

from collections.abc import Callable

from baileykeep.model.evidence import Sight
from baileykeep.model.inventory import Listing

Witness = Callable[[Sight], None]
"""Called in the thread that does the work; raises `Breached` to bar what was announced."""


def nobody(_sight: Sight) -> None:
    """For commands without a daemon: an operator watches."""


def gone_since(before: Listing, after: Listing) -> tuple[str, ...]:
    """Names that were there and are not any more."""
    left = {file.name for file in after.files}
    return tuple(file.name for file in before.files if file.name not in left)
