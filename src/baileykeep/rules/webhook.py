"""Whether a gateway's webhook settings survived a repair, and how that is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from baileykeep.model.webhook import WebhookSetting

Settings = Sequence[WebhookSetting]


def what_changed(before: Settings, after: Settings) -> str:
    """What people are to be told; empty when nothing changed. Names and hosts only: addresses may hold a secret."""
    if before and not after:
        where = _and(sorted({host for setting in before for host in setting.hosts}))
        return _told(f"are gone (they led to {where})" if where else "are gone")
    changes = list(_changes(before, after))
    return _told(f"changed: {'; '.join(changes)}") if changes else ""


def of_many(changed: Mapping[str, str]) -> str:
    """The same for a whole gateway: whose settings changed."""
    return f"The webhook settings of {_and(sorted(changed))} are others than before: set them again." if changed else ""


def _told(what: str) -> str:
    return f"The gateway's webhook settings {what}. Set them again there, or its messages reach nobody."


def _changes(before: Settings, after: Settings) -> Iterator[str]:
    old, new = {s.name: s for s in before}, {s.name: s for s in after}
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is None or now is None:
            yield f"{name} is {'new' if was is None else 'gone'}{_hosts(was or now)}"
        elif was.digest != now.digest:
            yield f"{name} {_moved(was, now)}"


def _hosts(setting: WebhookSetting | None) -> str:
    return f" ({_and(setting.hosts)})" if setting is not None and setting.hosts else ""


def _moved(was: WebhookSetting, now: WebhookSetting) -> str:
    if was.hosts == now.hosts:
        return "is another"
    return f"was {_and(was.hosts) or 'no address'}, now {_and(now.hosts) or 'no address'}"


def _and(hosts: Sequence[str]) -> str:
    return ", ".join(hosts)
