"""Judging a release: what is compared, on what two real releases showed, and how it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.lab.judge.compare import Chapter, compare
from tests.e2e.lab.judge.observe import Observation, neutral, shape, texts
from tests.e2e.lab.judge.report import Story, report
from tests.e2e.lab.judge.stories import merged, read
from tests.e2e.lab.judge.versions import newest, resolved
from tests.e2e.lab.node import LabError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "lab"


def seen(version: str) -> Observation:
    """What a walk with this release looked like."""
    return Observation(**json.loads((FIXTURES / f"seen-{version}.json").read_text()))


PINNED, OLDER = seen("7.0.0-rc14"), seen("7.0.0-rc.5")


def lines(before: Observation, after: Observation) -> dict[str, tuple[str, ...]]:
    return {chapter.heading: chapter.lines for chapter in compare(before, after)}


def test_what_is_the_same_is_not_told() -> None:
    assert compare(PINNED, seen("7.0.0-rc14")) == ()


def test_an_older_release_differs_as_it_is_known_to() -> None:
    found = lines(PINNED, OLDER)
    assert found["Pre-keys uploaded"] == ("at first: 812 → 30",)
    assert found["Names of files"] == (
        "gone: `identity-key-<n>.<n>.json`",
        "gone: `identity-key-<n>_<n>.<n>.json`",
    )
    assert found["Files by kind"] == ("identity_key: 3 → 0", "pre_key: 809 → 27")
    assert "new:  `info: recreating session for retry`" in found["Log on stdout"]
    assert "gone: `Closing session: SessionEntry {`" in found["Log on stdout"]
    assert found["Fields of log records"] == ("`error: stream errored out`: new node; gone fullErrorNode, reasonNode",)
    assert found["What Baileykeep reads in these logs"] == ("renegotiations: 1 → 0",)
    assert found.keys().isdisjoint({"The walk", "Keys of creds.json", "Log on stderr"})


def test_the_other_way_round_new_is_gone_and_gone_is_new() -> None:
    there, back = lines(PINNED, OLDER), lines(OLDER, PINNED)
    assert there.keys() == back.keys()
    assert back["Pre-keys uploaded"] == ("at first: 30 → 812",)
    swapped = {one.replace("gone:", "new: ") for one in there["Names of files"]}
    assert set(back["Names of files"]) == swapped


def test_a_name_that_baileykeep_does_not_know_is_told_apart() -> None:
    other = replace(PINNED, shapes={**PINNED.shapes, "poll-<n>.json": 2}, unknown=["poll-<n>.json"])
    found = compare(PINNED, other)
    assert [chapter.heading.partition(":")[0] for chapter in found] == [
        "Names of files", "Names that Baileykeep does not know",
    ]  # fmt: skip
    assert {chapter.lines for chapter in found} == {("new:  `poll-<n>.json`",)}


def test_a_key_of_creds_a_line_of_stderr_and_a_step_that_fails_are_told() -> None:
    other = replace(
        PINNED, creds=[*PINNED.creds, "passkey"], stderr={}, steps={**PINNED.steps, "group": "failed: not within 15 s"}
    )
    found = lines(PINNED, other)
    assert found["Keys of creds.json"] == ("new:  `passkey`",)
    assert "gone: `Failed to decrypt message with any known session...`" in found["Log on stderr"]
    assert found["The walk"] == ("group: ok → failed: not within 15 s",)


def test_how_often_a_line_was_logged_is_no_difference() -> None:
    often = replace(PINNED, stdout={text: count * 3 for text, count in PINNED.stdout.items()})
    assert compare(PINNED, often) == ()


@pytest.mark.parametrize(
    ("name", "seen_as"),
    [
        ("session-70004915200001_1.0.json", "session-<n>_<n>.<n>.json"),
        ("lid-mapping-70004915200001_reverse.json", "lid-mapping-<n>_reverse.json"),
        ("app-state-sync-key-AAAAAB-x9.json", "app-state-sync-key-<id>.json"),
        ("sender-key-120363000000000001@g.us--491@lid--0.json", "sender-key-<n>@g.us--<n>@lid--<n>.json"),
        ("creds.json", "creds.json"),
    ],
)
def test_names_are_compared_by_their_shape(name: str, seen_as: str) -> None:
    assert shape(name) == seen_as


def test_texts_carry_neither_ids_nor_keys_nor_the_insides_of_dumps() -> None:
    assert neutral("sent retry receipt 3EB0A1B2C3D4E5F60718 for 12") == "sent retry receipt <id> for <n>"
    assert neutral("key q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ") == "key <key>"
    dump = ["Closing session: SessionEntry {", "  privKey: <Buffer 01>", "}", "", "Session error:Error: Bad MAC"]
    assert list(texts(dump)) == ["Closing session: SessionEntry {", "Session error:Error: Bad MAC"]


def test_the_newest_is_the_highest_number_however_it_is_written() -> None:
    candidates = ["6.7.24", "7.0.0-rc.9", "7.0.0-rc10", "6.17.16", "7.0.0-rc.8", "7.1.0-nightly"]
    assert newest(candidates) == "7.0.0-rc10"
    assert newest([*candidates, "7.0.0"]) == "7.0.0"


@pytest.mark.parametrize("word", ["7.0.0 rc1", "--help", "baileys@", "https://example.org/x.tgz", "a/b", "file:x"])
def test_what_cannot_be_a_release_is_refused_before_npm_is_asked(word: str) -> None:
    with pytest.raises(LabError, match="npm knows no Baileys"):
        resolved(word)


CASE = 'testcase classname="tests.e2e.lab.test_x" name'
RESULTS = f"""<testsuites><testsuite>
<{CASE}="test_holds"/>
<{CASE}="test_breaks"><failure message="AssertionError: assert 75 &gt; 850&#10;  and more">x</failure></testcase>
<{CASE}="test_cannot_begin"><error message="">x</error></testcase>
<{CASE}="test_of_two"><failure message="assert 1 == 2">x</failure><failure message="not within 9 s: code">x</failure>
<failure message="contains 2 failed subtests">x</failure></testcase>
<{CASE}="test_left_out"><skipped/></testcase>
</testsuite></testsuites>"""


def test_the_results_of_the_stories_are_read() -> None:
    assert list(read(RESULTS)) == [
        Story("test_holds", place="tests/e2e/lab/test_x.py::test_holds"),
        Story("test_breaks", "AssertionError: assert 75 > 850", "tests/e2e/lab/test_x.py::test_breaks"),
        Story("test_cannot_begin", "it failed", "tests/e2e/lab/test_x.py::test_cannot_begin"),
        Story("test_of_two", "assert 1 == 2; not within 9 s: code", "tests/e2e/lab/test_x.py::test_of_two"),
    ]


def test_what_holds_at_the_second_try_is_told_so_and_holds() -> None:
    first = [Story("a", place="a"), Story("b", "late", "b"), Story("c", "wrong", "c")]
    found = merged(first, [Story("b", place="b"), Story("c", "wrong again", "c")])
    assert found == [first[0], Story("b", "", "b", wavered="late"), first[2]]
    text = report("b@1", PINNED, PINNED, (), found)
    assert "2 of 3 stories hold." in text
    assert "## Stories that hold only at the second try\n\n- b: late\n" in text


def test_the_report_tells_what_holds_and_what_changed() -> None:
    stories, chapters = list(read(RESULTS)), (Chapter("Names of files", ("new:  `x.json`",)),)
    assert report("baileys@7.0.0-rc15", PINNED, PINNED, chapters, stories) == (
        "# baileys@7.0.0-rc15, compared with 7.0.0-rc14\n\n"
        "1 of 4 stories hold. Every step of the walk worked.\n\n"
        "## Stories that do not hold\n\n"
        "- test_breaks: AssertionError: assert 75 > 850\n"
        "- test_cannot_begin: it failed\n"
        "- test_of_two: assert 1 == 2; not within 9 s: code\n\n"
        "## Names of files\n\n"
        "- new:  `x.json`\n"
    )


def test_the_report_says_when_nothing_changed_or_the_walk_broke() -> None:
    assert report("b@1", PINNED, PINNED, (), []).endswith("Nothing changed in files and logs.\n")
    broken = replace(PINNED, steps={"pair by QR": "ok", "group": "failed: x"})
    assert "In the walk, these steps failed: group." in report("b@1", PINNED, broken, (), [])


def test_the_report_on_the_page_is_what_is_told_of_that_release() -> None:
    page = (FIXTURES.parents[2] / "docs" / "lab.md").read_text()
    _, _, shown = page.partition("## Pre-keys uploaded\n")
    shown = shown.partition("```")[0].replace("- …\n", "")
    whole = report("x", PINNED, OLDER, compare(PINNED, OLDER), [])
    assert [line for line in shown.splitlines() if line not in whole.splitlines()] == []
    assert [chapter.heading for chapter in compare(PINNED, OLDER)] == ["Pre-keys uploaded"] + [
        line.removeprefix("## ") for line in shown.splitlines() if line.startswith("## ")
    ]
