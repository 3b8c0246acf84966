"""What may stand in the body of a POST; unknown keys are errors."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Nothing(BaseModel):
    """An empty object, or no body at all."""

    model_config = ConfigDict(extra="forbid")


class Cleanup(Nothing):
    """`force` stops the session first; it never skips a backup."""

    policy: Literal["pool", "newest"] | None = None
    force: bool | None = None


class EndLogin(Nothing):
    """`replace_login` agrees to ending a login that was seen open not long ago."""

    replace_login: bool | None = None


class Relink(EndLogin):
    """`by` a QR that somebody scans, or a code that is typed on the company's phone."""

    by: Literal["qr", "code"] = "qr"


class Reply(Nothing):
    """An answer to a question; with the `revision` that was read an older one is void."""

    revision: int | None = Field(default=None, ge=0)


class Pause(Nothing):
    """For how long; a week at most, so that a forgotten pause ends."""

    seconds: float = Field(default=3600, gt=0, le=7 * 86400)


class ClearCorrupted(BaseModel):
    """The request that gateways of the x-api-key kind already know; other keys of theirs are let pass."""

    organization_id: str | int
