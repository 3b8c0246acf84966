"""Prometheus metrics. Each is declared once, with its labels and its line of documentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from baileykeep import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_COMPANY = ("company", "gateway")


@dataclass(frozen=True, slots=True)
class Metric:
    """One documented metric."""

    name: str
    type: str
    labels: tuple[str, ...]
    doc: str


class Metrics:
    """All metrics of one daemon, in a registry of their own. Thread-safe, and cheap to set at every tick."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._declared: list[Metric] = []
        self._of_companies: list[tuple[MetricWrapperBase, tuple[str, ...]]] = []
        self._declare_companies()
        self._declare_gateways()
        self._declare_ladder()
        self._declare_ourselves()
        self.build_info.labels(__version__).set(1)

    def _declare_companies(self) -> None:
        self.company_up = self._gauge("company_up", "1 while the session is connected, else 0", _COMPANY)
        self.company_paired = self._gauge("company_paired", "1 while its login is paired, else 0", _COMPANY)
        self.company_counted_files = self._gauge("company_counted_files", "files that count for the level", _COMPANY)
        self.company_files = self._gauge("company_files", "all files of its auth folder", _COMPANY)
        self.company_reclaimable_files = self._gauge(
            "company_reclaimable_files", "files that a cleanup would remove now", _COMPANY
        )
        self.company_level = self._gauge("company_level", "file level, 0 excellent to 6 fatal", _COMPANY)
        self.company_down_seconds = self._gauge(
            "company_down_seconds", "how long it has been observed down, 0 while up", _COMPANY
        )
        self.company_paused = self._gauge("company_paused", "1 while nothing new is begun for it", _COMPANY)
        self.decrypt_failures = self._counter(
            "decrypt_failures", "messages that could not be decrypted, by kind", (*_COMPANY, "kind")
        )
        self.backups = self._gauge("backups", "backups that are kept, by kind", ("company", "kind"))
        self.backup_age_seconds = self._gauge("backup_age_seconds", "age of the newest paired backup", ("company",))

        self.offsite_age_seconds = self._gauge(
            "offsite_age_seconds", "age of the newest paired backup that lies off this host", ("company",)
        )

    def _declare_gateways(self) -> None:
        self.gateway_up = self._gauge("gateway_up", "1 while the gateway's HTTP side answers", ("gateway",))
        self.gateway_poll_seconds = self._gauge("gateway_poll_seconds", "how long its last answer took", ("gateway",))
        self.process_up = self._gauge("process_up", "1 while its process runs", ("gateway",))
        self.brake = self._gauge("brake", "1 while the brake holds repairs there", ("gateway",))
        self.log_lag_seconds = self._gauge(
            "log_lag_seconds", "from a line's arrival to its reading", ("gateway", "file")
        )
        self.log_lines = self._counter("log_lines", "log lines read", ("gateway",))
        self.host_online = self._gauge("host_online", "1 while our own probes find the network")
        self.whatsapp_reachable = self._gauge("whatsapp_reachable", "1 while WhatsApp answers from this host")
        self.disk_free_bytes = self._gauge("disk_free_bytes", "free room of a watched volume", ("path",))

    def _declare_ladder(self) -> None:
        self.incidents_open = self._gauge("incidents_open", "open incidents", ("cause", "severity"))
        self.approvals_pending = self._gauge("approvals_pending", "questions that wait for a human's answer")
        self.decisions = self._counter("decisions", "decisions of the ladder, also those to hold", ("verb", "reason"))
        self.actions = self._counter("actions", "attempts at a rung, by how they ended", ("rung", "outcome"))
        self.symptoms = self._counter("symptoms", "symptoms that detectors found", ("kind",))
        self.facts = self._counter("facts", "facts that watchers saw", ("kind",))
        self.notices_pending = self._gauge("notices_pending", "notices that were not delivered yet")
        self.notices_sent = self._counter("notices_sent", "notices that were delivered", ("channel",))
        self.notices_failed = self._counter("notices_failed", "deliveries that failed", ("channel",))

    def _declare_ourselves(self) -> None:
        self.companies = self._gauge("companies", "companies that are supervised")
        self.companies_held = self._gauge("companies_held", "companies that are left alone for a bad configuration")
        self.held_after_breach = self._gauge(
            "held_after_breach", "companies and gateways that a failed safety check holds; anything but 0 needs a human"
        )
        self.acting = self._gauge("acting", "1 in mode act, 0 in mode observe")
        self.config_last_reload_success = self._gauge(
            "config_last_reload_success", "1 when the files as they are now are in use, 0 while last good values are"
        )
        self.config_last_reload_timestamp_seconds = self._gauge(
            "config_last_reload_timestamp_seconds", "when the configuration was last read without an error"
        )
        self.heartbeat_last_success_timestamp_seconds = self._gauge(
            "heartbeat_last_success_timestamp_seconds", "when the heartbeat address last answered"
        )
        self.offsite_waiting = self._gauge(
            "offsite_waiting", "companies with copies that have not left this host; 0 where none are to"
        )
        self.offsite_waiting_seconds = self._gauge("offsite_waiting_seconds", "how long the oldest of those waits")
        self.journal_bytes = self._gauge("journal_bytes", "size of the journal")
        self.build_info = self._gauge("build_info", "always 1; the version is a label", ("version",))

    def _gauge(self, name: str, doc: str, labels: tuple[str, ...] = ()) -> Gauge:
        gauge = Gauge(f"baileykeep_{name}", doc, labels, registry=self.registry)
        self._note(gauge, Metric(f"baileykeep_{name}", "gauge", labels, doc))
        return gauge

    def _counter(self, name: str, doc: str, labels: tuple[str, ...] = ()) -> Counter:
        counter = Counter(f"baileykeep_{name}", doc, labels, registry=self.registry)
        self._note(counter, Metric(f"baileykeep_{name}_total", "counter", labels, doc))
        return counter

    def _note(self, made: MetricWrapperBase, metric: Metric) -> None:
        self._declared.append(metric)
        if "company" in metric.labels:
            self._of_companies.append((made, metric.labels))

    def forget_company(self, company: str) -> None:
        """Drop every series of a company that is gone, so that no dashboard shows its last values for ever."""
        for metric, labels in self._of_companies:
            samples = [sample for family in metric.collect() for sample in family.samples]
            for values in {tuple(s.labels[name] for name in labels) for s in samples if s.labels["company"] == company}:
                metric.remove(*values)

    def render(self) -> bytes:
        """The text that `/metrics` answers, of `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def declared(self) -> Iterator[Metric]:
        """Every metric in the order of the reference."""
        return iter(self._declared)
