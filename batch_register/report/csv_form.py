r"""The report as CSV (RFC 4180, UTF-8): the form for a spreadsheet.

Decides: the columns; fixed ones first, then one per label name, in alphabetical order.
Must not know: files.

Two things differ from the bare values. A cell that a spreadsheet would take for a
formula (it begins with = + - @) gets a leading apostrophe (OWASP, "CSV Injection").
Control characters, line breaks among them, are shown as escapes such as \x0a: one
image is one line. The JSON form has every value as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice

from batch_register.report.plain import printable
from batch_register.report.rows import ROWS_PER_PIECE, Report, ReportRow

COLUMNS = (
    "key",
    "name",
    "image_url",
    "state",
    "image_id",
    "job_id",
    "attempts",
    "started_at",
    "finished_at",
    "duration_s",
    "size_bytes",
    "error_kind",
    "error_http_status",
    "error_code",
    "error_reason",
    "error_request_id",
    "action",
    "source_etag",
    "source_size_bytes",
    "upload_sent_bytes",
    "upload_size_bytes",
)
LABEL_PREFIX = "label."
_FORMULA_STARTS = (
    *("=", "+", "-", "@"),
    *("\uff1d", "\uff0b", "\uff0d", "\uff20"),  # the same, full width
)


def render(report: Report) -> str:
    """Return the header and one line per image, each ended by CR LF."""
    return "".join(pieces(report))


def pieces(report: Report) -> Iterator[str]:
    """Yield the same lines, some at a time: of many no two copies exist."""
    lines = cells(report)
    while some := list(islice(lines, ROWS_PER_PIECE)):
        text = io.StringIO(newline="")
        csv.writer(text, dialect="excel").writerows(some)
        yield text.getvalue()


def cells(report: Report) -> Iterator[list[str]]:
    """Yield the cells of every line, the header first."""
    labels = sorted({name for row in report.images for name, _ in row.labels})
    yield [*COLUMNS, *(printable(LABEL_PREFIX + name) for name in labels)]
    for row in report.images:
        worth = dict(row.labels)
        values = (*_values(row), *(worth.get(name) for name in labels))
        yield [_cell(value) for value in values]


def _values(row: ReportRow) -> tuple[str | int | float | None, ...]:
    error, source, upload = row.error, row.source, row.upload
    return (
        row.key,
        row.name,
        row.image_url,
        row.state,
        row.image_id,
        row.job_id,
        row.attempts,
        row.started_at,
        row.finished_at,
        row.duration_s,
        row.size_bytes,
        error.kind if error else None,
        error.http_status if error else None,
        error.code if error else None,
        error.reason if error else None,
        error.request_id if error else None,
        row.action,
        source.etag if source else None,
        source.size_bytes if source else None,
        upload.sent_bytes if upload else None,
        upload.size_bytes if upload else None,
    )


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    text = printable(str(value))
    return f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) else text
