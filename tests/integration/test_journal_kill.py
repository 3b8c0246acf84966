"""What the journal said it stored is there after the process was killed in the middle of writing."""

import asyncio
import signal
import sys
from pathlib import Path

import anyio
import pytest

from baileykeep.journal.sql import SqlJournal

WRITER = """
import asyncio, sys
from pathlib import Path
from baileykeep.journal.sql import SqlJournal
from baileykeep.model.records import Entry, EntryKind
from baileykeep.model.symptoms import HOST

async def main():
    journal = await SqlJournal.open(Path(sys.argv[1]))
    number = 0
    while True:
        pair = [Entry(number, EntryKind.STEP_BEGUN, HOST), Entry(number, EntryKind.STEP_ENDED, HOST)]
        await journal.write(pair)
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.asyncio
async def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(path), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        with anyio.fail_after(30):
            for _ in range(40):
                last = int(await process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        last = max([last, *(int(line) for line in (await process.stdout.read()).split(b"\n")[:-1])])
        await process.wait()
        journal = await SqlJournal.open(path)
        found = [entry.at for entry in await journal.entries(newest_first=True, limit=2)]
        assert found[0] == found[1] >= last
        await journal.prune(before=10**12, max_bytes=10**9)
        await journal.aclose()
