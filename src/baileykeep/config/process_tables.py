"""The shape of `[gateways.<name>.process]`: who runs a gateway's process, and how it is found there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, SecretStr, model_validator

from baileykeep.config.fields import FilePath, Flag, Secret, Table, Text, Url

WORDS: Mapping[str, Mapping[str, str]] = {
    "pm2": {"name": "app", "pm2_home": "home"},
    "systemd": {"unit": "unit", "user": "user"},
    "docker": {"container": "container", "socket": "socket"},
    "supervisord": {
        "program": "program", "socket": "socket", "url": "url", "username": "username", "password": "password",
    },
}  # fmt: skip
"""The keys of each manager, and what `processes.find.manager` calls them; the first of each is what it cannot do
without."""

SAMPLES: Mapping[str, str] = {
    "pm2": 'add the name that "pm2 list" shows',
    "systemd": 'add a unit such as "gateway.service"',
    "docker": 'add a container such as "shop-gateway-1"',
    "supervisord": 'add a program such as "gateway" or "group:gateway"',
}


class ProcessTable(Table):
    """The process that carries a gateway's sessions, and who manages it."""

    manager: Text = Field(
        default="none", description="pm2, systemd, docker, supervisord, or none where nothing may restart it"
    )
    name: Text | None = Field(default=None, description="its name in pm2")
    unit: Text | None = Field(default=None, description="its unit in systemd")
    container: Text | None = Field(default=None, description="its container in Docker, such as project-service-1")
    program: Text | None = Field(default=None, description="its program in supervisord, as name or group:name")
    pm2_home: FilePath | None = Field(default=None, description="PM2_HOME of the daemon that runs it")
    user: Flag = Field(default=False, description="true for a unit of systemd's user manager")
    socket: FilePath | None = Field(
        default=None,
        description="socket of Docker or supervisord; else /var/run/docker.sock or /var/run/supervisor.sock",
    )
    url: Url | None = Field(default=None, description="supervisord's HTTP side, where it has no socket")
    username: Text | None = Field(default=None, description="login of supervisord")
    password: Secret | None = Field(default=None, description="its password; better from password_file or password_env")
    password_file: FilePath | None = Field(default=None, description="file that holds its password")
    password_env: Text | None = Field(default=None, description="environment variable that holds its password")

    @model_validator(mode="after")
    def _named(self) -> Self:
        words = WORDS.get(self.manager)
        needed = next(iter(words)) if words else None
        if needed is not None and not getattr(self, needed):
            raise ValueError(f'has manager = "{self.manager}" but no {needed}: {SAMPLES[self.manager]}')
        return self

    def options(self) -> dict[str, Any]:
        """What was given, in the words of `processes.find.manager`."""
        given = {key: value for words in WORDS.values() for key in words if (value := getattr(self, key))}
        own = WORDS.get(self.manager, {})
        return {own.get(key, key): _plain(value) for key, value in given.items()}


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
