"""What the courier needs from a way to reach people, and what people may ask through it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from baileykeep.model.records import Notice


class Channel(Protocol):
    """One way to reach people. `deliver` raises `model.errors.ChannelError`; `permanent` ones are not repeated.

    At least once: a notice may come again after a crash, so a channel edits or replaces rather than piles up.
    """

    name: str

    async def deliver(self, notices: Sequence[Notice]) -> None:
        """Deliver notices of one story (same `key`), in order; later ones may make earlier ones superfluous."""

    async def aclose(self) -> None:
        """Close connections."""


@runtime_checkable
class Listener(Protocol):
    """A channel through which people also answer."""

    def listen(self) -> Coroutine[None, None, None]:
        """Hear their buttons and commands until cancelled."""


Command = Callable[[str, Mapping[str, Any], str], Awaitable[Mapping[str, Any]]]
"""How a channel passes a human's wish on: (command name, arguments, operator's name) -> answer.

The names and arguments are those of `app.control`; errors come as `BaileykeepError`.
"""
