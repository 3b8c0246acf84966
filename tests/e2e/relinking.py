"""What relinking is told with: one company whose login ends, and the question, pictures and answers about it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator

import structlog

from baileykeep.demo.folders import Shape
from baileykeep.demo.session import Heals, Session
from baileykeep.telemetry import configure
from tests.e2e.world import ANN, CHAT, World
from tests.fakes.telegram import Shown

LONG_S = 15.0
SMALL = Shape.counting(60)


async def acme(
    w: World, *, shape: Shape = SMALL, config: str = "", own_phone: bool = False, facts: str = ""
) -> Session:
    """One company, kept from now on; `own_phone`: the phone of its login stands in its file, beside other `facts`."""
    session = w.gateway.add("acme", shape)
    w.configure(config)
    if own_phone:
        w.company_file("acme", f'{facts}phone = "{session.phone}"\n')
    await w.start()
    return session


def question(w: World) -> Shown:
    """The message that asks."""
    return next(m for m in w.stories() if any("approve" in data for row in m.buttons for _, data in row))


async def removed_and_approved(w: World) -> None:
    """A login that WhatsApp ended, and a yes to pairing anew; ends when the picture stands there."""
    await w.pass_time(200, step_s=LONG_S)
    w.gateway["acme"].device_removed()
    assert await w.pass_time(60, until=lambda: any("relink" in text for text in w.texts()))
    await w.telegram.press(question(w), "approve", user=ANN)
    assert await w.pass_time(120, until=lambda: bool(w.pictures()), step_s=1)


@contextlib.contextmanager
def logs_into(out: io.StringIO) -> Iterator[None]:
    """The daemon's own log."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure("debug", json=True, stream=out)
    try:
        yield
    finally:
        root.handlers[:], root.level = before, level
        structlog.reset_defaults()


def tenants(w: World) -> None:
    """The gateway is of the multi-tenant kind, with a call for its QR."""
    (w.config_dir / "dialects").mkdir()
    own = 'base = "x-internal-secret"\ncannot.qr = false\n[calls.qr]\npath = "/whatsapp/{id}/qr"\nanswer = "qr"\n'
    (w.config_dir / "dialects" / "tenants.toml").write_text(own)
    main = w.config_dir / "baileykeep.toml"
    secret = f'dialect = "tenants"\nsecret = "{w.gateway.internal_secret}"'
    main.write_text(main.read_text().replace('dialect = "ai-admin"', secret))


async def fatal_and_approved(w: World) -> None:
    """A login that may still live, but was down with a fatal folder until somebody agreed to pair it anew."""
    await w.pass_time(60)
    w.gateway["acme"].drop(heals=Heals.RELINKED)
    assert await w.pass_time(1800, until=lambda: any("relink" in t for t in w.texts()), step_s=LONG_S)
    await w.telegram.press(question(w), "approve", user=ANN)
    assert await w.pass_time(120, until=lambda: bool(w.pictures()), step_s=1)


def asked(w: World) -> list[Shown]:
    """The messages that want an answer."""
    return [message for message in w.telegram.messages(CHAT) if message.buttons]


def identity(w: World) -> object:
    """Whose login lies in the folder, if any."""
    creds = w.gateway.folder("acme") / "creds.json"
    return json.loads(creds.read_bytes())["signedIdentityKey"] if creds.exists() else None
