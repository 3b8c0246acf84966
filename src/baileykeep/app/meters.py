"""Keeps the metrics in step with what the daemon knows: gauges once in a while, counters as things happen."""

from __future__ import annotations

from collections import Counter

from baileykeep.app.snapshot import Sources, overview
from baileykeep.engine.units import CompanyUnit
from baileykeep.model.decisions import Decision
from baileykeep.model.facts import DecryptFailed, DiskSeen, Fact
from baileykeep.model.incident import ApprovalState, Attempt
from baileykeep.model.inventory import Level
from baileykeep.model.overview import CompanyView, Overview
from baileykeep.model.symptoms import Subject, company
from baileykeep.telemetry import Metrics


class Meters:
    """Feeds one `Metrics`."""

    def __init__(self, metrics: Metrics):
        self.metrics = metrics
        self._companies: frozenset[str] = frozenset()

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

    def refresh(self, sources: Sources) -> None:
        """Set every gauge from the present state."""
        seen = overview(sources)
        self._ourselves(seen)
        for gateway in seen["gateways"]:
            self.metrics.gateway_up.labels(gateway["id"]).set(gateway["problem"] is None)
            self.metrics.process_up.labels(gateway["id"]).set(gateway["process"]["state"] == "running")
            self.metrics.brake.labels(gateway["id"]).set(gateway["braked"])
        for view in seen["companies"]:
            self._company(view, sources)
        self._incidents(sources)
        present = frozenset(view["id"] for view in seen["companies"])
        for gone in self._companies - present:
            self.metrics.forget_company(gone)
        self._companies = present

    def _ourselves(self, seen: Overview) -> None:
        self.metrics.companies.set(len(seen["companies"]))
        self.metrics.acting.set(seen["mode"] == "act")
        self.metrics.host_online.set(seen["network"]["online"])
        self.metrics.whatsapp_reachable.set(seen["network"]["whatsapp"])
        self.metrics.config_last_reload_success.set(seen["config"]["ok"])

    def _company(self, view: CompanyView, sources: Sources) -> None:
        labels = (view["id"], view["gateway"])
        unit = sources.engine.unit(company(view["id"]))
        up = isinstance(unit, CompanyUnit) and unit.view().up
        self.metrics.company_up.labels(*labels).set(up)
        self.metrics.company_paired.labels(*labels).set(bool(view["connection"]["paired"]))
        self.metrics.company_down_seconds.labels(*labels).set(view["connection"]["down_s"])
        self.metrics.company_paused.labels(*labels).set(view["paused_until"] is not None)
        files = view["files"]
        if files is not None:
            self.metrics.company_files.labels(*labels).set(files["total"])
            self.metrics.company_counted_files.labels(*labels).set(files["counted"])
            self.metrics.company_reclaimable_files.labels(*labels).set(files["reclaimable"])
            self.metrics.company_level.labels(*labels).set(Level(files["level"]).rank)
        newest = view["backups"]["newest_at"]
        if newest is not None:
            self.metrics.backup_age_seconds.labels(view["id"]).set(max(0.0, sources.clock.now() - newest))

    def _incidents(self, sources: Sources) -> None:
        incidents = sources.ledger.all_open()
        self.metrics.incidents_open.clear()
        for (cause, severity), count in Counter((i.cause.value, i.severity.value) for i in incidents).items():
            self.metrics.incidents_open.labels(cause, severity).set(count)
        asked = [i.approval for i in incidents if i.approval is not None]
        self.metrics.approvals_pending.set(sum(a.state is ApprovalState.OPEN for a in asked))
