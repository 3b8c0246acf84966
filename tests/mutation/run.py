"""Mutation testing of the rules, outside CI: `make mutants`, or `python -m tests.mutation.run ladder.py cleanup.py`.

Each mutant runs in a process forked from a warm one, against the tests that reach its line, until one of them fails.
What survives there as a table is tried once more in a process that imports it anew, since tests are made of some. What
was killed is remembered for as long as its module is the same; what survived is tried again each time. Exits 1 when a
mutant survives that is not listed as equivalent.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from coverage import CoverageData
from hypothesis import Phase, settings

from tests.mutation import live
from tests.mutation.operators import Mutant, enums_of, mutants

ROOT = Path(__file__).parents[2]
RULES = ROOT / "src" / "baileykeep" / "rules"
TESTS = ROOT / "tests" / "unit" / "rules"
HOME = ROOT / ".mutants"
RESULTS = HOME / "results.json"
EQUIVALENT = Path(__file__).parent / "equivalent.toml"
CPU_S = 120
NOT_LIVE = 2
TEXTS = frozenset({"words.py", "words_causes.py"})
"""Sentences for people: a wrong word is no wrong decision, so of these modules only the functions are changed."""

OWN_TESTS = {"gates": "ladder", "skips": "ladder", "case": "ladder", "questions": "ladder", "view": "findings",
             "counting": "levels", "words_causes": "words"}  # fmt: skip
"""Modules that are tested through the one they were taken out of."""

FRESH = """
import importlib.util, sys
class Replaced:
    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, self) if name == sys.argv[1] else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        exec(compile(open(sys.argv[2]).read(), sys.argv[2], "exec"), module.__dict__)
sys.meta_path.insert(0, Replaced())
import pytest
raise SystemExit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *sys.argv[3:]]))
"""

Known = dict[str, dict[str, str]]


class Tester:
    """Takes the place of pytest's loop over the collected tests."""

    def __init__(self, modules: Sequence[Path], reached: dict[str, dict[int, set[str]]]):
        self._modules = modules
        self._reached = reached
        self._items: list[pytest.Item] = []
        self._failed = False
        self.survived = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._items = session.items
        if not self._passes(session.items):
            raise pytest.UsageError("the tests fail without any mutant; see `make fast`")
        known: Known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        enums = enums_of([path.read_text() for path in sorted(RULES.parent.glob("[mr][ou][dl]e*/*.py"))])
        listed, total = equivalent(), Counter[str]()
        for module in self._modules:
            total += report(module, self._run(module, known, enums), listed.get(module.name, set()))
        print(f"{sum(total.values())} mutants: {dict(total)}")
        self.survived = total["survived"]
        return True

    def _run(self, module: Path, known: Known, enums: dict[str, tuple[str, ...]]) -> dict[str, str]:
        """The verdict of every mutant of a module, by its key; written down as they come."""
        source = module.read_text()
        digest = hashlib.sha256(source.encode()).hexdigest()[:16]
        before = known.get(module.name, {})
        kept = {key: word for key, word in before.items() if word == "killed"} if before.get("") == digest else {}
        found = {"": digest}
        for number, mutant in enumerate(mutants(source, enums)):
            if module.name in TEXTS and mutant.scope.isupper():
                continue
            found[mutant.key] = kept.get(mutant.key) or self._verdict(module, mutant)
            if number % 20 == 0:
                known[module.name] = {**kept, **found}
                store(known)
        known[module.name] = found
        store(known)
        return found

    def _verdict(self, module: Path, mutant: Mutant) -> str:
        """`killed`, `timeout` or `survived`."""
        code = self._forked(module, mutant)
        if code not in (0, NOT_LIVE):
            return "timeout" if code == -signal.SIGXCPU else "killed"
        in_function = any(line in self._reached.get(module.name, {}) for line in mutant.lines)
        return "survived" if code == 0 and in_function else fresh(module, mutant)

    def _forked(self, module: Path, mutant: Mutant) -> int:
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
            os._exit(self._child(module, mutant))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _child(self, module: Path, mutant: Mutant) -> int:
        try:
            live.apply(f"baileykeep.rules.{module.stem}", mutant)
        except live.NotLiveError:
            return NOT_LIVE
        except Exception:  # noqa: BLE001 - whatever an import of the mutant would raise kills it
            return 1
        return 0 if self._passes(self._chosen(module, mutant)) else 1

    def _chosen(self, module: Path, mutant: Mutant) -> list[pytest.Item]:
        """The tests that reach the line, or all for a table; those of the module itself first, long ones last."""
        lines = self._reached.get(module.name, {})
        names = set().union(*(lines.get(line, set()) for line in mutant.lines))
        found = [item for item in self._items if item.nodeid in names] if names else list(self._items)
        own = f"/test_{own_tests(module)}"
        found.sort(key=lambda item: (own not in item.nodeid, item.get_closest_marker("hypothesis") is not None))
        return found

    def _passes(self, items: Sequence[pytest.Item]) -> bool:
        self._failed = False
        for item in items:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self._failed:
                return False
        return True


