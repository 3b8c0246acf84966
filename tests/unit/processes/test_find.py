from __future__ import annotations

from typing import Any

import pytest

from baileykeep.model.errors import UsageError
from baileykeep.processes.find import kinds, manager


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("none", {}),
        ("pm2", {"app": "gw"}),
        ("systemd", {"unit": "gw.service"}),
        ("docker", {"container": "gw"}),
        ("supervisord", {"program": "gw"}),
    ],
)
def test_a_manager_is_found_by_its_name(kind: str, options: dict[str, Any]) -> None:
    assert manager(kind, **options).kind == kind


def test_every_module_is_a_kind() -> None:
    assert kinds() == ["docker", "none", "pm2", "supervisord", "systemd"]


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("podman", {}, "docker, none, pm2, supervisord, systemd"),
        ("command", {}, "docker, none, pm2, supervisord, systemd"),
        ("docker_mounts", {}, "docker, none, pm2, supervisord, systemd"),
        ("docker", {}, "container"),
        ("supervisord", {"program": "gw", "home": "/x"}, "url"),
        ("pm2", {}, "app"),
        ("pm2", {"app": "gw", "hom": "/x"}, "home"),
        ("none", {"app": "gw"}, "no options"),
    ],
)
def test_what_is_not_there_is_told_with_what_there_is(kind: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        manager(kind, **options)
