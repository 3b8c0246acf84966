"""The example in `config/` is what people copy: it must work, and show what it promises."""

import shutil
from pathlib import Path

from baileykeep.config import load, load_partial

EXAMPLE = Path(__file__).parents[3] / "config"


def test_example_is_fine(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "config")
    (tmp_path / "config" / "baileykeep.toml").chmod(0o644)
    assert load_partial(tmp_path / "config", environ={})[1] == ()


def test_example_shows_three_companies_with_different_overrides() -> None:
    settings = load(EXAMPLE, {})
    assert settings.installation.mode == "observe"
    assert set(settings.companies) == {"997441", "997442", "1"}
    own = [company.own for company in settings.companies.values()]
    assert all(own)
    assert len({str(sorted(item)) for item in own}) == 3
    assert settings.limits_for("997442").bad_mac.preset == "flapping"
    assert settings.company("997441").window != settings.company("997442").window


def test_example_names_its_own_dialect() -> None:
    settings = load(EXAMPLE, {})
    assert settings.dialects["business"].origin.startswith(str(EXAMPLE / "dialects"))


def test_commented_keys_are_real_ones(tmp_path: Path) -> None:
    """Every `# key = value` line of the example is valid once its comment sign is gone."""
    shutil.copytree(EXAMPLE, tmp_path / "config")
    for name in ("salon_secret", "http_token", "telegram_token", "heartbeat_url"):
        (tmp_path / name).write_text("https://hc.example/x")
        (tmp_path / name).chmod(0o600)
    file = tmp_path / "config" / "baileykeep.toml"
    text = file.read_text().replace("/etc/baileykeep", str(tmp_path))
    lines = [
        line.removeprefix("# ") if line.startswith(("# [", "# ")) and _code(line) else line
        for line in text.splitlines()
    ]
    assert sum(line.startswith("# ") for line in text.splitlines()) > sum(line.startswith("# ") for line in lines) + 9
    file.write_text("\n".join(lines))
    file.chmod(0o640)
    settings = load(tmp_path / "config", {})
    assert settings.installation.telegram.users
    assert settings.installation.heartbeat.url


def _code(line: str) -> bool:
    body = line.removeprefix("# ")
    return body != line and (body.startswith("[") or body.partition(" ")[2].startswith("= "))
