"""A daemon that cannot start says why in one sentence, however deep inside it the reason lies."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from baileykeep.app.lifecycle import run
from baileykeep.model.errors import BaileykeepError, ConfigError

CONFIG = """
state_dir = "{root}/state"
backups_dir = "{root}/backups"
[gateways.main]
dialect = "ai-admin"
url = "http://127.0.0.1:9"
sessions = "{root}/sessions/company_{{company}}"
[http]
listen = "127.0.0.1:{port}"
[network]
online = ["127.0.0.1:9"]
whatsapp = ["127.0.0.1:9"]
"""


def configured(root: Path, port: int = 0) -> Path:
    config = root / "config"
    config.mkdir()
    (config / "baileykeep.toml").write_text(CONFIG.format(root=root, port=port))
    return config


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BaileykeepError, match=f"port {port}"):
            run(configured(tmp_path, port))


def test_what_lies_in_the_way_of_the_socket_is_named(tmp_path: Path) -> None:
    (tmp_path / "state" / "control.sock").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"control\.sock is in the way"):
        run(configured(tmp_path))
