"""From what is configured to the place itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from baileykeep.backups.offsite.base import Place, Target
from baileykeep.model.errors import UsageError


def _directory(place: Place, beside: Path) -> Target:
    from baileykeep.backups.offsite.directory import Directory

    return Directory(place, beside)


def _s3(place: Place, _beside: Path) -> Target:
    from baileykeep.backups.offsite.s3 import S3

    return S3(place)


KINDS: Mapping[str, Callable[[Place, Path], Target]] = {"file": _directory, "s3": _s3}
"""Every kind by the scheme of its address; the conformance suite is held against this."""


def target(place: Place, backups_dir: Path) -> Target:
    """The place off this host. Looks nothing up: that it cannot be used shows when it is."""
    scheme = place.to.partition(":")[0]
    if scheme not in KINDS:
        raise UsageError(f"there is no place of the kind {scheme[:20]}", next_step=f"there are: {', '.join(KINDS)}")
    return KINDS[scheme](place, backups_dir)
