"""A gateway that only tells must have a token, and one of its own."""

from __future__ import annotations

import pytest

from tests.unit.config.conftest import Write
from tests.unit.config.loading import good, only

GATEWAY = """
[gateways.{name}]
dialect = "{dialect}"
url = "http://127.0.0.1:3025"
secret = "k"
auth_store = "none"
{more}
"""


def gateway(name: str, more: str = "", dialect: str = "fazer-ai") -> str:
    return GATEWAY.format(name=name, more=more, dialect=dialect)


def test_without_a_token_nothing_that_it_tells_could_be_believed(write: Write) -> None:
    found = only(write(gateway("main")))
    assert (found.key, found.remedy) == ("gateways.main.webhook.token", "add token_file")
    assert "comes by webhook" in found.reason


@pytest.mark.parametrize("how", ['token = "abcdef"', 'token_env = "HOOK"', 'token_file = "hook"'])
def test_the_token_comes_from_where_every_secret_may_come_from(write: Write, how: str) -> None:
    directory = write(gateway("main", f'webhook = {{ {how}, quiet = "2h" }}'))
    (directory / "hook").write_text("abcdef\n")
    hook = good(directory, {"HOOK": "abcdef"}).gateways["main"].webhook
    assert hook.token is not None
    assert (hook.token.get_secret_value(), hook.quiet) == ("abcdef", 7200.0)
    assert "abcdef" not in repr(hook)


def test_two_gateways_do_not_share_a_token(write: Write) -> None:
    same = 'webhook = { token = "abcdef" }'
    found = only(write(gateway("one", same) + gateway("two", same)))
    assert (found.key, found.reason) == ("gateways.two.webhook.token", "is that of gateway one as well")
    assert "abcdef" not in str(found)
