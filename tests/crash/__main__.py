"""The real daemon is killed at random moments, again and again, and nothing may be lost by it.

    python -m tests.crash [--rounds 300] [--parallel 4] [--seed 1] [--json FILE] [--keep]

Exits 1 when anything was not as promised; then the folders stay for a look.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.crash.installation import installation
from tests.crash.report import show, summary
from tests.crash.rounds import Rounds, Tally

MOST_TOLD = 6
"""Of one round; a lost folder has a thousand files."""


@dataclass(slots=True)
class Run:
    """All rounds, spread over several installations that live beside each other."""

    args: argparse.Namespace
    root: Path
    tally: Tally
    begun: int = 0

    async def whole(self) -> None:
        """Until all rounds were made, or one went wrong."""
        async with asyncio.TaskGroup() as group:
            for number in range(self.args.parallel):
                group.create_task(self._one(number))

    async def _one(self, number: int) -> None:
        rng = random.Random(f"{self.args.seed}/{number}")
        await asyncio.sleep(number * 0.5)
        async with installation(self.root / str(number), number=number) as place:
            rounds = Rounds(place, rng, self.tally)
            await rounds.begin()
            while self.begun < self.args.rounds and not self.tally.failures:
                self.begun += 1
                await self._round(rounds, number)

    async def _round(self, rounds: Rounds, number: int) -> None:
        ident, began = self.begun, time.monotonic()
        try:
            found = await rounds.round()
        except AssertionError as error:
            found = [str(error)]
        if len(found) > MOST_TOLD:
            found = [*found[:MOST_TOLD], f"and {len(found) - MOST_TOLD} more"]
        for problem in found:
            self.tally.failures.append(f"round {ident}, installation {number}: {problem}")
        wrong = "".join(f"\n    WRONG: {problem}" for problem in found)
        _say(f"round {ident} in {time.monotonic() - began:.1f} s, installation {number}: {rounds.story}{wrong}")


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("crash", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--parallel", type=int, default=4, help="installations beside each other")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=None, help="where the summary is written for machines")
    parser.add_argument("--keep", action="store_true", help="keep the folders also when all went well")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run; 1 when something was not as promised."""
    args = parse(argv)
    root, tally, began = Path(tempfile.mkdtemp(prefix="bk-crash-")), Tally(), time.monotonic()
    try:
        asyncio.run(Run(args, root, tally).whole())
    except* AssertionError as errors:
        tally.failures += [str(error) for error in errors.exceptions]
    finally:
        seconds = time.monotonic() - began
        if args.json is not None:
            args.json.write_text(json.dumps(summary(tally, args.seed, seconds), indent=2))
        print(show(tally, args.seed, seconds))
        if tally.failures or args.keep:
            print(f"what is left of it lies in {root}")
        else:
            shutil.rmtree(root)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
