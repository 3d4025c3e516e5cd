"""The report as Markdown: the form for a ticket.

Decides: the order (gist, what to do, what went wrong, all images), how much of what went
well is left out. Must not know: files.

All foreign text stands in code spans: there it cannot become markup, a mention, an issue
reference or HTML (GitHub Flavored Markdown Spec, "Code spans" and "Tables").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from batch_register.entry import EntryState
from batch_register.report.advice import advice
from batch_register.report.digest import by_state, headline, tasks
from batch_register.report.plain import duration_words, printable, size_words
from batch_register.report.rows import Report, ReportRow

MOST_ACTIVE_ROWS = 200
_SHOWN_KEYS = 10  # of one task
_BACKTICKS = re.compile("`+")


def render(report: Report) -> str:
    """Return the document; of active images at most `MOST_ACTIVE_ROWS` are listed."""
    sections = (_gist(report), _to_do(report), _troubles(report), _images(report))
    return "\n".join(line for section in sections for line in section)


def _gist(report: Report) -> Iterator[str]:
    target, summary = report.target, report.summary
    run = f"Run {_code(report.run_id)}" if report.run_id else "No run yet"
    yield f"# {_code(report.manifest)}: {headline(report)}"
    yield ""
    yield (
        f"{run}, project {_code(target.project_id)}, region {_code(target.region)}, "
        f"endpoint {_code(target.endpoint)}."
    )
    yield ""
    counts = (("total", summary.total), ("active", summary.active), *by_state(summary))
    yield from _table(
        [name for name, _ in counts], [[str(number) for _, number in counts]]
    )
    for note in report.notes:
        yield f"- Note: {_code(note)}"
    if report.notes:
        yield ""


def _to_do(report: Report) -> Iterator[str]:
    groups = tasks(report)
    if not groups:
        return
    yield "## What to do"
    yield ""
    for task in groups:
        keys = ", ".join(_code(key) for key in task.keys[:_SHOWN_KEYS])
        rest = len(task.keys) - _SHOWN_KEYS
        more = f" and {rest} more" if rest > 0 else ""
        yield f"- **{task.action}** ({len(task.keys)}): {task.advice} {keys}{more}"
    yield ""


def _troubles(report: Report) -> Iterator[str]:
    rows = [row for row in report.images if row.is_in_trouble]
    if not rows:
        return
    yield "## What went wrong"
    yield ""
    yield from _table(
        ("key", "state", "code", "reason", "request id", "advice"),
        (_trouble(row) for row in rows),
    )


def _trouble(row: ReportRow) -> list[str]:
    error = row.error
    status = f" (HTTP {error.http_status})" if error and error.http_status else ""
    return [
        _cell(row.key),
        row.state,
        (_cell(error.code) if error else "") + status,
        _cell(error.reason) if error else "",
        _cell(error.request_id) if error else "",
        advice(row.action, error),
    ]


def _images(report: Report) -> Iterator[str]:
    if not report.images:
        return
    active = [row for row in report.images if row.state is EntryState.ACTIVE]
    left_out = {row.key for row in active[MOST_ACTIVE_ROWS:]}
    yield "## Images"
    yield ""
    yield from _table(
        ("key", "state", "image id", "size", "time", "tries", "action", "source"),
        (_image(row) for row in report.images if row.key not in left_out),
    )
    if left_out:
        yield (
            f"{len(left_out)} more active images are left out here; the JSON and CSV "
            "forms list every image."
        )
        yield ""


def _image(row: ReportRow) -> list[str]:
    return [
        _cell(row.key) + (" (no longer in the manifest)" if row.is_removed else ""),
        row.state + (" (before this run)" if row.is_skipped else ""),
        _cell(row.image_id),
        size_words(row.size_bytes),
        duration_words(row.duration_s),
        str(row.attempts),
        row.action,
        _cell(row.image_url),
    ]


def _table(header: Iterable[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """Yield a table and the empty line after it; cells are escaped already."""
    names = list(header)
    yield f"| {' | '.join(names)} |"
    yield f"|{' --- |' * len(names)}"
    for cells in rows:
        yield f"| {' | '.join(cells)} |"
    yield ""


def _code(text: str) -> str:
    """Return foreign text as a code span, fenced by more backticks than it has."""
    shown = printable(text)
    if not shown.strip():
        return ""
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(shown)), default=0))
    gap = " " if len(fence) > 1 else ""
    return f"{fence}{gap}{shown}{gap}{fence}"


def _cell(text: str | None) -> str:
    """Return foreign text as a code span that cannot end its table cell.

    A bar is escaped by a backslash even in a code span. Readers do not agree on what a
    backslash before that means, so there the bar is shown by its number.
    """
    if not text:
        return ""
    return _code(text).replace("\\|", "\\\\x7c").replace("|", "\\|")
