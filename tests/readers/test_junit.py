"""JUnit XML, as junitparser reads it and Jenkins' schema takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_register.report import junit_form
from batch_register.report.rows import Report
from tests.report.made import report_of

pytestmark = pytest.mark.integration


def test_a_report_fits_jenkins_schema_and_is_read_as_it_is(
    report: Report, read, tmp_path: Path
) -> None:
    path = tmp_path / "r.xml"
    path.write_text(junit_form.render(report), encoding="utf-8")
    found = read("read_junit", path)
    assert found["faults"] == []
    (suite,) = found["suites"]
    assert suite["name"] == report.manifest
    assert suite["properties"]["run_id"] == report.run_id
    counted = [suite[name] for name in ("tests", "failures", "errors", "skipped")]
    assert counted == [10, 3, 4, 0]
    verdicts = {case["name"]: case["results"] for case in suite["cases"]}
    assert verdicts == {
        "web-01": [],
        "=cmd|'/c calc'!A1": ["Failure"],
        "数据库-主": [],
        "changed": ["Failure"],
        "lost": ["Error"],
        "running": ["Error"],
        "over-quota": ["Error"],
        "waiting": ["Error"],
        "refused": ["Failure"],
        "gone-active": [],
    }
    times = {case["name"]: case["time"] for case in suite["cases"]}
    assert times["web-01"] == report.images[0].duration_s


def test_an_empty_batch_fits_the_schema_too(read, tmp_path: Path) -> None:
    path = tmp_path / "r.xml"
    path.write_text(junit_form.render(report_of([])), encoding="utf-8")
    found = read("read_junit", path)
    assert (found["faults"], found["suites"][0]["cases"]) == ([], [])


def test_the_schema_refuses_what_is_no_junit_file(read, tmp_path: Path) -> None:
    path = tmp_path / "r.xml"
    path.write_text("<testsuites><testsuite name='m'/></testsuites>")
    assert read("read_junit", path)["faults"] != []
