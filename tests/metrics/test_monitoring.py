"""Dashboard and alert rules: they ask for metrics that the tool writes, and parse."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from batch_register.metrics.table import METRICS, PREFIX, Kind

FOLDER = Path(__file__).parents[2] / "manifests" / "monitoring"
ALERTS = FOLDER / "alerts.yaml"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
NIGHTS = Path(__file__).parent / "alerts.test.yaml"
VARIABLES = {"$manifest": ".*", "$region": ".*"}


def rules() -> dict[str, str]:
    """Return each alert's expression."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def targets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each question that the dashboard asks, with its panel's title."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target


def written() -> set[str]:
    """Return the names of all series that the tool can write."""
    names = {metric.name for metric in METRICS if metric.kind is Kind.GAUGE}
    for metric in METRICS:
        if metric.kind is Kind.HISTOGRAM:
            names |= {metric.name + part for part in ("_bucket", "_sum", "_count")}
    return names


def asked(expression: str) -> set[str]:
    return set(re.findall(rf"{PREFIX}\w+", expression))


@pytest.mark.parametrize("expression", rules().values(), ids=list(rules()))
def test_an_alert_watches_what_is_written(expression: str) -> None:
    assert asked(expression)
    assert asked(expression) <= written()


def test_the_nights_of_the_test_tell_only_what_is_written() -> None:
    """Else an alert would be tested with a series that no run writes."""
    assert asked(NIGHTS.read_text()) <= written()


def test_every_alert_is_tested_and_listed() -> None:
    readme = (FOLDER / "README.md").read_text()
    assert set(re.findall(r"`(BatchRegister\w+)`", readme)) == set(rules())
    nights = NIGHTS.read_text()
    assert set(re.findall(r"alertname: (\w+)\n *exp_alerts", nights)) == set(rules())


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    shown = set[str]().union(*(asked(target["expr"]) for _, target in targets()))
    assert shown <= written()
    unseen = {
        metric.name
        for metric in METRICS
        if not any(name.startswith(metric.name) for name in shown)
    }
    assert unseen == {f"{PREFIX}last_run_timestamp_seconds"}  # the age is enough


def test_the_dashboard_can_be_imported_anywhere() -> None:
    """No data source of one installation, no id that could be taken, no overlap."""
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    for _, target in targets():
        assert target["datasource"]["uid"] == "${datasource}"
    assert "id" not in DASHBOARD
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [cell for panel in DASHBOARD["panels"] for cell in _cells(panel["gridPos"])]
    assert len(set(cells)) == len(cells)


def _cells(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    assert place["x"] + place["w"] <= 24
    for x in range(place["x"], place["x"] + place["w"]):
        for y in range(place["y"], place["y"] + place["h"]):
            yield x, y


# ------------------------------------------------------------ Prometheus's own judgement


def judged(tool: str, *arguments: str, stdin: str = "") -> str:
    """Return what promtool says, once it is content."""
    done = subprocess.run(
        [tool, *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.integration
def test_prometheus_takes_the_alert_rules(promtool: str) -> None:
    assert f"{len(rules())} rules found" in judged(
        promtool, "check", "rules", "--lint-fatal", str(ALERTS)
    )


@pytest.mark.integration
def test_the_right_alerts_come_in_the_right_nights(
    promtool: str, tmp_path: Path
) -> None:
    (tmp_path / "alerts.yaml").write_text(ALERTS.read_text())
    nights = tmp_path / "nights.yaml"
    nights.write_text(NIGHTS.read_text())
    assert "SUCCESS" in judged(promtool, "test", "rules", str(nights))


@pytest.mark.integration
def test_prometheus_understands_every_question_of_the_dashboard(
    promtool: str, tmp_path: Path
) -> None:
    """Each as a rule of its own: promtool says which does not parse."""
    recorded = []
    for number, (_, target) in enumerate(targets()):
        expression = target["expr"]
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        recorded.append({"record": f"panel:{number}", "expr": expression})
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    said = judged(promtool, "check", "rules", str(file))
    assert f"{len(recorded)} rules found" in said


@pytest.mark.integration
def test_prometheus_has_no_complaint_about_the_metrics_file(
    promtool: str, text: str
) -> None:
    assert judged(promtool, "check", "metrics", stdin=text) == ""
