"""How fast log files are scanned, against `grep -F -c` on the same file: `python -m benchmarks.scan [--mb 256]`.

Two files: one as a gateway writes it on a good day (one line in a thousand tells something), one in which every
twentieth does. grep looks for the same literals; it neither joins, nor attributes, nor counts events.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from baileykeep.demo.folders import contact
from baileykeep.demo.logs import GatewayLog
from baileykeep.logs.attribution import Attribution
from baileykeep.logs.patterns import LITERALS
from baileykeep.logs.scan import scan_files
from benchmarks.load import BORING

ROUNDS = 5


def make_log(folder: Path, lines: int, failures_every: int) -> Path:
    """A log of so many ordinary lines with a decrypt failure now and then."""
    rng = random.Random(4)  # noqa: S311 - made-up lines
    log = GatewayLog(folder, time.time, rng, "companyId")
    for number in range(lines):
        msg, level, fields = rng.choice(BORING)
        log.pino(str(rng.randint(1, 1000)), msg, level, **fields)
        if number % failures_every == 0:
            log.pino("7", "failed to decrypt message", 50, key={"remoteJid": f"{contact(1, 6)[:-2]}@s.whatsapp.net"})
    log.close()
    return log.stdout


def median_s(job: Callable[[], object]) -> float:
    """The median of several rounds, after one that warms the page cache."""
    job()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        job()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def scanned(path: Path) -> Callable[[], object]:
    """Our own scan, every event once and with its company."""
    return lambda: scan_files([path], Attribution(field="companyId"))


def grep(path: Path, patterns: Path) -> Callable[[], object]:
    """The same literals, counted by grep."""
    command = ["grep", "-F", "-c", "-f", str(patterns), str(path)]
    return lambda: subprocess.run(command, check=False, capture_output=True)


def repeated(path: Path, megabytes: int) -> Path:
    """The file, repeated until it is large."""
    once = path.read_bytes()
    with path.open("ab") as file:
        for _ in range(max(0, (megabytes << 20) // len(once) - 1)):
            file.write(once)
    return path


def main() -> None:
    """Print both ratios."""
    parser = argparse.ArgumentParser("scan")
    parser.add_argument("--mb", type=int, default=256)
    megabytes = parser.parse_args().mb
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:  # noqa: S108
        patterns = Path(base) / "patterns"
        patterns.write_bytes(b"\n".join(LITERALS))
        for name, every in (("a good day, 0.1 % hits", 1000), ("a bad day, 5 % hits", 20)):
            path = repeated(make_log(Path(base) / str(every), 20_000, every), megabytes)
            ours = median_s(scanned(path))
            theirs = median_s(grep(path, patterns))
            speed = path.stat().st_size / ours / 1e6
            times = f"{ours:.2f} s against {theirs:.2f} s, {speed:.0f} MB/s"
            print(f"scan, {name}: {ours / theirs:.2f} of grep -F -c ({times})")


if __name__ == "__main__":
    main()
