"""`python -m tests.e2e.lab`: the lab for people. Without words it runs; with words it talks to the one that runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

FOLDER = Path(".lab")


def parse(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("lab", description="Baileykeep on real Baileys, to be broken by hand")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where everything is kept")
    commands = parser.add_subparsers(dest="command", metavar="")
    run = commands.add_parser("run", help="open the lab in this terminal (make lab)")
    run.add_argument("--http", type=int, default=0, metavar="PORT", help="of Baileykeep's HTTP; 0 takes a free one")
    run.add_argument("--gateway", type=int, default=0, metavar="PORT", help="of the gateway; 0 takes a free one")
    judge = commands.add_parser("judge", help="run the stories against another Baileys (make lab BAILEYS=latest)")
    judge.add_argument("release", help="latest, a version such as 7.0.0-rc.9, or a whole name@version")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """The exit code."""
    folder, words = _folder(argv)
    if words[:1] not in (["run"], ["judge"], ["-h"], ["--help"]):
        from tests.e2e.lab.byhand.desk import ask

        return ask(folder, words)
    args = parse(argv)
    if args.command == "judge":
        from tests.e2e.lab.judge.run import run as judge

        return judge(args.release)
    from tests.e2e.lab.byhand.run import run

    return run(args.folder.absolute(), args.http, args.gateway)


def _folder(argv: list[str]) -> tuple[Path, list[str]]:
    if argv[:1] == ["--folder"] and len(argv) > 1:
        return Path(argv[1]).absolute(), argv[2:]
    return FOLDER.absolute(), argv


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
