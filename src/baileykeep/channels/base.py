"""What the courier needs from a way to reach people, and what people may ask through it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Placard:
    """What a phone needs for pairing, as one message at one address: a picture, or a code to type.

    `key` names the message; another placard of the same key takes its place. `buttons` are (what, target).
    Picture and code are secret: they go to the address and nowhere else.
    """

    key: str
    to: str
    headline: str
    lines: tuple[str, ...] = ()
    picture: bytes = field(default=b"", repr=False)
    code: str = field(default="", repr=False)
    buttons: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class Displays(Protocol):
    """A channel that can show pictures and take them down again. Raises `ChannelError`."""

    async def show(self, placard: Placard) -> None:
        """Show it, in the message that already stands there where there is one."""

    async def take_down(self, key: str) -> None:
        """Remove the message of this key for everybody; harmless where there is none."""

    async def shown(self) -> Sequence[str]:
        """The keys of messages that stand there, also those that an earlier daemon left."""


Command = Callable[[str, Mapping[str, Any], str], Awaitable[Mapping[str, Any]]]
"""How a channel passes a human's wish on: (command name, arguments, operator's name) -> answer.

The names and arguments are those of `app.control`; errors come as `BaileykeepError`.
"""
