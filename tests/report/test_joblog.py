"""The job log: columns, exit values, and commands that a shell may be given."""

from __future__ import annotations

import shlex
from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, strategies as st

from batch_register.engine.outcome import exit_code
from batch_register.entry import EntryState
from batch_register.report import joblog_form
from batch_register.report.joblog_form import EXIT_VALUES
from batch_register.report.plain import printable
from batch_register.report.rows import Report, count
from batch_register.shard import Shard
from tests.report.made import REPORTS, TEXT, plain_row, report_of


@given(REPORTS)
def test_every_line_has_all_columns_and_none_is_empty(report: Report) -> None:
    lines = joblog_form.render(report).split("\n")
    assert lines.pop() == ""
    cells = [line.split("\t") for line in lines]
    assert tuple(cells[0]) == joblog_form.COLUMNS
    assert [row[0] for row in cells[1:]] == [
        str(n + 1) for n in range(len(report.images))
    ]
    assert all(len(row) == len(joblog_form.COLUMNS) and all(row) for row in cells)


@pytest.mark.parametrize("state", EntryState)
def test_an_exit_value_is_that_of_a_run_over_this_image_alone(
    state: EntryState,
) -> None:
    counts = count([plain_row("k", state)])
    assert EXIT_VALUES[state] == exit_code(counts, None, has_moved=True)


def test_what_the_manifest_no_longer_names_is_not_run_again() -> None:
    row = replace(plain_row("k", EntryState.FAILED), is_removed=True)
    line = joblog_form.render(report_of([row])).splitlines()[1]
    assert line.split("\t")[6] == "0"


def test_times_are_seconds_since_1970_and_zero_where_nothing_began() -> None:
    row = replace(
        plain_row("k", EntryState.ACTIVE),
        started_at="2026-03-01T00:00:01.500Z",
        duration_s=12.25,
    )
    lines = joblog_form.render(report_of([row, plain_row("l", EntryState.PENDING)]))
    times = [line.split("\t")[2:4] for line in lines.splitlines()[1:]]
    assert times == [["1772323201.500", "    12.250"], ["0.000", "     0.000"]]


@given(key=TEXT.filter(bool), manifest=st.text("a-;$`'\" ", min_size=1))
def test_a_command_selects_this_image_alone_whatever_its_key(
    key: str, manifest: str
) -> None:
    command = joblog_form.command(manifest, plain_row(key, EntryState.FAILED))
    program, verb, only, end, path = shlex.split(command)
    assert (program, verb, end) == ("batch-register", "run", "--")
    assert path == f"{manifest}.yaml"
    pattern = only.removeprefix("--select=")
    assert fnmatchcase(printable(key), pattern)
    assert not fnmatchcase(f"{printable(key)}x", pattern)


def test_an_image_of_a_shard_is_run_with_the_shards_own_ledger() -> None:
    row = replace(plain_row("web-01", EntryState.FAILED), shard=Shard(index=2, count=4))
    line = joblog_form.render(report_of([row])).splitlines()[1]
    manifest = report_of([row]).manifest
    assert line.split("\t")[-1] == (
        f"batch-register run --select=web-01 --shard=2/4 -- {manifest}.yaml"
    )
