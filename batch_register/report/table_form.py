"""The report as a plain table: the form for a terminal.

Decides: columns, their widths, what is cut where the terminal is narrow. Must not know:
files, colours, which terminal. The gist stands last, where a long table leaves the eye.
"""

from __future__ import annotations

import textwrap

from batch_register.report.digest import headline, tasks
from batch_register.report.plain import (
    clip,
    duration_words,
    pad,
    printable,
    size_words,
    width_of,
)
from batch_register.report.rows import Report, ReportRow

_HEADER = ("KEY", "STATE", "SIZE", "TIME", "TRIES", "ACTION", "WHY")
_GAP = "  "
_LEAST_KEY = 12  # cells; below this a key says nothing
_LEAST_WHY = 20
_SPARE = ("TRIES", "SIZE", "TIME")  # left out first where there is no room
_LEAST_FOLD = 20  # cells; below this a sentence is harder to read than one that wraps
_SHOWN_KEYS = 5  # of one task


def render(report: Report, *, width: int | None = None) -> str:
    """Return the table, then the gist; `width` in cells, None for as wide as it gets."""
    table = "\n".join([*_table(report, width), "", ""]) if report.images else ""
    return table + gist(report, width=width)


def gist(report: Report, *, width: int | None = None) -> str:
    """Return what a long table comes to: the counts, and who has to do what."""
    lines = [f"{printable(report.title)}: {headline(report)}"]
    if len(report.origins) > 1:
        lines.append(f"  merged from {len(report.origins)} ledgers")
    for task in tasks(report):
        keys = ", ".join(printable(key) for key in task.keys[:_SHOWN_KEYS])
        rest = len(task.keys) - _SHOWN_KEYS
        more = f" and {rest} more" if rest > 0 else ""
        lines.append(f"  {task.action} ({len(task.keys)}): {task.advice}")
        lines.append(f"    {keys}{more}")
    lines += [f"note: {printable(note)}" for note in report.notes]
    if width is not None:
        lines = [part for line in lines for part in _folded(line, width)]
    return "\n".join(lines) + "\n"


def _folded(line: str, width: int) -> list[str]:
    """Return a line as several, broken between words; a long word stays whole."""
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    folded = textwrap.wrap(
        line,
        max(width, _LEAST_FOLD),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return folded or [line]


def _table(report: Report, width: int | None) -> list[str]:
    rows = [_HEADER, *(_cells(row) for row in report.images)]
    widths = [
        max(width_of(cells[column]) for cells in rows) for column in range(len(_HEADER))
    ]
    shown = list(range(len(_HEADER)))
    if width is not None:
        shown = _shown(widths, width)
        widths = _fit(widths, shown, width)
    return [_line(cells, widths, shown) for cells in rows]


def _cells(row: ReportRow) -> tuple[str, ...]:
    return (
        printable(row.key),
        row.state,
        size_words(row.size_bytes),
        duration_words(row.duration_s),
        str(row.attempts),
        row.action,
        _why(row),
    )


def _why(row: ReportRow) -> str:
    """Return the reason, with the id to quote, or what else is worth a remark."""
    remarks = []
    if row.error is not None:
        remarks.append(printable(row.error.sentence()))
    if row.upload is not None:
        remarks.append(row.upload.sentence())
    if row.is_removed:
        remarks.append("no longer in the manifest")
    elif row.is_skipped:
        remarks.append("before this run")
    return "; ".join(remarks)


def _shown(widths: list[int], width: int) -> list[int]:
    """Return the columns that are shown: on a narrow terminal figures give way."""
    shown = list(range(len(_HEADER)))
    for title in _SPARE:
        if _room(widths, shown, width) >= _LEAST_KEY + _LEAST_WHY:
            break
        shown.remove(_HEADER.index(title))
    return shown


def _room(widths: list[int], shown: list[int], width: int) -> int:
    """Return how many cells are left for key and reason together."""
    middle = sum(widths[column] for column in shown[1:-1])
    return width - middle - len(_GAP) * (len(shown) - 1)


def _fit(widths: list[int], shown: list[int], width: int) -> list[int]:
    """Return widths that fit: the reason gives way first, then the key."""
    key, *middle, why = widths
    room = _room(widths, shown, width)
    key = min(key, max(_LEAST_KEY, room - min(why, _LEAST_WHY)))
    return [key, *middle, min(why, max(_LEAST_WHY, room - key))]


def _line(cells: tuple[str, ...], widths: list[int], shown: list[int]) -> str:
    fitted = (
        pad(clip(cells[column], widths[column]), widths[column]) for column in shown
    )
    return _GAP.join(fitted).rstrip()
