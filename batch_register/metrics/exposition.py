"""Samples as the text that Prometheus reads.

Decides: nothing; prometheus-client does (the extra `metrics`). Imported only where metrics
are wanted: the extra may be missing. No line carries a timestamp, which node_exporter's
textfile collector refuses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from batch_register.metrics.samples import Distribution, Sample, Standing, samples
from batch_register.metrics.table import BASE_LABELS, METRICS, SHARD_LABEL, Metric


def render(standing: Standing) -> str:
    """Return the text of the whole file."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Standing(standing))
    return generate_latest(registry).decode()


class _Standing(Collector):
    """What the library asks for the families of metrics."""

    def __init__(self, standing: Standing) -> None:
        report = standing.report
        base = (report.manifest, report.target.project_id, report.target.region)
        shard = () if report.shard is None else ((SHARD_LABEL, str(report.shard)),)
        self._base = dict((*zip(BASE_LABELS, base, strict=True), *shard))
        self._samples = list(samples(standing))

    def collect(self) -> Iterator[Family]:
        """Yield the family of each metric that has a value, in the table's order."""
        for metric in METRICS:
            own = [sample for sample in self._samples if sample.metric is metric]
            if own:
                yield self._family(metric, own)

    def _family(
        self, metric: Metric, own: Sequence[Sample | Distribution]
    ) -> GaugeMetricFamily | HistogramMetricFamily:
        labels = (*self._base, *metric.labels)
        values = tuple(self._base.values())
        gauge = GaugeMetricFamily(metric.name, metric.help, labels=labels)
        for sample in own:
            if isinstance(sample, Distribution):
                histogram = HistogramMetricFamily(
                    metric.name, metric.help, labels=labels
                )
                total = math.fsum(sample.values)
                histogram.add_metric(values, sample.buckets(), total)
                return histogram
            gauge.add_metric((*values, *sample.labels), sample.value)
        return gauge
