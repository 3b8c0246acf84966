"""Whatever a configuration file holds: it loads, or every problem names file and key; nothing is half applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from baileykeep.config import BadConfig, Settings
from baileykeep.config.discover import Child, placements
from baileykeep.config.keys import Key, Section, sections
from baileykeep.config.load import settle
from baileykeep.config.problems import Problem, errors
from baileykeep.config.schema import Company, Installation
from baileykeep.config.sources import Source, Sources
from tests.unit.config.conftest import MAIN

HERE = Path("/nowhere/config")
VALUES = st.sampled_from(
    [
        '"10m"', '"soon"', "0", "-1", "1", "3.5", "nan", "inf", "-inf", "1e308", "9" * 400, "true", "[]", '["a"]', "{}",
        '[{a = 1}]', '""', '"\\u0000"', '"\\u001b[31mred"', '"<b>&"', '"../.."', '"/"', '"/x/{company}"', '"{company}"',
        '"/{company}/{company}"', '"~nobody-of-this-name"', '"http://a"', '"http://"', '"https://[::1]:99999/"',
        '"127.0.0.1:8420"', '"0.0.0.0:1"', '":"', "1979-05-27T07:32:00Z", "02:30:00", "1979-05-27", '"mon"', '"02:30"',
        '"Europe/Berlin"', '"Europe/Berlin\\n"', '"(?P<company>x)"', '"(?P<company>"', "'(a{4294967296})'",
        '"4915112345678"', '"+49 (151)"', '"٤٩١٥١١٢٣٤٥٦٧٨"', '"act"', '"pool"', '"ai-admin"', '"systemd"', '"pm2"',
        '"none"', '"\\uFEFF"', '"𝕏"', "[1, [2, [3]]]", "[1, -1001234567890]", "999999999999999999999",
    ]
)  # fmt: skip


def paths(model: type[Installation] | type[Company]) -> list[tuple[str, Key]]:
    """Every key, dotted, with real names where the reference has a place for one."""
    return [(_dotted(section, key), key) for section in sections(model) for key in section.keys]


def _dotted(section: Section, key: Key) -> str:
    header = section.header.strip("[]").replace("<name>", "main")
    return f"{header}.{key.name}" if header else key.name


@st.composite
def documents(draw: st.DrawFn, model: type[Installation] | type[Company]) -> str:
    """TOML with keys that exist (and some that do not) and values that mostly do not fit."""
    known = [name for name, _ in paths(model)]
    names = st.one_of(st.sampled_from(known), st.sampled_from(["x", "limits.x", "gateways.main.x.y", '"\\u001b"']))
    lines = [f"{draw(names)} = {draw(VALUES)}" for _ in range(draw(st.integers(0, 4)))]
    base = MAIN.replace("[gateways.main]\n", "").replace("\n", "\ngateways.main.").removesuffix("gateways.main.")
    start = base.removeprefix("\n") if model is Installation and draw(st.booleans()) else ""
    return start + "\n".join(lines)


TEXT = st.one_of(st.text(max_size=200), st.text(alphabet="[]{}=\"'.,#\n\\ab1-:T\x00\x1b", max_size=120))


def sources(main: str, companies: Mapping[str, str]) -> Sources:
    files = {ident: Source(f"companies/{ident}.toml", text) for ident, text in companies.items()}
    return Sources(HERE, Source("baileykeep.toml", main), files)


def good() -> Settings:
    return settle(sources(MAIN, {"1": 'name = "one"', "2": 'name = "two"'}), None, {})[0]


def check_problem(problem: Problem) -> None:
    """It names the file, and the key unless the whole file is concerned."""
    assert problem.file
    assert problem.reason
    assert problem.key or problem.syntax or problem.warning, problem


@settings(max_examples=150, deadline=None)
@given(st.one_of(TEXT, documents(Installation)), st.one_of(TEXT, documents(Company)))
def test_any_text_loads_or_every_problem_names_file_and_key(main: str, company: str) -> None:
    loaded, problems = settled(main, company)
    ours = [problem for problem in errors(problems) if problem.file == "baileykeep.toml"]
    assert bool(ours) == (loaded is None)
    if loaded is not None:
        assert ("1" in loaded.companies) != ("1" in loaded.held)
        placements(loaded, nothing_there)
    for problem in problems:
        check_problem(problem)


def settled(main: str, company: str) -> tuple[Settings | None, Sequence[Problem]]:
    """What came of it; None where the installation cannot be used."""
    try:
        return settle(sources(main, {"1": company}), None, {})
    except BadConfig as error:
        return None, error.problems


def nothing_there(folder: Path) -> Sequence[Child]:
    raise FileNotFoundError(2, "No such file or directory", str(folder))


@settings(max_examples=80, deadline=None)
@given(st.one_of(TEXT, documents(Installation)), st.one_of(TEXT, documents(Company)))
def test_nothing_is_half_applied(main: str, company: str) -> None:
    before = good()
    after, problems = settle(sources(main, {"1": company, "2": 'name = "zwei"'}), before, {})
    bad = {problem.company for problem in errors(problems)}
    if None in bad:
        assert (after.installation, after.limits, after.gateways) == (
            before.installation, before.limits, before.gateways,
        )  # fmt: skip
    if "1" in bad:
        assert after.companies["1"] == before.companies["1"]
    if "2" not in bad:
        assert after.companies["2"].facts.name == "zwei"
