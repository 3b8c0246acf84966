"""A fleet on disk for the benchmarks: folders of exactly 150 files, and the configuration that names them."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

from baileykeep.demo.folders import Shape, make_folder

FILES = 150
ORDINARY = Shape(generation=6, pre_keys=30, sessions=40, sender_keys=5, groups=3, lid_mappings=30)
"""150 files as a long-lived 6.x folder has them: 60 are LID mappings, 90 count, the level is healthy."""

FULL = Shape(generation=6, pre_keys=30, sessions=95, sender_keys=10, groups=3)
"""150 files that all count: the level is critical, and an incident stands open all the time."""

FULL_EVERY = 20
LAYOUT = "baileys_sessions/company_{company}"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a daemon finds its gateway and its network, and where it answers."""

    gateway: str
    probe: str
    telegram: str
    token: str
    http_port: int


def shape_of(number: int, full_every: int = FULL_EVERY) -> Shape:
    """The folder of the n-th company."""
    return FULL if full_every and number % full_every == 0 else ORDINARY


def make_fleet(root: Path, companies: int, full_every: int = FULL_EVERY) -> list[str]:
    """Write the folders of so many companies; returns their ids."""
    rng = random.Random(2)  # noqa: S311 - made-up keys
    idents = [str(number) for number in range(1, companies + 1)]
    for ident in idents:
        folder = root / LAYOUT.format(company=ident)
        shape = shape_of(int(ident), full_every)
        make_folder(folder, shape, phone=phone_of(ident), now=time.time(), rng=rng)
        found = len(os.listdir(folder))
        if found != FILES:
            raise SystemExit(f"a folder has {found} files instead of {FILES}")
    return idents


def phone_of(ident: str) -> str:
    """A company's made-up phone."""
    return f"49151{int(ident):08d}"


def configure(directory: Path, state: Path, root: Path, addresses: Addresses, mode: str) -> None:
    """Write the configuration of a whole installation."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "baileykeep.toml").write_text(
        f'''
mode = "{mode}"
state_dir = "{state}/state"
backups_dir = "{state}/backups"

[gateways.main]
dialect = "ai-admin"
url = "{addresses.gateway}"
sessions = "{root}/{LAYOUT}"
[[gateways.main.logs]]
path = "{root}/logs/gateway-out.log"
company_field = "companyId"
[[gateways.main.logs]]
path = "{root}/logs/gateway-error.log"

[http]
listen = "127.0.0.1:{addresses.http_port}"

[telegram]
token = "{addresses.token}"
api_url = "{addresses.telegram}"
chats = [1001]
users = [7]

[network]
online = ["{addresses.probe}"]
whatsapp = ["{addresses.probe}"]
'''
    )
