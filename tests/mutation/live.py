"""Puts a mutant into modules that are imported already, so that a warm process can be forked for each."""

from __future__ import annotations

import ast
import dataclasses
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from tests.mutation.operators import Mutant


class NotLiveError(Exception):
    """This change cannot be made in a running process; it needs a new one."""


def apply(name: str, mutant: Mutant) -> None:
    """Change the module `name` of this process. Raises whatever its import would raise, or `NotLiveError`."""
    module = sys.modules[name]
    statement = ast.parse(mutant.source).body[mutant.statement]
    if isinstance(statement, ast.FunctionDef):
        _function(module.__dict__[statement.name], _made(module, statement))
    elif isinstance(statement, ast.ClassDef):
        _class(module.__dict__[statement.name], _made(module, statement))
    else:
        _table(module, statement)


def _made(module: ModuleType, statement: ast.FunctionDef | ast.ClassDef) -> Any:
    """What the statement defines, seen from inside the module but not put there."""
    space = dict(module.__dict__)
    exec(compile(ast.Module([statement], []), module.__name__, "exec"), space)  # noqa: S102
    return space[statement.name]


def _function(old: FunctionType, new: FunctionType) -> None:
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__


def _class(old: type, new: type) -> None:
    if not dataclasses.is_dataclass(old) and "__init__" not in vars(old):
        raise NotLiveError(old.__name__)
    for name, member in vars(new).items():
        mine = vars(old).get(name)
        if isinstance(member, property) and isinstance(mine, property):
            _function(mine.fget, member.fget)  # type: ignore[arg-type]
        elif isinstance(member, FunctionType) and isinstance(mine, FunctionType):
            if member.__code__.co_freevars:
                mine.__defaults__, mine.__kwdefaults__ = member.__defaults__, member.__kwdefaults__
            else:
                _function(mine, member)


def _table(module: ModuleType, statement: ast.stmt) -> None:
    """The new value, wherever the old one is known, and whatever is made of it at import."""
    todo = [(module, statement)]
    for where, what in todo:
        if len(todo) > 200:
            raise NotLiveError("goes round in circles")
        before = dict(where.__dict__)
        exec(compile(ast.Module([what], []), where.__name__, "exec"), where.__dict__)  # noqa: S102
        for name in _targets(what):
            old, new = before.get(name), where.__dict__[name]
            for other, alias in list(_aliases(name, old, where)):
                other.__dict__[alias] = new
                todo += [(other, user) for user in _users(other, alias) if (other, user) not in todo]


def _targets(statement: ast.stmt) -> list[str]:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    return [name.id for name in names if isinstance(name, ast.Name)]


def _aliases(name: str, old: object, where: ModuleType) -> Iterator[tuple[ModuleType, str]]:
    for module in [m for key, m in sys.modules.items() if key.startswith(("baileykeep.", "tests."))]:
        for alias, value in list(vars(module).items()):
            if (module is where and alias == name) or (alias == name and value is old):
                yield module, alias


def _users(module: ModuleType, name: str) -> list[ast.stmt]:
    """The other tables of a module that are made of this one."""
    if not module.__name__.startswith("baileykeep.rules") or not module.__file__:
        return []
    with open(module.__file__) as file:
        body = ast.parse(file.read()).body
    return [
        statement
        for statement in body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and statement.value is not None
        and any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(statement.value))
        and name not in _targets(statement)
    ]
