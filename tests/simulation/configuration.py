"""The configuration of the simulated installation: files, as people write them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World

FOLDER = "gateways/{gateway}/company_{company}"

HEAD = """\
mode = "act"
state_dir = "{root}/state"
backups_dir = "{root}/backups"

[telegram]
token = "1:simulated"
chats = [100]
second = [200]
users = [1]

[limits.thresholds]
healthy = 20
monitor = 60
warning = 72
critical = 82
danger = 92
fatal = 104

[limits.backups]
every = "{every}"
"""
"""Bounds for folders of half the usual size: the same rules over half the files."""

GATEWAY = """
[gateways.{name}]
dialect = "ai-admin"
url = "http://127.0.0.1:1"
sessions = "{root}/gateways/{name}/company_{{company}}"
[[gateways.{name}.logs]]
path = "{root}/logs/{name}/gateway-out.log"
company_field = "companyId"
[[gateways.{name}.logs]]
path = "{root}/logs/{name}/gateway-error.log"
"""

PROCESS = """
[gateways.{name}.process]
manager = "pm2"
name = "{name}"
"""

VARIANTS = (
    '[limits.relink]\napproval = "auto"\n',
    '[limits.relink]\napproval = "never"\n',
    "contacts = [300]\n",
    '[window]\nfrom = "02:00"\nto = "04:00"\ntz = "Europe/Berlin"\n',
    '[limits.bad_mac]\npreset = "flapping"\n',
    "[limits.ladder]\ndaily_budget = 2\n",
    "[limits.cleanup]\nmin_age_days = 7\n",
)


def write_config(world: World) -> None:
    """The installation, and files for some of its companies."""
    rng = random.Random(f"config {world.seed}")
    folder = world.root / "config"
    (folder / "companies").mkdir(parents=True)
    for name in ("state", "backups"):
        (world.root / name).mkdir(mode=0o700)
    every = rng.choice(("12h", "24h", "24h"))
    parts = [HEAD.format(root=world.root, every=every)]
    for truth in world.gateways.values():
        parts.append(GATEWAY.format(root=world.root, name=truth.model.name))
        if truth.model.managed:
            parts.append(PROCESS.format(name=truth.model.name))
    (folder / "baileykeep.toml").write_text("".join(parts))
    for ident, session in world.sessions.items():
        if rng.random() < 0.6:
            text = f'name = "Company {ident}"\nphone = "{session.folder.phone}"\n{rng.choice(VARIANTS)}'
            (folder / "companies" / f"{ident}.toml").write_text(text)
