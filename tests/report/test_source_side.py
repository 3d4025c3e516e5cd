"""Sources and uploads in every form of the report."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from types import ModuleType

import pytest

from batch_register.model import Action, EntryKey
from batch_register.report import (
    csv_form,
    joblog_form,
    json_form,
    junit_form,
    markdown_form,
    table_form,
)
from batch_register.report.chronicle import chronicle_of
from batch_register.report.fold import fold, source_of
from batch_register.report.html import page
from batch_register.report.rows import Report, ReportRow
from batch_register.report.story import tell
from batch_register.report.story_text import render_text
from tests.report.conftest import LedgerText


@pytest.fixture
def report(source_side: LedgerText) -> Report:
    return fold([source_of("a.jsonl", source_side.replay())])


@pytest.fixture
def rows(report: Report) -> dict[str, ReportRow]:
    return {row.key: row for row in report.images}


@pytest.fixture
def html(source_side: LedgerText, report: Report) -> str:
    chronicle = chronicle_of(report, [("run-2", source_side.lines)])
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return page.render(report, chronicle, rendered_at=now)


def test_each_entry_stands_where_its_source_has_left_it(
    rows: dict[str, ReportRow],
) -> None:
    found = {
        key: (row.state, row.error.code if row.error else None, row.action)
        for key, row in rows.items()
    }
    assert found == {
        "half": ("unfinished", None, Action.RUN_AGAIN),
        "offline": ("unfinished", "transport.dns", Action.RUN_AGAIN),
        "brought": ("active", None, Action.NONE),
        "swapped": ("conflict", "source.changed", Action.FIX_SOURCE),
        "both": ("conflict", "spec.changed", Action.FIX_MANIFEST),
        "absent": ("failed", "preflight.object-missing", Action.FIX_SOURCE),
        "small": ("failed", "preflight.min-disk", Action.FIX_MANIFEST),
        "closed": ("failed", "preflight.object-forbidden", Action.ASK_PERMISSION),
        "left": ("unfinished", None, Action.NONE),
    }


def test_json_tells_source_and_upload_or_null(report: Report) -> None:
    images = {one["key"]: one for one in json.loads(json_form.render(report))["images"]}
    assert images["half"]["source"] is None
    assert images["half"]["upload"] == {"sent_bytes": 6 << 28, "size_bytes": 2 << 30}
    assert images["brought"]["source"] == {"etag": "e-2", "size_bytes": 2 << 30}
    assert images["brought"]["upload"] is None
    assert images["swapped"]["source"] == {"etag": "e-new", "size_bytes": 7}


def test_csv_has_columns_of_its_own_for_them(report: Report) -> None:
    text = csv_form.render(report)
    cells = {row["key"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    names = (
        *("source_etag", "source_size_bytes"),
        *("upload_sent_bytes", "upload_size_bytes"),
    )
    assert [cells["half"][name] for name in names] == [
        "",
        "",
        "1610612736",
        "2147483648",
    ]
    assert [cells["swapped"][name] for name in names] == ["e-new", "7", "", ""]


@pytest.mark.parametrize("form", [table_form, markdown_form, junit_form])
def test_an_upload_that_is_under_way_says_how_far_it_is(
    form: ModuleType, report: Report
) -> None:
    assert "1.5 GiB of 2.0 GiB uploaded" in form.render(report)


def test_the_page_says_how_far_an_upload_is(html: str) -> None:
    assert "<i>1.5 GiB of 2.0 GiB uploaded</i>" in html


@pytest.mark.parametrize("form", [table_form, markdown_form, junit_form])
def test_a_finding_of_the_look_before_is_told_with_reason_and_advice(
    form: ModuleType, report: Report
) -> None:
    text = form.render(report)
    assert "preflight.object-missing" in text
    assert "b has no object d.qcow2" in text
    for advice in (
        "The disk file's owner: check that the file is in its place",
        "The manifest's author: correct this entry, then run again.",
        "The account's administrator: grant this user the missing right",
        "The disk file's owner: put the former object or file back, or have the",
    ):
        assert advice in text.replace("&apos;", "'")


def test_a_finding_is_a_failure_to_a_ci_server_and_a_job_that_was_never_begun(
    report: Report,
) -> None:
    xml = junit_form.render(report)
    assert '<failure type="rejected" message="failed: preflight.object-missing' in xml
    assert (
        '<error type="unfinished" message="unfinished: its upload was begun, and no end '
        'is seen yet: 1.5 GiB of 2.0 GiB uploaded"' in xml
    )
    job = next(
        line for line in joblog_form.render(report).splitlines() if "=absent " in line
    )
    assert job.split("\t")[2:4] == ["0.000", f"{0:10.3f}"]
    assert job.split("\t")[6] == "3"


def test_a_history_begins_with_what_the_object_is_and_how_far_its_upload(
    source_side: LedgerText,
) -> None:
    def told(key: str) -> str:
        story = tell(source_side.replay(), EntryKey(key), source_side.story(key))
        return render_text(story)

    assert "  object: 7 B, ETag e-new\n" in told("swapped")
    assert "  upload: 1.5 GiB of 2.0 GiB uploaded\n" in told("half")
    assert "upload:" not in told("brought")
