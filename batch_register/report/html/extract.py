"""Which rows a page lists where it cannot list them all.

Decides: how many, and who goes first. Must not know: markup, why a row stands where it
does.
"""

from __future__ import annotations

from collections.abc import Sequence

from batch_register.entry import EntryState
from batch_register.report.rows import ReportRow

MOST_ROWS = 10_000
MOST_TROUBLES = 3_000


def listed(rows: Sequence[ReportRow], most: int = MOST_ROWS) -> list[ReportRow]:
    """Return at most so many rows in their order: trouble first, then all not active."""
    if len(rows) <= most:
        return list(rows)
    ranked = sorted(range(len(rows)), key=lambda number: _rank(rows[number]))
    return [rows[number] for number in sorted(ranked[:most])]


def _rank(row: ReportRow) -> int:
    if row.is_in_trouble:
        return 0
    return 2 if row.state is EntryState.ACTIVE else 1
