"""What holds for every report in every form, however hostile its text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator

from batch_register.entry import EntryState
from batch_register.model import Action, Fault, FaultKind
from batch_register.report import (
    csv_form,
    joblog_form,
    json_form,
    junit_form,
    markdown_form,
    table_form,
)
from batch_register.report.json_schema import REPORT
from batch_register.report.plain import printable, width_of
from batch_register.report.rows import Report, ReportRow, count
from tests.report.made import REPORTS, TARGET, plain_row, report_of

SCHEMA_CHECK = Draft202012Validator(REPORT)


@given(REPORTS)
def test_the_json_form_fits_its_schema_and_counts_its_own_rows(report: Report) -> None:
    text = json_form.render(report)
    document = json.loads(text)
    assert text.isascii()
    SCHEMA_CHECK.validate(document)
    states = Counter(image["state"] for image in document["images"])
    expected = {str(state): states[str(state)] for state in EntryState}
    summary = dict(document["summary"])
    assert summary.pop("skipped") <= len(report.images)
    assert summary == {"total": len(report.images), **expected}


def test_the_schema_refuses_what_is_no_report() -> None:
    document = json.loads(
        json_form.render(report_of([plain_row("", EntryState.ACTIVE)]))
    )
    document["images"][0]["error"] = {"code": ""}
    document["images"][0]["attempts"] = -1
    document["version"] = 2
    del document["run_id"]
    found = {error.json_path for error in SCHEMA_CHECK.iter_errors(document)}
    assert found == {
        "$",
        "$.version",
        "$.images[0].key",
        "$.images[0].attempts",
        "$.images[0].error",
    }


@given(REPORTS)
def test_csv_reads_back_to_the_same_cells(report: Report) -> None:
    text = csv_form.render(report)
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert read == list(csv_form.cells(report))
    assert text.count("\r\n") == text.count("\n") == 1 + len(report.images)


@pytest.mark.fault(39)
@given(REPORTS)
def test_no_csv_cell_is_a_formula(report: Report) -> None:
    for line in csv_form.cells(report):
        assert not [cell for cell in line if re.match(r"\s*[=+\-@]", cell)]


def _unescaped_bars(line: str) -> int:
    """Count cell borders: a bar after a backslash is text, whatever came before."""
    return len(re.findall(r"(?<!\\)\|", line))


@given(REPORTS)
def test_markdown_tables_keep_their_columns(report: Report) -> None:
    """Also where a reader takes two backslashes for one that escapes no bar."""
    bars = 0
    for line in markdown_form.render(report).splitlines():
        if not line.startswith("|"):
            bars = 0
            continue
        bars = bars or _unescaped_bars(line)
        assert _unescaped_bars(line) == bars
        assert "\\\\|" not in line


@pytest.mark.fault(39)
@given(REPORTS)
@settings(max_examples=50)
def test_forms_for_people_never_act_on_a_screen(report: Report) -> None:
    for text in (markdown_form.render(report), table_form.render(report, width=60)):
        assert printable(text.replace("\n", "")) == text.replace("\n", "")


@given(REPORTS, st.integers(20, 200))
def test_what_is_to_be_done_is_broken_between_words(report: Report, width: int) -> None:
    narrow, wide = table_form.gist(report, width=width), table_form.gist(report)
    assert narrow.split() == wide.split()
    for line in narrow.splitlines():
        assert len(line) <= width or " " not in line.strip(" ")


@given(REPORTS, st.integers(80, 200))
def test_a_table_fits_the_terminal(report: Report, width: int) -> None:
    table = table_form.render(report, width=width).split("\n\n")[0]
    if report.images:
        assert max(map(width_of, table.splitlines())) <= width


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a", "`a`"),
        ("a`b", "`` a`b ``"),
        ("``", "``` `` ```"),
        ("a|b", "`a\\|b`"),
        ("a\\|b", "`a\\\\x7cb`"),
        ("  ", ""),
    ],
)
def test_foreign_text_stands_in_a_code_span(text: str, span: str) -> None:
    row = plain_row("k", EntryState.FAILED)
    fault = Fault(
        kind=FaultKind.REJECTED, code="c", reason=text, action=Action.FIX_MANIFEST
    )
    lines = markdown_form.render(
        report_of([ReportRow(**{**_fields(row), "error": fault})])
    ).splitlines()
    assert f"| `k` | failed | `c` | {span} |  | none |  | `b:o` |" in lines


def _fields(row: ReportRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ReportRow.__slots__}


def test_markdown_says_how_many_images_it_leaves_out_and_where_they_are() -> None:
    active = [plain_row(f"a-{n}", EntryState.ACTIVE) for n in range(2_000)]
    text = markdown_form.render(
        report_of([*active, plain_row("z", EntryState.PENDING)])
    )
    listed = len(re.findall(r"^\| `a-", text, re.MULTILINE))
    assert 100 < listed < 2_000
    assert "<summary>All 2001 images</summary>" in text
    assert (
        f"\n{2_000 - listed} more images are left out here; the JSON and CSV forms "
        "list all.\n"
    ) in text
    first = text.partition("<details>")[2].splitlines()[5]
    assert first.startswith("| `z` | pending |")  # what is not done is not left out


def test_what_went_wrong_stands_first_and_is_not_listed_again() -> None:
    rows = [plain_row(f"f-{n}", EntryState.FAILED) for n in range(3)]
    text = markdown_form.render(report_of([plain_row("a", EntryState.ACTIVE), *rows]))
    assert text.count("| `f-1` |") == 1
    assert text.index("| `f-1` |") < text.index("<summary>The other 1 image</summary>")


@given(REPORTS, st.sampled_from(EntryState), st.sampled_from(Action))
@settings(max_examples=20)
def test_markdown_fits_a_ticket_whatever_it_holds(
    report: Report, state: EntryState, action: Action
) -> None:
    """GitHub takes 65,536 characters of an issue."""
    row = replace(
        plain_row("|" * 128, state),
        action=action,
        error=Fault(
            kind=FaultKind.REJECTED, code="`" * 400, reason="|" * 4_000, action=action
        ),
    )
    many = replace(
        report, images=(*report.images, *[row] * 300), notes=("|" * 90,) * 900
    )
    assert len(markdown_form.render(many)) <= 65_536


def test_markdown_of_an_empty_batch_says_so() -> None:
    report = Report(
        manifest="m", run_id=None, target=TARGET, summary=count([]), images=()
    )
    assert markdown_form.render(report).splitlines()[:3] == [
        "# `m`: no images",
        "",
        "No run yet, project `p`, region `r`, endpoint `https://e`.",
    ]
    assert table_form.render(report) == "m: no images\n"


def test_a_task_for_many_entries_names_the_first_few() -> None:
    rows = [
        ReportRow(
            **{**_fields(plain_row(f"k{n}", EntryState.PENDING)), "action": "wait"}
        )
        for n in range(12)
    ]
    report = report_of(rows)
    assert "    k0, k1, k2, k3, k4 and 7 more\n" in table_form.render(report)
    assert "`k8`, `k9` and 2 more\n" in markdown_form.render(report)


@pytest.mark.parametrize("form", [json_form, csv_form, junit_form, joblog_form])
def test_a_long_report_comes_in_pieces_of_which_none_is_long(form: Any) -> None:
    report = report_of([plain_row(f"{n}", EntryState.ACTIVE) for n in range(1_501)])
    pieces = list(form.pieces(report))
    assert "".join(pieces) == form.render(report)
    assert max(map(len, pieces)) < len(form.render(report)) / 2


def test_ten_thousand_images_are_rendered_in_every_form() -> None:
    rows = [
        plain_row(f"{number}", list(EntryState)[number % 7]) for number in range(10_000)
    ]
    report = report_of(rows)
    assert len(json.loads(json_form.render(report))["images"]) == 10_000
    assert csv_form.render(report).count("\r\n") == 10_001
    table, _, _ = table_form.render(report, width=100).partition("\n\n")
    assert len(table.splitlines()) == 10_001
    assert len(markdown_form.render(report)) <= 65_536
