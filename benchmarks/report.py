"""The figures of a run, the limits beside them, and both as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

LATENCY_P99_S = 2.0
COUNTED_P99_S = 5.0
RSS_MB = 300.0
IDLE_CPU_PERCENT = 5.0
START_S = 30.0
DRAIN_S = 180.0
"""A repair that began in the last second needs a proved stop, a start and 30 steady seconds."""


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so many of all are not above; 0 of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(slots=True)
class Figures:
    """Everything that was measured. `fleets` holds threads, descriptors and MB by number of companies."""

    companies: int
    mode: str
    fleets: dict[int, tuple[int, int, float]] = field(default_factory=dict)
    ready_s: float = 0.0
    counted_s: float = 0.0
    backups_s: float = 0.0
    backups_cpu_s: float = 0.0
    idle_cpu: float = 0.0
    idle_rss_mb: float = 0.0
    storm_s: float = 0.0
    storm_cpu: float = 0.0
    lines: int = 0
    changes: int = 0
    behind_s: float = 0.0
    skipped: int = 0
    crossings: int = 0
    lost: list[str] = field(default_factory=list)
    on_disk_s: list[float] = field(default_factory=list)
    found_s: list[float] = field(default_factory=list)
    begun_s: list[float] = field(default_factory=list)
    counted_after_s: list[float] = field(default_factory=list)
    drained_s: dict[str, float] = field(default_factory=dict)
    undrained: list[str] = field(default_factory=list)
    rss_mb: float = 0.0
    peak_rss_mb: float = 0.0
    most_threads: int = 0
    most_descriptors: int = 0
    stop_s: float = 0.0
    load_before: float = 0.0
    load_after: float = 0.0
    entries: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As JSON, with the verdict."""
        return {**asdict(self), "broken": self.broken()}

    def limits(self) -> Iterator[tuple[str, str, str, bool]]:
        """What was measured, its figure, its limit, and whether it holds."""
        p99 = percentile(self.on_disk_s, 0.99)
        yield "line → symptom stored, p99", f"{p99:.2f} s", f"≤ {LATENCY_P99_S:.0f} s", p99 <= LATENCY_P99_S
        yield "symptoms lost", f"{len(self.lost)} of {self.crossings}", "0", not self.lost and self.crossings > 0
        counted = percentile(self.counted_after_s, 0.99)
        yield (
            "file written → counted, p99",
            f"{counted:.2f} s",
            f"≤ {COUNTED_P99_S:.0f} s",
            0 < counted <= COUNTED_P99_S,
        )
        drained = max(self.drained_s.values(), default=0.0)
        text = f"after {drained:.0f} s" if not self.undrained else f"not: {', '.join(self.undrained)}"
        yield "queues drained", text, f"≤ {DRAIN_S:.0f} s", not self.undrained and drained <= DRAIN_S
        yield "RSS, peak", f"{self.peak_rss_mb:.0f} MB", f"≤ {RSS_MB:.0f} MB", self.peak_rss_mb <= RSS_MB
        yield "idle CPU", f"{self.idle_cpu:.1f} %", f"≤ {IDLE_CPU_PERCENT:.0f} %", self.idle_cpu <= IDLE_CPU_PERCENT
        yield "start until all counted", f"{self.counted_s:.1f} s", f"≤ {START_S:.0f} s", self.counted_s <= START_S
        threads, descriptors = (self._growth(0), self._growth(1))
        yield "threads at rest, against the least fleet", f"{threads:+d}", "≤ 5", threads <= 5
        yield "descriptors at rest, likewise", f"{descriptors:+d}", "≤ 5", descriptors <= 5
        yield "threads in the storm", f"{self.most_threads}", "≤ 40", self.most_threads <= 40
        yield "descriptors in the storm", f"{self.most_descriptors}", "≤ 100", self.most_descriptors <= 100

    def _growth(self, which: int) -> int:
        least, most = min(self.fleets), max(self.fleets)
        return int(self.fleets[most][which] - self.fleets[least][which])

    def broken(self) -> list[str]:
        """The limits that do not hold."""
        return [name for name, _, _, holds in self.limits() if not holds]


def show(figures: Figures) -> str:
    """The table that a person reads."""
    rows = [
        f"{name:<42}{figure:>16}   {limit:<10}{'ok' if holds else 'BROKEN'}"
        for name, figure, limit, holds in figures.limits()
    ]
    return "\n".join([f"{figures.companies} companies, mode {figures.mode}", "", *rows, "", *_details(figures)])


def _spread(ordered: Sequence[float]) -> str:
    if not ordered:
        return "–"
    return " / ".join(f"{percentile(ordered, share):.2f}" for share in (0.5, 0.99, 1.0)) + " s"


def _details(f: Figures) -> Iterator[str]:
    yield f"line → symptom found, p50 / p99 / max      {_spread(f.found_s)}"
    yield f"line → symptom stored, p50 / p99 / max     {_spread(f.on_disk_s)}"
    yield f"line → repair begun, p50 / p99 / max       {_spread(f.begun_s)}  ({len(f.begun_s)} begun)"
    yield f"file written → counted, p50 / p99 / max    {_spread(f.counted_after_s)}  ({len(f.counted_after_s)} files)"
    yield f"start until ready / all counted            {f.ready_s:.1f} / {f.counted_s:.1f} s; stop {f.stop_s:.1f} s"
    yield f"first backups of all                       after {f.backups_s:.0f} s, {f.backups_cpu_s:.1f} s of CPU"
    yield f"CPU idle / storm                           {f.idle_cpu:.1f} / {f.storm_cpu:.1f} % of one core"
    yield f"RSS idle / end / peak                      {f.idle_rss_mb:.0f} / {f.rss_mb:.0f} / {f.peak_rss_mb:.0f} MB"
    for companies, (threads, descriptors, rss_mb) in sorted(f.fleets.items()):
        cost = f"{threads} threads, {descriptors} descriptors, {rss_mb:.0f} MB"
        yield f"at {companies:>5} companies                         {cost}"
    yield f"storm                                      {f.storm_s:.0f} s, {f.lines} lines, {f.changes} file changes"
    yield f"drained after                              {', '.join(f'{k} {v:.1f} s' for k, v in f.drained_s.items())}"
    yield f"actions                                    {f.outcomes or '–'}"
    yield f"journal                                    {f.entries}"
    yield f"load average before / after                {f.load_before:.1f} / {f.load_after:.1f}"
    yield f"driver: longest slice {f.behind_s:.2f} s, {f.skipped} failures not written (session was down)"
