"""The text file, read with Prometheus's own Python parser."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from batch_register.metrics.exposition import render
from batch_register.metrics.samples import Standing
from batch_register.metrics.table import METRICS
from batch_register.shard import Shard
from tests.report.conftest import TARGET


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_the_parser_finds_every_metric_with_its_kind_and_its_help(text: str) -> None:
    read = families(text)
    assert list(read) == [metric.name for metric in METRICS]
    for metric in METRICS:
        assert read[metric.name].type == metric.kind
        assert read[metric.name].documentation == metric.help


def test_every_sample_names_manifest_project_and_region(text: str) -> None:
    base = {
        "manifest": 'wave "7"\\x',
        "project": TARGET.project_id,
        "region": TARGET.region,
    }
    for family in families(text).values():
        for sample in family.samples:
            assert base.items() <= sample.labels.items()


def test_no_line_carries_a_timestamp(text: str) -> None:
    """node_exporter leaves a file out that has one."""
    samples = [one for family in families(text).values() for one in family.samples]
    assert samples
    assert {sample.timestamp for sample in samples} == {None}


def test_the_histogram_adds_up(text: str) -> None:
    (family,) = (one for one in families(text).values() if one.type == "histogram")
    values = {
        (sample.name.removeprefix(family.name), sample.labels.get("le")): sample.value
        for sample in family.samples
    }
    assert values["_count", None] == values["_bucket", "+Inf"] == 1
    assert values["_sum", None] == 240.004
    assert (values["_bucket", "120.0"], values["_bucket", "300.0"]) == (0, 1)


def test_samples_of_a_shard_are_series_of_their_own(standing: Standing) -> None:
    """node_exporter refuses two files with one series, and each shard writes one."""
    (origin,) = standing.report.origins
    shard = replace(origin, shard=Shard(index=2, count=4))
    text = render(replace(standing, report=replace(standing.report, origins=(shard,))))
    samples = [one for family in families(text).values() for one in family.samples]
    assert {sample.labels["shard"] for sample in samples} == {"2/4"}
    whole = [
        one for family in families(render(standing)).values() for one in family.samples
    ]
    assert not any("shard" in sample.labels for sample in whole)
