"""Conversations that several stories need, and files of people who wrote long ago."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from tests.e2e.lab.people import Company, lid_of

OLD_DAYS, DAY_S = 40, 86_400


async def known_twice(company: Company, contact: str) -> None:
    """A contact writes who is first known by number, then by LID: the company keeps a session of each."""
    await company.whatsapp.client.post("/contact", number=contact, showsLid=False)
    await company.hears(contact, "Hello, it is me")
    await company.whatsapp.client.post("/contact", number=contact, addressing="lid")
    await company.hears(contact, "Are you open today?")


async def turns(company: Company, contact: str, *texts: str) -> None:
    """Answer and question by turns with a contact who is known by LID: each pair turns the ratchet once."""
    for text in texts:
        await company.reaches(contact, f"{text}: answer", to=f"{lid_of(contact)}@lid")
        await company.hears(contact, f"{text}: question")


def make_old(company: Company, names: Iterable[str], days: int = OLD_DAYS) -> None:
    """Let files of its folder look as if nobody had written them for so long."""
    old = time.time() - days * DAY_S
    for name in names:
        os.utime(company.folder / name, (old, old))
