"""CSV and ledger, as pandas and DuckDB read them without being told anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batch_register.report import csv_form, json_form
from batch_register.report.plain import printable
from batch_register.report.rows import Report

pytestmark = pytest.mark.integration


@pytest.fixture
def found(report: Report, all_states, read, tmp_path: Path) -> dict[str, Any]:
    table, ledger = tmp_path / "r.csv", tmp_path / "a.jsonl"
    table.write_bytes(csv_form.render(report).encode())
    ledger.write_bytes(all_states.raw)
    result: dict[str, Any] = read("read_tables", table, ledger)
    return result


def test_figures_and_stamps_get_their_types(found) -> None:
    pandas, duckdb = found["pandas"]["types"], found["duckdb"]["types"]
    assert pandas["attempts"] == "int64"
    assert {pandas["duration_s"], pandas["size_bytes"]} == {"float64"}  # some are empty
    assert pandas["started_at"].startswith("datetime64")
    assert pandas["started_at"].endswith(", UTC]")
    assert (duckdb["attempts"], duckdb["size_bytes"]) == ("BIGINT", "BIGINT")
    assert duckdb["duration_s"] == "DOUBLE"
    assert duckdb["started_at"].startswith("TIMESTAMP")


@pytest.mark.parametrize("reader", ["pandas", "duckdb"])
def test_every_row_is_that_of_the_json_form(reader: str, found, report: Report) -> None:
    """But for what CSV changes: escapes, and an apostrophe before a formula."""
    names = ("key", "name", "image_url", "state", "image_id", "attempts", "size_bytes")
    rows = [{name: row[name] for name in names} for row in found[reader]["rows"]]
    expected = [
        {name: _shown(json_form.image(row)[name]) for name in names}
        for row in report.images
    ]
    assert rows == expected


def _shown(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(("=", "@")) else text


@pytest.mark.parametrize("reader", ["pandas", "duckdb"])
def test_a_ledger_is_a_table_as_it_is(reader: str, found, all_states) -> None:
    assert found["ledger"][reader] == len(all_states.lines)
