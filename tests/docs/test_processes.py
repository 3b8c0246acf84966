"""`docs/processes.md`: each configuration that it shows can be loaded, and becomes the manager that it is shown for."""

import re
from pathlib import Path

import pytest

from baileykeep.app.parts import make_process
from baileykeep.config.load import load
from baileykeep.processes.find import kinds

PAGE = (Path(__file__).parents[2] / "docs" / "processes.md").read_text()
CHAPTERS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
SHOWN = [
    (chapter.lower(), block, with_comments)
    for chapter, text in CHAPTERS.items()
    for block in re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    for with_comments in (False, True)
]
MAIN = '[gateways.main]\ndialect = "ai-admin"\nurl = "http://127.0.0.1:1"\nsessions = "/srv/auth/{company}"\n\n'


def test_every_manager_has_a_chapter_with_a_configuration() -> None:
    assert {kind for kind, _, _ in SHOWN} == set(kinds()) - {"none"}
    assert all(f"| `{kind}` |" in PAGE for kind in kinds())


@pytest.mark.parametrize(("kind", "block", "with_comments"), SHOWN)
def test_it_can_be_pasted(tmp_path: Path, kind: str, block: str, with_comments: bool) -> None:
    """As it stands, and with the lines that are commented out."""
    password = tmp_path / "password"
    password.write_text("made-up")
    password.chmod(0o600)
    text = re.sub(r"^#", "", block, flags=re.MULTILINE) if with_comments else block
    text = text.replace("/etc/baileykeep/secrets/supervisor", str(password))
    (tmp_path / "baileykeep.toml").write_text(MAIN + text)
    made = make_process(load(tmp_path, {}).gateways["main"].process)
    assert made is not None
    assert made.kind == kind
