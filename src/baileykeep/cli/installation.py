"""Where this machine's installation lies: the configuration folder, the state folder, the daemon's socket.

Found without loading the whole configuration: while somebody repairs a typo in it, the daemon runs on with its last
good values and must stay reachable.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

from baileykeep.app.socket_client import SOCKET_NAME, DaemonClient
from baileykeep.fsys import read_plain
from baileykeep.model.errors import ConfigError

PLACES = (Path("config"), Path("/etc/baileykeep"))
MAIN_FILE = "baileykeep.toml"
LARGEST = 1_000_000
DEFAULT_STATE_DIR = Path("/var/lib/baileykeep")
STATE_DIR_LINE = re.compile(r"""^state_dir[ \t]*=[ \t]*(?P<value>"[^"\n]*"|'[^'\n]*')[ \t]*(?:#.*)?$""", re.MULTILINE)


def config_dir(given: Path | None, places: tuple[Path, ...] = PLACES) -> Path:
    """The configuration folder. Raises `ConfigError` when there is none."""
    if given is not None:
        if not given.is_dir():
            raise ConfigError(f"there is no configuration folder {given}", next_step="`baileykeep init` writes one")
        return given
    for place in places:
        if (place / MAIN_FILE).is_file():
            return place
    raise ConfigError(
        "no configuration found in ./config or /etc/baileykeep",
        next_step="name its folder with --config DIR, or write one with `baileykeep init`",
    )


def state_dir(config: Path) -> Path:
    """The daemon's state folder, even when other keys of the file are wrong. Relative ones are the configuration's."""
    from_environment = os.environ.get("BAILEYKEEP_STATE_DIR")
    if from_environment:
        return _placed(config, from_environment)
    value = _written_state_dir(config / MAIN_FILE)
    return _placed(config, value) if isinstance(value, str) else DEFAULT_STATE_DIR


def _placed(config: Path, value: str) -> Path:
    try:
        return config.absolute() / Path(value).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"there is no such place as state_dir {value!r}", next_step="name another") from error


def _written_state_dir(path: Path) -> object:
    """The key's value; in a file that is broken or half saved, that of the one line which holds it."""
    try:
        text = read_plain(path, LARGEST)[0].decode(errors="replace")
        return tomllib.loads(text).get("state_dir")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        line = None if isinstance(error, OSError) else STATE_DIR_LINE.search(text)
        if line is not None:
            return tomllib.loads(line[0])["state_dir"]
        raise ConfigError(
            f"cannot read {path}: {_why(error)}", next_step="correct it; `baileykeep config check` tells more"
        ) from error


def _why(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def daemon(config: Path | None) -> DaemonClient:
    """The way to the running daemon; whether it runs shows when it is asked."""
    return DaemonClient(state_dir(config_dir(config)) / SOCKET_NAME)
