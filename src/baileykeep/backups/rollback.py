"""Back to what lay there, when a change of several files failed half way."""

from __future__ import annotations

from collections.abc import Collection

import structlog

from baileykeep.backups.vault import Snapshot
from baileykeep.model.errors import StoreError
from baileykeep.stores.base import AuthStore

log = structlog.get_logger(__name__)


def take_back(
    store: AuthStore, there: Snapshot | None, names: Collection[str], mode: int, *, absent_only: bool = False
) -> None:
    """Make these names again what they were in `there`: the disk that failed just now may well do this much.

    What came first goes, which makes room; with `absent_only` what is there was written by others and stays. Where
    this fails too the copies are the way back: it is logged, and the error that brought us here is the caller's to
    raise. `mode` is that of files where there is nothing left to take it from.
    """
    before = there.contents if there else {}
    try:
        with store.together():
            now = store.read_all(sorted(names))
            for name in () if absent_only else sorted(now.keys() - before.keys()):
                store.remove(name)
            for name in sorted(before.keys() & names):
                differs = name not in now if absent_only else now.get(name) != before[name]
                if there is not None and differs:
                    store.write(name, before[name], mtime=there.entry(name).mtime, mode=mode)
    except StoreError as error:
        log.warning("not_taken_back", company=store.company, cause=error.cause)
