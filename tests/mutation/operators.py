"""Small wrong changes of a module, beyond those that mutmut makes.

mutmut changes the bodies of plain functions and leaves tables, constants, defaults, properties and patterns alone,
where most of these rules live. Here every change of a table is made, and inside functions those that mutmut lacks.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Enums = Mapping[str, Sequence[str]]
T = TypeVar("T")

SHOWN = 110
"""A change is told by the largest expression around it that is not longer than this."""

BOUNDARY: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
ARITHMETIC: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift,
}  # fmt: skip
TWINS = {"min": "max", "max": "min", "any": "all", "all": "any"}
WRAPPERS = frozenset({"reversed", "sorted"})
NUMBERS_IN_PATTERN = re.compile(r"(?<=[{,])[0-9]+")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong module: where (function, class or table), what stood there, what stands there now.

    `statement` is the number of the module's changed statement, `lines` those of the innermost changed statement.
    """

    scope: str
    was: str
    becomes: str
    source: str
    statement: int = 0
    lines: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.scope}: {self.was}  ->  {self.becomes}"


def enums_of(sources: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The members of every StrEnum, by its name."""
    found: dict[str, tuple[str, ...]] = {}
    for node in (n for source in sources for n in ast.parse(source).body if isinstance(n, ast.ClassDef)):
        if any(isinstance(base, ast.Name) and base.id == "StrEnum" for base in node.bases):
            found[node.name] = tuple(
                a.targets[0].id for a in node.body if isinstance(a, ast.Assign) and isinstance(a.targets[0], ast.Name)
            )
    return found


def mutants(source: str, enums: Enums) -> list[Mutant]:
    """All mutants of one module, each once."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found: dict[str, Mutant] = {}
    for node in ast.walk(tree):
        if _left_alone(node, parents):
            continue
        for changed in _changes(node, parents, enums):
            mutant = _made(tree, node, changed, parents)
            if mutant.was != mutant.becomes:
                found.setdefault(mutant.key, mutant)
    return list(found.values())


# --- what is never changed -----------------------------------------------------------------------------------------


def _left_alone(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """Annotations, imports, decorators, docstrings and what is only printed."""
    while (parent := parents.get(node)) is not None:
        if isinstance(parent, ast.arg | ast.Import | ast.ImportFrom | ast.JoinedStr | ast.Raise):
            return True
        if isinstance(parent, ast.AnnAssign) and node is parent.annotation:
            return True
        if isinstance(parent, ast.FunctionDef) and (node is parent.returns or node in parent.decorator_list):
            return True
        if isinstance(parent, ast.ClassDef) and (node in parent.decorator_list or node in parent.bases):
            return True
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            name = parent.targets[0].id
            if name == "__all__" or (name[0].isupper() and not name.isupper()):
                return True
        node = parent
    return False


def _scope(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> tuple[str, bool]:
    """The name of the outermost function, class member or table, and whether mutmut looks inside it."""
    path: list[ast.AST] = [node]
    while (parent := parents.get(path[-1])) is not None:
        path.append(parent)
    names = [n.name for n in reversed(path) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    functions = [n for n in path if isinstance(n, ast.FunctionDef)]
    seen = bool(functions) and not functions[-1].decorator_list
    if not functions:
        for n in path:
            target = n.targets[0] if isinstance(n, ast.Assign) else n.target if isinstance(n, ast.AnnAssign) else None
            names += [target.id] if isinstance(target, ast.Name) else []
    return ".".join(names) or "module", seen


# --- what is changed -----------------------------------------------------------------------------------------------


def _changes(node: ast.AST, parents: Mapping[ast.AST, ast.AST], enums: Enums) -> Iterator[ast.AST]:
    """What stands there instead of `node`."""
    if not _scope(node, parents)[1]:
        yield from _plain(node, parents)
    yield from _further(node)
    yield from _members(node, enums)
    yield from _removals(node, parents)
    yield from _conditions(node)


def _plain(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    """What mutmut does inside functions."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield ast.Compare(node.left, [BOUNDARY[type(node.ops[0])]()], node.comparators)
    if isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    if isinstance(node, ast.Constant):
        yield from _constants(node.value, inside_expression=isinstance(parents[node], ast.Expr))


def _constants(value: object, *, inside_expression: bool) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif value is None:
        yield ast.Constant(1)
    elif isinstance(value, str) and not inside_expression:
        yield ast.Constant(f"XX{value}")


def _further(node: ast.AST) -> Iterator[ast.AST]:
    """Numbers one lower, halves of an operation, twins of functions, ends of slices, patterns."""
    if isinstance(node, ast.Constant):
        yield from _lower(node.value)
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Mod):
        yield from (node.left, node.right)
    if isinstance(node, ast.BoolOp):
        for rest in _one_less(node.values):
            yield ast.BoolOp(node.op, rest) if len(rest) > 1 else rest[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in TWINS:
            yield ast.Call(ast.Name(TWINS[node.func.id]), node.args, node.keywords)
        if node.func.id in WRAPPERS and not node.keywords:
            yield node.args[0]
    if isinstance(node, ast.Slice):
        yield from _slices(node)


def _lower(value: object) -> Iterator[ast.AST]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield ast.Constant(value - 1)
    if isinstance(value, str) and "[0-9]" in value:
        yield from (ast.Constant(text) for text in _patterns(value))


def _one_less(values: Sequence[T]) -> list[list[T]]:
    """The same row without its first, its second, … element."""
    return [[value for i, value in enumerate(values) if i != index] for index in range(len(values))]


def _slices(node: ast.Slice) -> Iterator[ast.Slice]:
    for lower in _ends(node.lower):
        yield ast.Slice(lower, node.upper, node.step)
    for upper in _ends(node.upper):
        yield ast.Slice(node.lower, upper, node.step)


def _ends(end: ast.expr | None) -> list[ast.expr | None]:
    return [] if end is None else [None, ast.BinOp(end, ast.Add(), ast.Constant(1))]


def _patterns(text: str) -> Iterator[str]:
    for found in NUMBERS_IN_PATTERN.finditer(text):
        for number in (int(found[0]) - 1, int(found[0]) + 1):
            yield f"{text[: found.start()]}{number}{text[found.end() :]}"
    for found in re.finditer(r"(?<=[)\]])\?", text):
        yield text[: found.start()] + text[found.end() :]


def _members(node: ast.AST, enums: Enums) -> Iterator[ast.AST]:
    """The next member of the same enumeration."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        members = enums.get(node.value.id, ())
        if node.attr in members:
            other = members[(members.index(node.attr) + 1) % len(members)]
            yield ast.Attribute(node.value, other, node.ctx)


def _removals(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    """One element of a row, one entry of a table, one filter, one alternative, one statement less."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        for rest in _rows(node, parents):
            yield ast.Set(rest) if isinstance(node, ast.Set) else type(node)(rest, ast.Load())
    if isinstance(node, ast.Dict) and len(node.keys) > 1:
        for pairs in _one_less(list(zip(node.keys, node.values, strict=True))):
            yield ast.Dict([key for key, _ in pairs], [value for _, value in pairs])
    if isinstance(node, ast.comprehension):
        for ifs in _one_less(node.ifs):
            yield ast.comprehension(node.target, node.iter, ifs, node.is_async)
    if isinstance(node, ast.MatchOr):
        for patterns in _one_less(node.patterns):
            yield ast.MatchOr(patterns) if len(patterns) > 1 else patterns[0]
    if isinstance(node, ast.Expr | ast.AugAssign) and not isinstance(node.value, ast.Constant):
        yield ast.Pass()


def _rows(node: ast.Tuple | ast.List | ast.Set, parents: Mapping[ast.AST, ast.AST]) -> list[list[ast.expr]]:
    """Shorter rows; inside functions not of what is unpacked or returned, which would only break."""
    table = _table(node, parents)
    fixed = isinstance(parents[node], ast.Subscript | ast.Assign | ast.Return | ast.comprehension) and not table
    stored = not isinstance(node, ast.Set) and not isinstance(node.ctx, ast.Load)
    if fixed or stored or (len(node.elts) < 2 and not table):
        return []
    return _one_less(node.elts)


def _table(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    above: ast.AST | None = node
    while above is not None and not isinstance(above, ast.FunctionDef):
        above = parents.get(above)
    return above is None


def _conditions(node: ast.AST) -> Iterator[ast.AST]:
    """A condition that always or never holds; an answer that says nothing."""
    for value in (True, False):
        if isinstance(node, ast.If):
            yield ast.If(ast.Constant(value), node.body, node.orelse)
        if isinstance(node, ast.IfExp):
            yield node.body if value else node.orelse
        if isinstance(node, ast.match_case) and node.guard is not None:
            yield ast.match_case(node.pattern, ast.Constant(value), node.body)
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield ast.Return(ast.Constant(None))


# --- making the mutant ---------------------------------------------------------------------------------------------


class _Swap(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST):
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else super().visit(node)


def _made(tree: ast.Module, node: ast.AST, changed: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> Mutant:
    shown = node
    while (parent := parents.get(shown)) is not None and not isinstance(parent, ast.Module):
        if isinstance(shown, ast.stmt) or len(_text(parent)) > SHOWN:
            break
        shown = parent
    was = _text(shown)
    whole = _swapped(tree, node, changed)
    becomes = _text(_swapped(shown, node, changed) if shown is not node else changed)
    source = ast.unparse(ast.fix_missing_locations(whole))
    return Mutant(_scope(node, parents)[0], was, becomes, source, *_place(tree, node, parents))


def _place(tree: ast.Module, node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> tuple[int, tuple[int, ...]]:
    """The number of the statement of the module, and the lines of the innermost statement, of an `if` its head only."""
    path = [node]
    while (parent := parents.get(path[-1])) is not None and not isinstance(parent, ast.Module):
        path.append(parent)
    inner = next(n for n in path if isinstance(n, ast.stmt | ast.match_case))
    if isinstance(inner, ast.match_case):
        inner = inner.body[0]
    end = inner.test.end_lineno if isinstance(inner, ast.If) else inner.end_lineno
    outer = next(index for index, statement in enumerate(tree.body) if statement is path[-1])
    return outer, tuple(range(inner.lineno, (end or inner.lineno) + 1))


def _swapped(root: ast.AST, node: ast.AST, changed: ast.AST) -> ast.AST:
    """A copy of `root` that has `changed` where `node` is; the copy holds `node` itself so that it can be found."""
    return _Swap(node, changed).visit(copy.deepcopy(root, {id(node): node}))


def _text(node: ast.AST | None) -> str:
    """One line; of a statement that holds others only its head."""
    if node is None:
        return ""
    if isinstance(node, ast.If):
        return f"if {_text(node.test)}:"
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    return " ".join(text.split())
