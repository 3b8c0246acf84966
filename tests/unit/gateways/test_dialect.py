from __future__ import annotations

from pathlib import Path

import pytest

from baileykeep.gateways.dialect import describe, dialect_names, load_dialect
from baileykeep.model.errors import ConfigError, UsageError
from baileykeep.model.facts import ConnState

MINIMAL = """
[states]
up = "connected"
[status]
path = "/s/{id}"
state = "state"
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_a_dialect_of_ones_own_needs_states_and_a_status(tmp_path: Path) -> None:
    written(tmp_path, "mine", MINIMAL)
    dialect = load_dialect("mine", [tmp_path])
    assert dialect.states == {"up": ConnState.CONNECTED}
    assert not any(getattr(dialect.capabilities, name) for name in ("stop", "qr", "bulk_status"))
    assert "mine" in dialect_names([tmp_path])


def test_single_keys_of_a_base_can_be_changed_and_taken_away(tmp_path: Path) -> None:
    written(tmp_path, "ours", 'base = "x-internal-secret"\ncalls.stop = false\nstatus.path = "/v2/{id}"\n')
    ours, base = load_dialect("ours", [tmp_path]), load_dialect("x-internal-secret")
    assert ours.status is not None
    assert base.status is not None
    assert ours.status.path == "/v2/{id}"
    assert ours.status.state.expression == base.status.state.expression
    assert (base.capabilities.stop, ours.capabilities.stop) == (True, False)


def test_a_file_may_change_the_built_in_of_its_own_name(tmp_path: Path) -> None:
    written(tmp_path, "x-api-key", 'base = "x-api-key"\nstatus.path = "/api/status?organization_id={id}"\n')
    ours, theirs = load_dialect("x-api-key", [tmp_path]).status, load_dialect("x-api-key").status
    assert ours is not None
    assert theirs is not None
    assert (ours.path, theirs.path) == ("/api/status?organization_id={id}", "/api/sessions/{id}/status")


def test_a_body_is_replaced_and_not_mixed(tmp_path: Path) -> None:
    written(tmp_path, "ours", 'base = "x-api-key"\ncalls.reset.body = { org = "{id}" }\n')
    reset = load_dialect("ours", [tmp_path]).calls.reset
    assert reset is not None
    assert reset.body == {"org": "{id}"}


@pytest.mark.parametrize(
    ("text", "key", "remedy"),
    [
        (MINIMAL + "[calls.stopp]\npath='/x'", "calls.stopp", "did you mean stop?"),
        (MINIMAL + "pats = 'x'", "status.pats", "did you mean path?"),
        (MINIMAL.replace('"state"', '"sta["'), "status.state", "JMESPath"),
        (MINIMAL.replace('"state"', "7"), "status.state", "JMESPath"),
        (MINIMAL.replace("{id}", "{tenant}"), "status.path", "{id}"),
        (MINIMAL.replace("/s", "s"), "status.path", "start with /"),
        (MINIMAL.replace("path", "#"), "status.path", "add it"),
        (MINIMAL.replace('"connected"', '"online"'), "states.up", "connected"),
        (MINIMAL.replace('"connected"', '"unknown"'), "states.up", "leave the word out"),
        ('id = "fixed"\n' + MINIMAL, "id", "{company} exactly once"),
        (MINIMAL + "[auth]\nheader = 'X: y'", "auth.header", "pattern"),
        (MINIMAL + "[cannot]\nfly = 'no'", "cannot.fly", "reconnect"),
        (MINIMAL + "[cannot]\nstop = 'no'\n[calls.stop]\npath='/x'", "cannot.stop", "remove one"),
        ("name = 'other'\n" + MINIMAL, "name", "file's name"),
        ("base = 7\n" + MINIMAL, "base", "name of another dialect"),
        (MINIMAL + "[calls.reconnect]\npath='/x'\ncarry={a='b'}", "carry", "add calls.webhook"),
        (MINIMAL + "[calls.webhook]\nmethod='POST'\npath='/x'\nsettings='@'", "calls.webhook.method", "GET"),
        (MINIMAL + "[auth]\nheader='X'\nscheme='digest'", "auth.scheme", "basic"),
        (MINIMAL + "[errors]\nunknown='a =='", "errors.unknown", "JMESPath"),
    ],
)
def test_a_wrong_file_is_told_with_its_name_the_key_and_what_to_do(
    tmp_path: Path, text: str, key: str, remedy: str
) -> None:
    path = written(tmp_path, "mine", text)
    with pytest.raises(ConfigError) as caught:
        load_dialect("mine", [tmp_path])
    told = str(caught.value)
    assert str(path) in told
    assert key in told
    assert remedy in told


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "mine", "\n\nstates = = 1\n")
    with pytest.raises(ConfigError, match="line 3") as caught:
        load_dialect("mine", [tmp_path])
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["ai-admn", "../secrets", "nothing"])
def test_an_unknown_dialect_is_told_with_those_there_are(name: str) -> None:
    with pytest.raises(UsageError, match="ai-admin"):
        load_dialect(name)


def test_bases_that_go_round_in_a_circle_end(tmp_path: Path) -> None:
    written(tmp_path, "a", 'base = "b"')
    written(tmp_path, "b", 'base = "a"')
    with pytest.raises(UsageError, match=r"b\.toml: key base"):
        load_dialect("a", [tmp_path])


def test_a_description_names_what_can_and_what_cannot_be_done() -> None:
    lines = describe(load_dialect("x-api-key"))
    assert "can reset: POST /api/clear-corrupted-session" in lines
    assert any(line.startswith("cannot stop: ") for line in lines)


def test_a_false_that_is_a_word_of_its_own_takes_nothing_away(tmp_path: Path) -> None:
    written(
        tmp_path, "ours", 'base = "ai-admin"\nauth.required = true\ncalls.stop.repeat = false\nstatus.repeat = false'
    )
    written(tmp_path, "again", 'base = "ours"\nauth.required = false')
    ours, again = load_dialect("ours", [tmp_path]), load_dialect("again", [tmp_path])
    assert ours.calls.stop is not None
    assert ours.status is not None
    assert (ours.status.repeatable, ours.calls.stop.repeatable) == (False, False)
    assert ours.auth is not None
    assert again.auth is not None
    assert (ours.auth.required, again.auth.required) == (True, False)
