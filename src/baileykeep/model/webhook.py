"""What is known of a gateway's webhook settings: enough to see that they changed, nothing that is secret."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WebhookSetting:
    """One setting: its name, the hosts that it names, and a digest that differs when its value does."""

    name: str
    hosts: tuple[str, ...] = ()
    digest: str = field(default="", repr=False)
