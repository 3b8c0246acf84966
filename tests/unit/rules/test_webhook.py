from __future__ import annotations

import pytest

from baileykeep.model.webhook import WebhookSetting
from baileykeep.rules.webhook import of_many, what_changed

URL = WebhookSetting("url", ("hooks.test",), "digest-1")
MOVED = WebhookSetting("url", ("other.test",), "digest-2")
SAME_HOST = WebhookSetting("url", ("hooks.test",), "digest-3")
EVENTS, FEWER = WebhookSetting("events", (), "a"), WebhookSetting("events", (), "b")
DO = "Set them again there, or its messages reach nobody."


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ((), (), ""),
        ((URL, EVENTS), (EVENTS, URL), ""),
        ((URL, EVENTS), (), f"The gateway's webhook settings are gone (they led to hooks.test). {DO}"),
        ((EVENTS,), (), f"The gateway's webhook settings are gone. {DO}"),
        ((URL,), (MOVED,), f"The gateway's webhook settings changed: url was hooks.test, now other.test. {DO}"),
        ((URL,), (SAME_HOST,), f"The gateway's webhook settings changed: url is another. {DO}"),
        ((URL, EVENTS), (URL, FEWER), f"The gateway's webhook settings changed: events is another. {DO}"),
        ((URL, EVENTS), (EVENTS,), f"The gateway's webhook settings changed: url is gone (hooks.test). {DO}"),
        ((), (URL,), f"The gateway's webhook settings changed: url is new (hooks.test). {DO}"),
    ],
)
def test_what_changed_is_said_by_name_and_host(
    before: tuple[WebhookSetting, ...], after: tuple[WebhookSetting, ...], told: str
) -> None:
    assert what_changed(before, after) == told
    assert "digest" not in told


def test_of_a_whole_gateway_the_companies_are_named() -> None:
    assert of_many({}) == ""
    assert of_many({"b": "x", "a": "x"}) == "The webhook settings of a, b are others than before: set them again."
