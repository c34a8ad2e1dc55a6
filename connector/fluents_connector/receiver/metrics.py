"""Prometheus metrics of the receiver.

No label holds what a sender wrote: a reason is one of a fixed set of words, a status a number.

The counts of the buffer and the outcome of the last load are read at each scrape, so they are right
across worker processes and restarts. Responses and latencies, which each worker counts for itself,
are summed by prometheus_client's multiprocess mode, which `fluents_connector.receiver.server`
switches on.
"""

from __future__ import annotations

import collections
import os
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from fluents_connector.buffer import Buffer
from fluents_connector.loader_state import LoaderState

# seconds: from one commit on a fast disk to the buffer's own timeout
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The counters that one receiver process keeps, and the page for all processes."""

    def __init__(self, buffer: Buffer, loader: LoaderState) -> None:
        self._registry = CollectorRegistry()
        self._collectors: list[Collector] = [
            BufferCollector(buffer),
            LoadCollector(loader),
            AlertCollector(loader),
        ]
        self.requests = Counter(
            "fluents_requests", "Requests answered, whatever the answer.", registry=self._registry
        )
        self.acknowledged = Counter(
            "fluents_acknowledged", "Deliveries answered with 200.", registry=self._registry
        )
        self.responses = Counter(
            "fluents_responses", "Answers by status code.", ["status"], registry=self._registry
        )
        self.refusals = Counter(
            "fluents_refusals",
            "Deliveries and requests refused, by reason.",
            ["reason"],
            registry=self._registry,
        )
        self.append_seconds = Histogram(
            "fluents_append_seconds",
            "Time to store one delivery durably, waiting included.",
            buckets=_SECONDS,
            registry=self._registry,
        )

    def responded(self, status: int) -> None:
        """Counts one response, whatever it says."""
        self.requests.inc()
        self.responses.labels(str(status)).inc()

    def page(self) -> bytes:
        """The metrics of all processes, in the text format of Prometheus."""
        registry = self._registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        counted = CollectorRegistry()
        for collector in self._collectors:
            counted.register(collector)
        return generate_latest(counted) + generate_latest(registry)


class BufferCollector(Collector):
    """Reads the buffer's counts at each scrape."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer

    def collect(self) -> Iterator[Metric]:
        """The buffer's counts, and the age in seconds of the oldest pending event."""
        counts = self._buffer.counts()
        for name, help_, value in (
            ("received", "Deliveries received.", counts.received),
            ("loaded", "Events that the warehouse holds.", counts.loaded),
            ("duplicates", "Deliveries that repeat another.", counts.duplicates),
            ("quarantined", "Deliveries that could not be events.", counts.quarantined),
        ):
            yield CounterMetricFamily(f"fluents_{name}", help_, value=value)
        yield CounterMetricFamily(
            "fluents_redacted",
            "Values replaced in bodies before they were stored.",
            value=counts.redacted,
        )
        yield GaugeMetricFamily("fluents_pending", "Events not yet loaded.", value=counts.pending)
        yield GaugeMetricFamily(
            "fluents_quarantine_bytes",
            "Bytes of refused bodies in the buffer.",
            value=counts.quarantine_bytes,
        )
        yield GaugeMetricFamily(
            "fluents_buffer_replicas",
            "Standbys of the buffer that have a delivery on disk before it is acknowledged.",
            value=self._buffer.durability().replicas,
        )
        oldest = counts.oldest_pending_at
        yield GaugeMetricFamily(
            "fluents_oldest_pending_age_seconds",
            "Age of the oldest event not yet loaded; 0 if there is none.",
            value=0.0 if oldest is None else max(0.0, time.time() - oldest / 1e6),
        )


class LoadCollector(Collector):
    """Reads the report of the last load at each scrape; there is none before the first load."""

    def __init__(self, loader: LoaderState) -> None:
        self._loader = loader

    def collect(self) -> Iterator[Metric]:
        """When the last load ended, its outcome, its deliveries and its seconds."""
        report = self._loader.report()
        if report is None:
            return
        for name, help_, value in (
            ("timestamp_seconds", "When the last load ended, since 1970.", report.finished_at),
            ("success", "1 if the last load succeeded, 0 if it failed.", report.succeeded),
            ("deliveries", "Deliveries that the last load took.", report.deliveries),
            ("seconds", "How long it took.", report.finished_at - report.started_at),
        ):
            yield GaugeMetricFamily(f"fluents_last_load_{name}", help_, value=float(value))
        yield GaugeMetricFamily(
            "fluents_publish_waits",
            "1 while there is no room on the disk to publish what is loaded.",
            value=float(report.publish_waits is not None),
        )
        if report.published is None:
            return
        for name, help_, value in (
            (
                "bytes",
                "Bytes that the last publish wrote for readers.",
                report.published.bytes_written,
            ),
            ("seconds", "How long the last publish took.", report.published.seconds),
        ):
            family = GaugeMetricFamily(f"fluents_last_publish_{name}", help_, labels=["method"])
            family.add_metric([report.published.method.replace(" ", "_")], value)
            yield family


class AlertCollector(Collector):
    """Reads what `alerts` recorded at each scrape; there is nothing before it did."""

    def __init__(self, loader: LoaderState) -> None:
        self._loader = loader

    def collect(self) -> Iterator[Metric]:
        """When the alerts were run, how many could not be, and the findings of each."""
        record = self._loader.alerts()
        if record is None:
            return
        yield GaugeMetricFamily(
            "fluents_alerts_timestamp_seconds",
            "When the alerts were last run repeatedly or posted, since 1970.",
            value=record.looked_at,
        )
        yield GaugeMetricFamily(
            "fluents_alerts_wrong",
            "Alerts that could not be run.",
            value=float(len(record.errors)),
        )
        counts = collections.Counter(
            one.finding.alert for one in record.findings if not one.has_ended
        )
        family = GaugeMetricFamily(
            "fluents_alert_findings", "Findings of each alert.", labels=["alert", "severity"]
        )
        for alert, severity in sorted(record.severities.items()):
            family.add_metric([alert, severity], float(counts[alert]))
        yield family
