"""Tables of what happens at a time of day."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import BeforeValidator, Field

from baileykeep.config.fields import Flag, Kind, Table, Zone


def time_of_day(value: object) -> object:
    """A time of day from its text; raises ValueError for anything else."""
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError('must be a time of day such as "02:30"') from None


TimeOfDay = Annotated[time, BeforeValidator(time_of_day), Kind("time of day")]


class DigestTable(Table):
    """The daily digest: one message about all companies to every first contact."""

    enabled: Flag = Field(default=True, description="false: none is sent; `baileykeep digest` still shows it")
    at: TimeOfDay = Field(default=time(9), description="sent every day at this local time")
    zone: Zone | None = Field(default=None, description="its time zone; the installation's when not given")
