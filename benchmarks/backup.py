"""What one backup of a 150-file folder costs, against `tar czf`: `python -m benchmarks.backup [--folders 100]`.

Ours is listed twice, checked, hashed, packed, synced to disk, renamed into place and read back; tar's is none of that.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import time
from pathlib import Path

from baileykeep.backups.vault import Vault
from baileykeep.demo.folders import make_folder
from baileykeep.model.backup import BackupKind
from baileykeep.stores.files import FileStore
from benchmarks.fleet import ORDINARY, phone_of


def main() -> None:
    """Print milliseconds and their ratio."""
    parser = argparse.ArgumentParser("backup")
    parser.add_argument("--folders", type=int, default=100)
    count = parser.parse_args().folders
    with tempfile.TemporaryDirectory() as base:
        root, rng, now = Path(base), random.Random(5), time.time()  # noqa: S311 - made-up keys
        for number in range(count):
            make_folder(root / f"{number}", ORDINARY, phone=phone_of(str(number)), now=now - 60, rng=rng)
        vault = Vault(root / "backups")
        began = time.perf_counter()
        for number in range(count):
            vault.create(FileStore(str(number), root / f"{number}"), BackupKind.HOT, now)
        ours = (time.perf_counter() - began) / count
        began = time.perf_counter()
        for number in range(count):
            target = str(root / f"{number}.tgz")
            subprocess.run(["tar", "czf", target, "-C", str(root), str(number)], check=True)
        theirs = (time.perf_counter() - began) / count
    print(f"backup of 150 files: {ours / theirs:.2f} of tar czf ({ours * 1000:.1f} ms against {theirs * 1000:.1f} ms)")


if __name__ == "__main__":
    main()
