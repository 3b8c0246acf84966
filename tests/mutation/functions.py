"""What mutmut left alive in the bodies of functions, after `make mutmut` ran it: `python -m tests.mutation.functions`.

Three kinds are left out: what the type checker refuses (no commit passes without it), other letters in a sentence for
people, and what is listed as equivalent. A sentence is a text with words and a space between them; a sentence that is
lost, moved or told in another case is no change of its letters. Exits 1 when anything else survives, was reached by no
test or was not tried.
"""

from __future__ import annotations

import ast
import copy
import difflib
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.run import equivalent

ROOT = Path(__file__).parents[2]
MADE = ROOT / "mutants"
RULES = Path("src/baileykeep/rules")
SENTENCE = re.compile(r"\w.* | .*\w", re.DOTALL)
NUMBER = re.compile(r"__mutmut_(?:\d+|orig)")
VERDICTS: Mapping[int | None, str] = {1: "killed", 3: "killed", 5: "untested", 33: "untested", None: "unchecked"}
"""By mutmut's exit code; all others are ends of a process that took too long or broke down."""

NO_ERRORS = frozenset({"import-not-found", "unused-ignore"})
"""What mypy says of mutmut's own additions."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function as mutmut wrote it: its statements, what they do whatever they say, and its lines in that file."""

    text: tuple[str, ...]
    silent: str
    first: int
    last: int


def functions(source: str) -> dict[str, Function]:
    """All variants of all functions of a module that mutmut wrote, by name."""
    return {
        node.name: Function(_text(node), _silent(node), node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and "__mutmut_" in node.name
    }


def _text(node: ast.FunctionDef) -> tuple[str, ...]:
    """Its parameters, then its statements; not its name, which differs."""
    return ast.unparse(node.args), *(line for part in node.body for line in ast.unparse(part).splitlines())


class _Silenced(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        said = isinstance(node.value, str) and SENTENCE.search(node.value)
        return ast.Constant("") if said else node


def _silent(node: ast.FunctionDef) -> str:
    silenced = [_Silenced().visit(copy.deepcopy(part)) for part in (node.args, *node.body)]
    return "\n".join(ast.dump(part) for part in silenced)


def type_errors() -> Mapping[str, list[tuple[int, str]]]:
    """What mypy refuses in the files that mutmut wrote: (line, message), by module."""
    command = [sys.executable, "-m", "mypy", str(RULES), "--output", "json"]
    done = subprocess.run(command, cwd=MADE, capture_output=True, text=True, check=False)
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for line in done.stdout.splitlines():
        error = json.loads(line)
        if error["severity"] == "error" and error["code"] not in NO_ERRORS:
            found[Path(error["file"]).name].append((error["line"], NUMBER.sub("", error["message"])))
    return found


def difference(old: Function, new: Function) -> tuple[str, str]:
    """What was taken away and what came, as one line each."""
    lines = list(difflib.ndiff(old.text, new.text))
    was = " ".join(line[2:].strip() for line in lines if line[0] == "-")
    return was, " ".join(line[2:].strip() for line in lines if line[0] == "+")


def survivors(module: str, errors: list[tuple[int, str]]) -> tuple[Counter[str], list[str]]:
    """Counts of one module, and the keys of what is alive and neither refused nor words."""
    path = MADE / RULES / module
    verdicts: dict[str, int | None] = json.loads(path.with_name(f"{module}.meta").read_text())["exit_code_by_key"]
    variants = functions(path.read_text())
    count, left = Counter(made=len(verdicts)), list[str]()

    def refused(function: Function) -> set[str]:
        return {message for line, message in errors if function.first <= line <= function.last}

    for name, code in verdicts.items():
        if code != 0:
            count[VERDICTS.get(code, "timeout")] += 1
            continue
        variant = name.rpartition(".")[2]
        new, old = variants[variant], variants[NUMBER.sub("__mutmut_orig", variant)]
        was, becomes = difference(old, new)
        if refused(new) - refused(old):
            count["refused"] += 1
        elif new.silent == old.silent:
            count["words"] += 1
        else:
            scope = NUMBER.sub("", variant).removeprefix("xǁ").removeprefix("x_").replace("ǁ", ".")
            left.append(f"{scope}: {was}  ->  {becomes}")
    return count, left


def main() -> int:
    """Tell of each module what is left."""
    listed, errors, total = equivalent(), type_errors(), Counter[str]()
    for path in sorted((MADE / RULES).glob("*.py.meta")):
        module = path.name.removesuffix(".meta")
        count, left = survivors(module, errors.get(module, []))
        fine = listed.get(module, set())
        count["equivalent"] = sum(key in fine for key in left)
        count["survived"] = len(left) - count["equivalent"]
        total += count
        if count["made"]:
            print(f"{module}: {dict(count)}")
        for key in left:
            if key not in fine:
                print(f"    {key}")
    print(f"all: {dict(total)}")
    return 1 if any(total[word] for word in ("survived", "untested", "unchecked")) else 0


if __name__ == "__main__":
    raise SystemExit(main())