def own_tests(module: Path) -> str:
    """How the names of a module's own test files go on after `test_`."""
    return OWN_TESTS.get(module.stem, module.stem)


def fresh(module: Path, mutant: Mutant) -> str:
    """The same with its own tests, in a process that imports the mutant from the beginning."""
    HOME.mkdir(exist_ok=True)
    path = HOME / f"{module.stem}_mutant.py"
    path.write_text(mutant.source)
    command = [sys.executable, "-c", FRESH, f"baileykeep.rules.{module.stem}", str(path)]
    command += [str(test) for test in sorted(TESTS.glob(f"test_{own_tests(module)}*.py"))]
    environment = {**os.environ, "PYTHONPATH": f"src{os.pathsep}."}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=600, check=False)
    except subprocess.TimeoutExpired:
        return "timeout"
    return "survived" if done.returncode == 0 else "killed"


def store(known: Known) -> None:
    """Write the results down, all or nothing."""
    part = RESULTS.with_suffix(".part")
    part.write_text(json.dumps(known, indent=1, ensure_ascii=False))
    part.replace(RESULTS)


def equivalent() -> dict[str, set[str]]:
    """The keys that are listed as equivalent, by module."""
    listed: dict[str, set[str]] = {}
    if EQUIVALENT.exists():
        for entry in tomllib.loads(EQUIVALENT.read_text())["equivalent"]:
            listed.setdefault(entry["module"], set()).update(entry["mutants"])
    return listed


def report(module: Path, found: dict[str, str], fine: set[str]) -> Counter[str]:
    """Tell what survives of one module, and count."""
    left = [key for key, word in found.items() if key and word == "survived"]
    count = Counter(word for key, word in found.items() if key)
    count["equivalent"] = len(fine & set(left))
    count["survived"] -= count["equivalent"]
    print(f"{module.name}: {dict(count)}", flush=True)
    for key in left:
        if key not in fine:
            print(f"    {key}", flush=True)
    for key in sorted(fine - set(left)):
        if not _stands(module, key):
            print(f"    listed as equivalent, and does not stand there: {key}", flush=True)
        elif key in found:  # else mutmut makes it
            print(f"    listed as equivalent, and is not: {key}", flush=True)
    return count


def _stands(module: Path, key: str) -> bool:
    """Whether a module still has what a listed change would change."""
    was = key.partition(": ")[2].partition("  ->  ")[0]
    return was in " ".join(ast.unparse(ast.parse(module.read_text())).split())


def reached() -> dict[str, dict[int, set[str]]]:
    """Which tests reach which line inside a function, by module; measured once for a state of tests and rules."""
    digest = hashlib.sha256()
    for path in sorted([*RULES.glob("*.py"), *TESTS.glob("*.py")]):
        digest.update(path.read_bytes())
    data = HOME / f"coverage-{digest.hexdigest()[:16]}"
    if not data.exists():
        HOME.mkdir(exist_ok=True)
        for old in HOME.glob("coverage-*"):
            old.unlink()
        command = [sys.executable, "-m", "pytest", str(TESTS), "-q", "-m", "not slow", "-p", "no:cacheprovider"]
        command += ["--cov=baileykeep.rules", "--cov-context=test", "--cov-report="]
        environment = {**os.environ, "COVERAGE_FILE": str(data), "PYTHONPATH": f"src{os.pathsep}."}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return _lines(CoverageData(str(data)))


def _lines(data: CoverageData) -> dict[str, dict[int, set[str]]]:
    data.read()
    found: dict[str, dict[int, set[str]]] = {}
    for file in data.measured_files():
        lines = {
            line: {context.partition("|")[0] for context in contexts if context}
            for line, contexts in data.contexts_by_lineno(file).items()
        }
        found[Path(file).name] = {line: tests for line, tests in lines.items() if tests}
    return found


def main(names: Sequence[str]) -> int:
    """Run the named modules, or all."""
    os.chdir(ROOT)
    settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
    settings.load_profile("mutants")  # a failing example need not be made small
    chosen = [RULES / Path(name).name for name in names] or sorted(RULES.glob("[a-z]*.py"))
    tester = Tester(chosen, reached())
    options: list[Any] = [
        "-o",
        "addopts=",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:cov",
        "-p",
        "no:terminal",
    ]
    options += ["-s", "-m", "not slow", "-W", "ignore::pytest.PytestAssertRewriteWarning", str(TESTS)]
    code = pytest.main(options, plugins=[tester])
    return 1 if code not in (0, 5) or tester.survived else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
