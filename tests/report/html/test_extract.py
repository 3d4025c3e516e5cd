"""Which rows are listed where not all can be."""

from __future__ import annotations

from batch_register.entry import EntryState
from batch_register.report.html.extract import listed
from tests.report.made import plain_row

ROWS = [
    plain_row(f"{number}", state)
    for number, state in enumerate(
        [
            EntryState.ACTIVE,
            EntryState.PENDING,
            EntryState.ACTIVE,
            EntryState.FAILED,
            EntryState.UNKNOWN,
            EntryState.ACTIVE,
        ]
    )
]


def test_few_rows_are_all_listed() -> None:
    assert listed(ROWS, 6) == ROWS


def test_active_ones_are_left_out_first_and_failed_ones_last() -> None:
    assert [row.key for row in listed(ROWS, 4)] == ["0", "1", "3", "4"]
    assert [row.key for row in listed(ROWS, 2)] == ["3", "4"]
