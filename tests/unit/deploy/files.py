"""Where the deployment files are, and how unit files are read."""

from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "baileykeep.service"
DROP_INS = sorted((DEPLOY / "systemd" / "baileykeep.service.d").glob("*.conf"))


def settings(text: str) -> dict[str, list[str]]:
    """The assignments of a unit file in order, by key; comments are left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        key, assigned, value = line.partition("=")
        if assigned and not line.startswith("#"):
            found[key].append(value)
    return found
