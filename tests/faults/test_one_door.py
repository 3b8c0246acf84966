"""Whatever changes files of a login or of a copy goes through the one door, where faults are injected."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "baileykeep"
DOOR = "fsys.py"

OS = frozenset({
    "chmod", "chown", "copy_file_range", "fchmod", "fchown", "fdatasync", "fsync", "ftruncate", "lchmod", "lchown",
    "link", "makedirs", "mkdir", "mkfifo", "mknod", "posix_fallocate", "pwrite", "pwritev", "remove", "removedirs",
    "removexattr", "rename", "renames", "replace", "rmdir", "sendfile", "setxattr", "splice", "symlink", "sync",
    "truncate", "unlink", "utime", "write", "writev",
})  # fmt: skip
PATHS = frozenset({
    "chmod", "hardlink_to", "lchmod", "mkdir", "rename", "rmdir", "symlink_to", "touch", "unlink", "write_bytes",
    "write_text",
})  # fmt: skip
OTHERS = frozenset({"shutil", "tempfile", "fileinput", "mmap", "sendfile"})
LOOKING = frozenset({"disk_usage", "get_terminal_size", "which"})
WRITING_FLAGS = frozenset({"O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC", "O_APPEND", "O_TMPFILE"})

ELSEWHERE = {
    "app/locks.py": "the daemon's lock",
    "app/private.py": "modes of its own state and of the folder of copies",
    "app/socket_server.py": "its own socket",
    "cli/failures.py": "standard output that nobody reads any more",
    "cli/init.py": "a new configuration",
    "cli/offsite_keys.py": "a new private key, for another place",
    "journal/database.py": "the journal",
    "demo/": "a stand-in gateway with folders of its own",
}
"""The only other places that change anything on a disk, none of them a login or a copy of one."""


def changes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of every call that can change a file system."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _called(node)
            if name:
                yield node.lineno, name
        elif isinstance(node, ast.ImportFrom) and (node.module == "os" or node.module in OTHERS):
            for alias in node.names:
                if node.module != "os" or alias.name in OS | {"open", "fdopen"}:
                    yield node.lineno, f"from {node.module} import {alias.name}"


def _called(call: ast.Call) -> str:
    of = call.func
    if isinstance(of, ast.Name):
        return "open" if of.id == "open" and _writes(call, 1) else ""
    if not isinstance(of, ast.Attribute):
        return ""
    owner = of.value.id if isinstance(of.value, ast.Name) else ""
    if owner == "os":
        return _of_os(call, of.attr)
    if owner in OTHERS:
        return "" if of.attr in LOOKING else f"{owner}.{of.attr}"
    if _owner(of) in {"_fsys", "fsys", "shelf", "bus"}:
        return ""
    if of.attr == "open":
        return "open" if _writes(call, 0) else ""
    one_argument = of.attr == "replace" and len(call.args) == 1 and not call.keywords
    return of.attr if of.attr in PATHS or one_argument else ""


def _owner(of: ast.Attribute) -> str:
    inner = of.value
    return inner.attr if isinstance(inner, ast.Attribute) else inner.id if isinstance(inner, ast.Name) else ""


def _of_os(call: ast.Call, name: str) -> str:
    if name in {"open", "fdopen"}:
        flags = {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)}
        return "os.open" if flags & WRITING_FLAGS or _writes(call, 1) else ""
    return f"os.{name}" if name in OS else ""


def _writes(call: ast.Call, place: int) -> bool:
    given = [word.value for word in call.keywords if word.arg == "mode"] + call.args[place : place + 1]
    modes = [mode.value for mode in given if isinstance(mode, ast.Constant) and isinstance(mode.value, str)]
    return any(set(mode) & set("wax+") for mode in modes)


def test_nothing_else_changes_files() -> None:
    found = {}
    for path in SOURCE.rglob("*.py"):
        name = str(path.relative_to(SOURCE))
        calls = sorted(changes(ast.parse(path.read_text())))
        if calls and name != DOOR:
            found[name] = calls
    strangers = {name: calls for name, calls in found.items() if not name.startswith(tuple(ELSEWHERE))}
    assert strangers == {}
    unused = [place for place in ELSEWHERE if not any(name.startswith(place) for name in found)]
    assert unused == []


@pytest.mark.parametrize(
    "line",
    [
        "os.unlink(path)",
        "os.open(path, os.O_RDWR | os.O_CREAT)",
        "os.write(descriptor, b'')",
        "path.unlink()",
        "path.write_bytes(b'')",
        "path.replace(other)",
        "self.folder.rename(other)",
        "open(path, 'w')",
        "path.open('r+b')",
        "path.open(mode='ab')",
        "shutil.rmtree(path)",
        "tempfile.mkstemp()",
        "from os import unlink",
    ],
)
def test_a_new_one_is_noticed(line: str) -> None:
    assert list(changes(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    ["os.open(path, os.O_RDONLY)", "text.replace('a', 'b')", "path.open('rb')", "self._fsys.rename(folder, a, b)"],
)
def test_looking_is_no_change(line: str) -> None:
    assert not list(changes(ast.parse(line)))
