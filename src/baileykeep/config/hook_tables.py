"""The `webhook` table of a gateway: whose word counts, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SecretStr

from baileykeep.config.fields import FilePath, Seconds, Secret, Table, Text

if TYPE_CHECKING:
    from baileykeep.config.schema import GatewayTable
    from baileykeep.gateways.dialect import Dialect


class HookTable(Table):
    """What a gateway's webhooks must carry, and how long the last one counts."""

    token: Secret | None = Field(default=None, description="what each webhook must carry; better from token_file")
    token_file: FilePath | None = Field(default=None, description="file that holds the token")
    token_env: Text | None = Field(default=None, description="environment variable that holds the token")
    quiet: Annotated[Seconds, Field(ge=60)] = Field(
        default=3600.0, description="after so long without a webhook a session's state is not known any more"
    )

    def named(self) -> bool:
        """Whether a token comes from anywhere."""
        return bool(self.token or self.token_file or self.token_env)


def about_hooks(
    gateways: Mapping[str, GatewayTable], dialects: Mapping[str, Dialect]
) -> Iterator[tuple[str, str, str]]:
    """(key, reason, remedy) for each gateway whose webhooks could not be believed."""
    owners: dict[SecretStr, str] = {}
    for name, dialect in dialects.items():
        hook, key = gateways[name].webhook, f"gateways.{name}.webhook.token"
        if dialect.webhook is not None and not hook.named():
            yield key, f"is missing, and all that the dialect {dialect.name} tells comes by webhook", "add token_file"
        if hook.token is None:
            continue
        first = owners.setdefault(hook.token, name)
        if first != name:
            yield key, f"is that of gateway {first} as well", "give each gateway a token of its own"
