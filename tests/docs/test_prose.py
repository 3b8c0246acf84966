"""What the hand-written pages promise must be there: alerts, limits and links."""

import re
from pathlib import Path

import pytest

from baileykeep.config import load
from baileykeep.config.schema import Installation
from baileykeep.model.incident import Cause
from baileykeep.model.limits import Limits
from baileykeep.rules.words import WORDS

DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()
CONCEPTS = (DOCS / "concepts.md").read_text()


@pytest.mark.parametrize("cause", Cause)
def test_every_alert_says_what_to_do(cause: Cause) -> None:
    assert f"| **{WORDS[cause].title}** |" in OPERATIONS


def test_no_alert_is_explained_that_does_not_exist() -> None:
    titles = set(re.findall(r"^\| \*\*(.+?)\*\* \|", OPERATIONS, re.MULTILINE))
    assert titles == {words.title for words in WORDS.values()}


def test_levels_are_told_as_they_are() -> None:
    bounds = Limits().thresholds
    for name, low, high in (
        ("healthy", bounds.healthy, bounds.monitor),
        ("monitor", bounds.monitor, bounds.warning),
        ("warning", bounds.warning, bounds.critical),
        ("critical", bounds.critical, bounds.danger),
        ("danger", bounds.danger, bounds.fatal),
    ):
        assert f"| {low}–{high - 1} | {name} |" in CONCEPTS


@pytest.mark.parametrize("page", [OPERATIONS, CONCEPTS], ids=["operations", "concepts"])
def test_links_lead_somewhere(page: str) -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", page, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", page):
        file, _, anchor = target.partition("#")
        assert not file or (DOCS / file).exists(), target
        assert not anchor or file or anchor in anchors, target


def test_the_diagrams_have_their_place() -> None:
    for name in ("ladder", "timer"):
        assert CONCEPTS.index(f"<!-- {name}:begin -->") < CONCEPTS.index(f"<!-- {name}:end -->")


def test_the_configuration_shown_can_be_loaded(tmp_path: Path) -> None:
    main, company, window = re.findall(r"^```toml\n(.*?)^```", OPERATIONS, re.MULTILINE | re.DOTALL)
    token = tmp_path / "token"
    token.write_text("1:made-up")
    token.chmod(0o600)
    (tmp_path / "baileykeep.toml").write_text(main.replace("/etc/baileykeep/secrets/telegram_token", str(token)))
    (tmp_path / "companies").mkdir()
    (tmp_path / "companies" / "997441.toml").write_text(company)
    (tmp_path / "companies" / "7.toml").write_text(window)
    settings = load(tmp_path, {})
    assert str(settings.company("7").window) == "tue fri 03:00-05:00 Europe/Berlin"
    assert settings.installation.mode == "observe"
    assert settings.company("997441").label == "Salon Rosa"


def test_the_compose_example_is_configured_as_it_says(tmp_path: Path) -> None:
    compose = (DOCS.parent / "deploy" / "docker" / "compose.yaml").read_text()
    lines = [line.removeprefix("#   ") for line in compose.splitlines() if line.startswith("#   ")]
    toml = "\n".join(["[telegram]", "chats = [1]", *lines[lines.index("[gateways.main]") :]])
    (tmp_path / "baileykeep.toml").write_text(toml.replace("url =", 'dialect = "ai-admin"\nurl ='))
    token = tmp_path / "token"
    token.write_text("1:made-up")
    variables = dict(re.findall(r"^\s+(BAILEYKEEP_\w+): (.+)$", compose, re.MULTILINE))
    assert list(variables) == ["BAILEYKEEP_TELEGRAM__TOKEN_FILE"]
    settings = load(tmp_path, dict.fromkeys(variables, str(token)))
    assert settings.installation.telegram.token is not None
    assert settings.gateways["main"].sessions == ("/data/auth/company_{company}",)


@pytest.mark.parametrize("setting", ["limits.relink.approval", "http.token", "heartbeat.url"])
def test_settings_named_in_prose_exist(setting: str) -> None:
    assert f"`{setting}`" in OPERATIONS + CONCEPTS
    found: object = Installation()
    for part in setting.split("."):
        assert hasattr(found, part), setting
        found = getattr(found, part)


def test_the_readme_shows_the_recorded_demo() -> None:
    recorded = (DOCS / "demo.txt").read_text().rstrip()
    assert f"```text\n{recorded}\n```" in (DOCS.parent / "README.md").read_text()
