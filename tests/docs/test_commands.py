"""Every command line that the documentation shows, or a message names, exists with those options and arguments."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.exceptions import TyperException

from baileykeep.cli.root import app

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
SOURCES = sorted((ROOT / "src").rglob("*.py"))
START = r"(?:\$ )?(?:sudo -u \w+ )?(?:ExecStart(?:Pre)?=-?)?(?:/[\w/]+/)?baileykeep "
SHOWN = re.compile(rf"^\s*{START}(.+?)(?:\s+#.*|\s{{2,}}.*)?$", re.MULTILINE)
NAMED = re.compile(rf"`{START}([^`\n]+)`")


def lines_of(page: Path) -> Iterator[str]:
    """Command lines without the program's name: those in code blocks, and those in backticks."""
    text = page.read_text("utf-8")
    if page.suffix == ".md":
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield from SHOWN.findall(block)
    yield from NAMED.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


LINES = sorted({line for page in (*PAGES, *SOURCES) for line in lines_of(page) if "…" not in line})


def fault_of(line: str) -> str:
    """What is wrong with a command line; empty when it would be understood."""
    words = shlex.split(line)
    command = typer.main.get_command(app)
    while (commands := getattr(command, "commands", None)) and words != ["--help"]:
        if not words or words[0] not in commands:
            return f"no such command: {' '.join(words) or line}"
        command = commands[words.pop(0)]
    context = command.context_class(command)
    try:
        _, left, _ = command.make_parser(context).parse_args(words)
    except TyperException as error:
        return str(error)
    return f"too many words: {left}" if left else ""


def test_they_are_found() -> None:
    assert {"run", "health", "backup create COMPANY", "cleanup COMPANY --dry-run", "guard 997441"} <= set(LINES)


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_shown_would_be_understood(line: str) -> None:
    assert fault_of(line) == ""


@pytest.mark.parametrize("line", ["heal", "health --verbose", "backup make", "reconnect A B", "pause --gateway"])
def test_others_would_not(line: str) -> None:
    assert fault_of(line) != ""
