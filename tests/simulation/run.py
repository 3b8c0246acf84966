"""Many simulated days: `python -m tests.simulation.run --seeds 100 --from 0 --out soak.jsonl`.

Each line of the summary file is a chunk of seeds. A run goes on where an earlier one stopped, `--sum` adds files up,
and a seed that broke a promise is told as the shortest story that still breaks it.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.simulation.day import COMPANIES, Day, live
from tests.simulation.shrink import shrink, story

CHUNK = 5
COUNTED = ("faults", "actions", "outcomes")
ADDED = ("seeds", "company_hours", "restarts", "messages", "breaches", "cpu_s")
YEAR_H = 365.25 * 24


def chunk(first: int, count: int) -> dict[str, Any]:
    """Live so many days and add them up; broken promises come with their story."""
    gc.set_threshold(100_000, 20, 20)  # a day leaves little behind, and looking for it again and again costs a tenth
    days = [live(seed) for seed in range(first, first + count)]
    return {"from": first, **_sum_of(days), "stories": [story(shrink(day)) for day in days if day.breaches]}


def _sum_of(days: Iterable[Day]) -> dict[str, Any]:
    total: dict[str, Any] = dict.fromkeys(ADDED, 0) | {name: Counter() for name in COUNTED}
    for day in days:
        total["seeds"] += 1
        total["company_hours"] += round(day.hours * len(COMPANIES), 3)
        total["restarts"] += day.restarts
        total["messages"] += day.messages
        total["breaches"] += len(day.breaches)
        total["cpu_s"] += round(day.wall_s, 3)
        total["faults"].update(fault.kind for fault in day.faults)
        total["actions"].update(day.actions)
        total["outcomes"].update(day.outcomes)
    return total


def add_up(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One sum of many chunks; a chunk that is there twice counts once."""
    total: dict[str, Any] = dict.fromkeys(ADDED, 0) | {name: Counter() for name in COUNTED} | {"stories": []}
    for line in {line["from"]: line for line in lines}.values():
        for name in ADDED:
            total[name] = round(total[name] + line[name], 3)
        for name in COUNTED:
            total[name].update(line[name])
        total["stories"] += line["stories"]
    return total


def told(total: dict[str, Any]) -> str:
    """A sum for people."""
    days, cpu = total["company_hours"] / 24, total["cpu_s"]
    rate = days / cpu if cpu else 0.0
    rows = [
        f"{total['seeds']} seeds, {total['company_hours'] / YEAR_H:.2f} company-years, {rate:.1f} company-days/s/core",
        f"{total['restarts']} restarts, {total['messages']} messages, {total['breaches']} broken promises",
    ]
    for name in COUNTED:
        most = sorted(total[name].items(), key=lambda pair: (-pair[1], pair[0]))
        rows.append(f"{name} ({sum(total[name].values())}): " + ", ".join(f"{kind} {count}" for kind, count in most))
    return "\n".join([*rows, *total["stories"]])


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """The chunks of summary files; a line that was cut off by a crash is left out."""
    found = []
    for path in paths:
        for line in path.read_text().splitlines() if path.exists() else ():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


def _starts(first: int, seeds: int, done: set[int]) -> Iterator[int]:
    return (start for start in range(first, first + seeds, CHUNK) if start not in done)


def run(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Work through the seeds, a chunk at a time, and write each down when it is done."""
    known = read([args.out]) if args.out else []
    inside = [line for line in known if args.first <= line["from"] < args.first + args.seeds]
    starts = _starts(args.first, args.seeds, {line["from"] for line in inside})
    deadline = time.monotonic() + args.minutes * 60 if args.minutes else None
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        under_way: set[Future[dict[str, Any]]] = set()
        while True:
            enough = sum(line["seeds"] for line in inside) + CHUNK * len(under_way) >= args.at_least
            over = deadline is not None and time.monotonic() > deadline and enough
            while len(under_way) < args.jobs and not over and (start := next(starts, None)) is not None:
                under_way.add(pool.submit(chunk, start, min(CHUNK, args.first + args.seeds - start)))
            if not under_way:
                return inside
            ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            inside.extend(_kept(args.out, future.result()) for future in ended)


def _kept(out: Path | None, line: dict[str, Any]) -> dict[str, Any]:
    if out is not None:
        with out.open("a") as file:
            file.write(json.dumps(line) + "\n")
    for text in line["stories"]:
        sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()
    return line


def main() -> int:
    """The command; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.run", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first one")
    parser.add_argument("--minutes", type=float, default=0.0, help="begin nothing more after so long")
    parser.add_argument("--at-least", type=int, default=0, help="but go on until so many are done")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, help="the summary file, which a later run goes on with")
    parser.add_argument("--sum", type=Path, nargs="+", help="only add these summary files up")
    parser.add_argument("--story", type=int, help="only tell the story of this seed")
    args = parser.parse_args()
    if args.story is not None:
        sys.stdout.write(f"{story(shrink(live(args.story)))}\n")
        return 0
    total = add_up(read(args.sum)) if args.sum else add_up(run(args))
    sys.stdout.write(f"{told(total)}\n")
    return 1 if total["breaches"] else 0


if __name__ == "__main__":
    sys.exit(main())
