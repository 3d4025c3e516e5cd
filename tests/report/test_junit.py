"""The JUnit form: what turns a CI server red, and text that XML can hold."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given

from batch_register.engine.outcome import exit_code
from batch_register.entry import EntryState
from batch_register.model import Action, Fault, FaultKind
from batch_register.report import junit_form
from batch_register.report.rows import Report, ReportRow, count
from tests.report.made import REPORTS, plain_row, report_of

# XML 1.0, production 2, "Char".
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def suite_of(text: str) -> ElementTree.Element:
    suite = ElementTree.fromstring(text).find("testsuite")  # noqa: S314 - our own text
    assert suite is not None
    return suite


def case(row: ReportRow) -> ElementTree.Element:
    found = suite_of(junit_form.render(report_of([row]))).find("testcase")
    assert found is not None
    return found


@given(REPORTS)
def test_any_report_is_well_formed_and_counts_its_own_tests(report: Report) -> None:
    text = junit_form.render(report)
    assert FORBIDDEN.search(text) is None
    suite = suite_of(text)
    assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
    for counted, tag in (
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ):
        assert int(suite.attrib[counted]) == len(suite.findall(f"testcase/{tag}"))


@pytest.mark.parametrize("state", EntryState)
def test_a_suite_is_red_exactly_where_a_run_would_not_end_with_zero(
    state: EntryState,
) -> None:
    row = plain_row("k", state)
    found = case(row)
    is_red = any(found.find(tag) is not None for tag in ("failure", "error"))
    assert is_red == (exit_code(count([row]), None, has_moved=True) != 0)


@pytest.mark.parametrize("state", EntryState)
def test_what_the_manifest_no_longer_names_turns_no_suite_red(
    state: EntryState,
) -> None:
    found = case(replace(plain_row("k", state), is_removed=True))
    assert [each.tag for each in found] == (
        ["system-out"] if state is EntryState.ACTIVE else ["skipped", "system-out"]
    )


def test_a_failure_says_why_and_who_has_to_act() -> None:
    fault = Fault(
        kind=FaultKind.JOB_FAILED,
        code="IMG.1",
        reason="no <file>\x07",
        action=Action.FIX_SOURCE,
        request_id="req-1",
    )
    row = replace(
        plain_row("k", EntryState.FAILED),
        error=fault,
        action=Action.FIX_SOURCE,
        labels=(("owner", "team-db"),),
        duration_s=61.5,
    )
    found = case(row)
    failure, output = found.find("failure"), found.findtext("system-out") or ""
    assert failure is not None
    assert failure.attrib == {
        "type": "job_failed",
        "message": "failed: IMG.1: no <file>\\x07 (request req-1)",
    }
    assert (failure.text or "").splitlines()[1].startswith("The disk file's owner: ")
    assert found.attrib == {"classname": "m", "name": "k", "time": "61.500"}
    assert {"request_id=req-1", "label.owner=team-db"} <= set(output.splitlines())


def test_a_suite_begins_with_its_first_image() -> None:
    rows = [
        replace(plain_row("a", EntryState.ACTIVE), started_at="2026-03-01T02:00:00Z"),
        replace(plain_row("b", EntryState.ACTIVE), started_at="2026-03-01T01:00:00Z"),
        plain_row("c", EntryState.PENDING),
    ]
    suite = suite_of(junit_form.render(report_of(rows)))
    assert suite.attrib["timestamp"] == "2026-03-01T01:00:00Z"
