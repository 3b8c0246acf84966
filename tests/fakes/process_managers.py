"""Whole fake `pm2` and `systemctl` programs: small scripts that keep their state in a file and note each call."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

PREAMBLE = """#!{python} -SE
import json, os, sys, time
here = {here!r}
def load(): return json.load(open(here + "/state.json"))
def save(state): json.dump(state, open(here + "/state.json", "w"))
words = [w for w in sys.argv[1:]]
with open(here + "/calls.jsonl", "a") as calls:
    calls.write(json.dumps({{"argv": words, "env": dict(os.environ)}}) + "\\n")
state = load()
if state.get("hang"): time.sleep(60)
if state.get("flood"):
    for _ in range(state["flood"]): sys.stdout.write("x" * 65536)
if "garbage" in state: sys.stdout.write(state["garbage"]); sys.exit(0)
if state.get("fail"): sys.stderr.write(state["fail"]); sys.exit(1)
"""

PM2 = """
verb, ids = words[0], words[1:-1]
if verb == "jlist":
    print(state.get("banner", ""), end="")
    print(json.dumps(state["list"]))
for item in state["list"]:
    if verb != "jlist" and str(item["pm_id"]) in ids:
        up = verb in ("start", "restart")
        item["pm2_env"]["status"] = "online" if up else state.get("stops_as", "stopped")
        item["pid"] = 4242 if up else 0
        item["pm2_env"]["restart_time"] += up
save(state)
"""

SYSTEMCTL = """
verb = next(w for w in words if not w.startswith("-"))
unit = state["units"].get(words[-1])
if verb == "show":
    unit = unit or {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead"}
    wanted = words[words.index("-p") + 1].split(",")
    print("\\n".join(f"{k}={v}" for k, v in unit.items() if k in wanted))
elif unit is None:
    sys.stderr.write(f"Failed to {verb} {words[-1]}: Unit not found.\\n"); sys.exit(5)
else:
    up = verb in ("start", "restart")
    unit.update(ActiveState="active" if up else state.get("stops_as", "inactive"), SubState="running" if up else "dead")
    save(state)
"""


class Program:
    """One fake program in `folder`; `state` is what it believes in."""

    def __init__(self, folder: Path, name: str, body: str, state: dict[str, Any]):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.path = folder / name
        self.path.write_text(PREAMBLE.format(python=sys.executable, here=str(folder)) + body)
        self.path.chmod(0o755)
        self.update(**state)

    @property
    def state(self) -> dict[str, Any]:
        """As it is now."""
        path = self.folder / "state.json"
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def update(self, **changes: Any) -> None:
        """Change what it believes in."""
        (self.folder / "state.json").write_text(json.dumps(self.state | changes))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """`argv` and `env` of every call."""
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def verbs(self) -> list[str]:
        """The words of every call that are no options."""
        return [" ".join(w for w in call["argv"] if not w.startswith("-")) for call in self.calls]


def pm2_process(name: str, pm_id: int, status: str = "online", restarts: int = 0) -> dict[str, Any]:
    """One item of `pm2 jlist`, with a secret in its environment as real ones have."""
    env = {"status": status, "restart_time": restarts, "env": {"TOKEN": "secret-of-the-gateway"}}
    return {"name": name, "pm_id": pm_id, "pid": 4242 if status == "online" else 0, "pm2_env": env}


@contextmanager
def pm2_daemon(home: Path) -> Iterator[None]:
    """Somebody who listens in a PM2_HOME. Its sockets stay behind, as those of a daemon that died do."""
    home.mkdir(exist_ok=True)
    with ExitStack() as stack:
        for name in ("rpc.sock", "pub.sock"):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(home / name))
            listener.listen(100)
        yield


@asynccontextmanager
async def fake_pm2(folder: Path, processes: list[dict[str, Any]]) -> AsyncIterator[tuple[Program, Path]]:
    """The program and a PM2_HOME in which a daemon listens."""
    program = Program(folder / "bin", "pm2", PM2, {"list": processes})
    with pm2_daemon(folder / "home"):
        yield program, folder / "home"


def fake_systemctl(folder: Path, units: dict[str, dict[str, str]]) -> Program:
    """The program; `units` hold the properties that `systemctl show` prints."""
    return Program(folder / "bin", "systemctl", SYSTEMCTL, {"units": units})


def unit(active: str = "active", sub: str = "running", **more: str) -> dict[str, str]:
    """The properties of a unit that is loaded."""
    secret = {"Environment": "TOKEN=secret-of-the-gateway"}
    return (
        secret
        | {"LoadState": "loaded", "ActiveState": active, "SubState": sub, "NRestarts": "0", "Result": "success"}
        | more
    )
