"""The key under which contacts are remembered: kept for this user alone, the same after a restart."""

from __future__ import annotations

import stat
from pathlib import Path

import structlog.testing

from baileykeep.app.aliases import FILE, Aliases


def test_the_key_is_ours_alone_and_stays_the_same(tmp_path: Path) -> None:
    first = Aliases.kept_in(tmp_path).of("4915122222222.0")
    assert Aliases.kept_in(tmp_path).of("4915122222222.0") == first
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    (tmp_path / FILE).write_bytes(b"torn")
    assert Aliases.kept_in(tmp_path).of("4915122222222.0") != first


def test_without_a_place_for_the_key_names_still_work(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        names = Aliases.kept_in(tmp_path / "nowhere")
    assert [line["event"] for line in logs] == ["contacts_key_not_kept"]
    name = names.of("4915122222222.0")
    assert names.real([name], ["session-4915122222222.0.json"]) == ("4915122222222.0",)
