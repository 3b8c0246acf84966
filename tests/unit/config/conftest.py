from collections.abc import Callable
from pathlib import Path

import pytest

MAIN = """
[gateways.main]
dialect = "ai-admin"
url = "http://127.0.0.1:3000"
sessions = "/srv/sessions/company_{company}"
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a configuration: `write(main, {"42": "..."}, dialects={})` returns its directory. None leaves a file."""

    def put(
        main: str | None = MAIN, companies: dict[str, str] | None = None, dialects: dict[str, str] | None = None
    ) -> Path:
        for name, files in (("companies", companies or {}), ("dialects", dialects or {})):
            (tmp_path / name).mkdir(exist_ok=True)
            for stem, text in files.items():
                (tmp_path / name / f"{stem}.toml").write_text(text, "utf-8")
        if main is not None:
            (tmp_path / "baileykeep.toml").write_text(main, "utf-8")
            (tmp_path / "baileykeep.toml").chmod(0o640)
        return tmp_path

    return put
