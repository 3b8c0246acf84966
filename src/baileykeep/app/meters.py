"""Keeps the metrics in step with what the daemon knows: gauges once in a while, counters as things happen."""

from __future__ import annotations

from collections import Counter

import anyio.lowlevel
from prometheus_client import Gauge

from baileykeep.app.snapshot import Sources, company_view, installation
from baileykeep.engine.units import CompanyUnit
from baileykeep.model.decisions import Decision
from baileykeep.model.facts import DecryptFailed, DiskSeen, Fact
from baileykeep.model.incident import ApprovalState, Attempt
from baileykeep.model.inventory import Level
from baileykeep.model.overview import CompanyView, Overview
from baileykeep.model.symptoms import Subject, company
from baileykeep.telemetry import Metrics

CHUNK = 25
"""So many companies are refreshed before others may run."""


class _Series:
    """One company's gauges. Found once: finding a gauge by its labels costs more than all the rest of a refresh.

    A gauge is set only when its value changed.
    """

    def __init__(self, labels: tuple[str, str]):
        self.labels = labels
        self._gauges: dict[Gauge, tuple[Gauge, float]] = {}

    def set(self, metric: Gauge, value: float) -> None:
        """Give this company's gauge of a metric its value."""
        known = self._gauges.get(metric)
        if known is not None and known[1] == value:
            return
        gauge = known[0] if known is not None else metric.labels(*self.labels)
        gauge.set(value)
        self._gauges[metric] = (gauge, value)


class Meters:
    """Feeds one `Metrics`."""

    def __init__(self, metrics: Metrics):
        self.metrics = metrics
        self._series: dict[str, _Series] = {}

    def fact(self, fact: Fact) -> None:
        """Count a fact. Called for each, so it must stay cheap."""
        self.metrics.facts.labels(type(fact).__name__).inc()
        if isinstance(fact, DecryptFailed):
            self.metrics.decrypt_failures.labels(fact.company or "", fact.gateway, fact.kind.value).inc()
        elif isinstance(fact, DiskSeen):
            self.metrics.disk_free_bytes.labels(fact.path).set(fact.bytes_free)

    def decision(self, _subject: Subject, decision: Decision) -> None:
        """Count a decision, also one to hold."""
        self.metrics.decisions.labels(decision.verb.value, decision.reason.value).inc()

    def action(self, attempt: Attempt) -> None:
        """Count an attempt that ended."""
        outcome = attempt.outcome.value if attempt.outcome is not None else ""
        self.metrics.actions.labels(attempt.rung.value, outcome).inc()

    async def refresh(self, sources: Sources) -> None:
        """Set every gauge from the present state; a few companies at a time, so that others run in between."""
        idents = sources.sites.companies()
        self._ourselves(installation(sources), len(idents))
        self.metrics.held_after_breach.set(len(sources.holds.breached))
        self._incidents(sources)
        for position, ident in enumerate(idents):
            if sources.engine.unit(company(ident)) is not None:
                self._company(company_view(sources, ident), sources)
            if position % CHUNK == CHUNK - 1:
                await anyio.lowlevel.checkpoint()
        for gone in self._series.keys() - set(sources.sites.companies()):
            self.metrics.forget_company(gone)
            del self._series[gone]

    def _ourselves(self, seen: Overview, companies: int) -> None:
        self.metrics.companies.set(companies)
        self.metrics.acting.set(seen["mode"] == "act")
        self.metrics.host_online.set(seen["network"]["online"])
        self.metrics.whatsapp_reachable.set(seen["network"]["whatsapp"])
        self.metrics.config_last_reload_success.set(seen["config"]["ok"])
        copies, now = seen["copies"], seen["now"]
        self.metrics.offsite_waiting.set(copies["waiting"])
        self.metrics.offsite_waiting_seconds.set(max(0.0, now - (copies["waiting_since"] or now)))
        for gateway in seen["gateways"]:
            self.metrics.gateway_up.labels(gateway["id"]).set(gateway["problem"] is None)
            self.metrics.process_up.labels(gateway["id"]).set(gateway["process"]["state"] == "running")
            self.metrics.brake.labels(gateway["id"]).set(gateway["braked"])

    def _company(self, view: CompanyView, sources: Sources) -> None:
        series = self._series_of(view["id"], view["gateway"])
        unit = sources.engine.unit(company(view["id"]))
        up = isinstance(unit, CompanyUnit) and unit.view().up
        series.set(self.metrics.company_up, up)
        series.set(self.metrics.company_paired, bool(view["connection"]["paired"]))
        series.set(self.metrics.company_down_seconds, view["connection"]["down_s"])
        series.set(self.metrics.company_paused, view["paused_until"] is not None)
        files = view["files"]
        if files is not None:
            series.set(self.metrics.company_files, files["total"])
            series.set(self.metrics.company_counted_files, files["counted"])
            series.set(self.metrics.company_reclaimable_files, files["reclaimable"])
            series.set(self.metrics.company_level, Level(files["level"]).rank)
        newest = view["backups"]["newest_at"]
        if newest is not None:
            age_s = max(0.0, sources.clock.now() - newest)
            self.metrics.backup_age_seconds.labels(view["id"]).set(age_s)
        away_at = view["backups"].get("offsite_at")
        if away_at is not None:
            self.metrics.offsite_age_seconds.labels(view["id"]).set(max(0.0, sources.clock.now() - away_at))

    def _series_of(self, ident: str, gateway: str) -> _Series:
        known = self._series.get(ident)
        if known is None or known.labels[1] != gateway:
            known = self._series[ident] = _Series((ident, gateway))
        return known

    def _incidents(self, sources: Sources) -> None:
        incidents = sources.ledger.all_open()
        self.metrics.incidents_open.clear()
        for (cause, severity), count in Counter((i.cause.value, i.severity.value) for i in incidents).items():
            self.metrics.incidents_open.labels(cause, severity).set(count)
        asked = [i.approval for i in incidents if i.approval is not None]
        self.metrics.approvals_pending.set(sum(a.state is ApprovalState.OPEN for a in asked))
