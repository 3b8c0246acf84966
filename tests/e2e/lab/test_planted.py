"""The planted bugs fit the product and the stories as they are now; `make planted` shows that each is found."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.crash.processes import REPO
from tests.e2e.lab.planted.bugs import BUGS, FOLDERS, FOUR, LOGINS, PAIRING, SOURCE, STORIES, Bug
from tests.e2e.lab.planted.run import Seen, planted
from tests.e2e.lab.planted.witness import Failure
from tests.e2e.lab.test_pairing import STORIES as PEOPLE

FILES = (STORIES, FOLDERS, LOGINS, PAIRING)
BUG = Bug("tests/x.py::test_x", "a rule is broken", "rules/x.py", "if wise:", "if True:")
FOUND = Failure("", "assert wise", "assert False")


def stories(file: str) -> set[str]:
    """The whole stories of a file, as pytest names them."""
    tree = ast.parse((REPO / file).read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    return {f"{file}::{name}" for name in names if name.startswith("test_")}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.what)
def test_what_is_broken_stands_once_in_the_product(bug: Bug) -> None:
    text = (REPO / SOURCE / bug.file).read_text()
    assert text.count(bug.old) == 1
    assert bug.new != bug.old
    compile(text.replace(bug.old, bug.new), bug.file, "exec")


def test_every_story_has_a_bug_and_every_bug_a_story() -> None:
    found = set().union(*map(stories, FILES))
    assert len(found) >= len(FILES)
    assert {bug.story for bug in BUGS} == found


def test_so_has_each_of_those_who_pair_at_the_same_time() -> None:
    assert {bug.subtest for bug in BUGS if bug.story == FOUR} == set(PEOPLE)
    assert not any(bug.subtest for bug in BUGS if bug.story != FOUR)


def test_a_bug_is_planted_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / SOURCE / BUG.file
    path.parent.mkdir(parents=True)
    path.write_text("if wise:\n    act()\n")
    with planted(BUG, tmp_path):
        assert path.read_text() == "if True:\n    act()\n"
    assert path.read_text() == "if wise:\n    act()\n"


@pytest.mark.parametrize("text", ["", "if wise:\nif wise:\n"])
def test_what_does_not_stand_there_once_is_not_replaced(tmp_path: Path, text: str) -> None:
    path = tmp_path / SOURCE / BUG.file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ValueError, match="times what is to be replaced"), planted(BUG, tmp_path):
        pass
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("failures", "caught"),
    [
        ((FOUND,), True),
        ((Failure("", "await place.keep()", "AssertionError: not within 30 s: it is seen"),), True),
        ((Failure("", "import wise", "ImportError: no wise"),), False),
        ((Failure("other", "assert wise", "assert False"),), False),
        ((), False),
    ],
)
def test_a_story_fails_as_it_must_where_it_asserts_and_nowhere_else(
    failures: tuple[Failure, ...], caught: bool
) -> None:
    assert Seen(BUG, 1.0, failures, "").caught is caught


def test_a_line_tells_what_was_broken_and_where_that_was_found() -> None:
    assert str(Seen(BUG, 23.4, (FOUND,), "")) == "✔   23 s  test_x: a rule is broken  |  assert wise → assert False"
    assert str(Seen(BUG, 5.0, (), "1 passed in 5 s")) == "✖    5 s  test_x: a rule is broken  |  1 passed in 5 s"
    assert BUG.is_named("test_x")
    assert not BUG.is_named("test_y")
