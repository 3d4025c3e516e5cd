"""The report as Markdown: the form for a ticket.

Decides: the order (gist, what to do, what went wrong, the other images folded), and how
much of it a ticket takes. Must not know: files.

GitHub refuses an issue of more than 65,536 characters, so each list is cut at a size, with
a line that says how many are left out and where they are. What went wrong comes first and
in full as far as it goes; of the others those that are not active come before the active.

All foreign text stands in code spans: there it cannot become markup, a mention, an issue
reference or HTML (GitHub Flavored Markdown Spec, "Code spans" and "Tables").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from batch_register.entry import EntryState
from batch_register.report.digest import by_state, headline, tasks
from batch_register.report.plain import duration_words, printable, size_words
from batch_register.report.rows import Report, ReportRow

# Characters; the whole stays below the 65,536 of a GitHub issue.
MOST_OF_NOTES = 4_000
MOST_OF_TASKS = 16_000
MOST_OF_TROUBLES = 24_000
MOST_OF_IMAGES = 16_000
_SHOWN_KEYS = 10  # of one task
_BACKTICKS = re.compile("`+")


def render(report: Report) -> str:
    """Return the document, in at most 65,536 characters."""
    sections = (_gist(report), _to_do(report), _troubles(report), _images(report))
    return "\n".join(line for section in sections for line in section)


def _gist(report: Report) -> Iterator[str]:
    target, summary = report.target, report.summary
    run = f"Run {_code(report.run_id)}" if report.run_id else "No run yet"
    if report.run_id and len(report.origins) > 1:
        run = f"Merged from {len(report.origins)} ledgers, latest run {_code(report.run_id)}"
    yield f"# {_code(report.title)}: {headline(report)}"
    yield ""
    yield (
        f"{run}, project {_code(target.project_id)}, region {_code(target.region)}, "
        f"endpoint {_code(target.endpoint)}."
    )
    yield ""
    counts = (("total", summary.total), ("active", summary.active), *by_state(summary))
    figures = _row(str(number) for _, number in counts)
    yield from _table([name for name, _ in counts], [figures])
    if report.notes:
        notes = [f"- Note: {_code(note)}" for note in report.notes]
        yield from _cut(notes, MOST_OF_NOTES, "notes")


def _to_do(report: Report) -> Iterator[str]:
    groups = tasks(report)
    if not groups:
        return
    yield "## What to do"
    yield ""
    lines = []
    for task in groups:
        keys = ", ".join(_code(key) for key in task.keys[:_SHOWN_KEYS])
        rest = len(task.keys) - _SHOWN_KEYS
        more = f" and {rest} more" if rest > 0 else ""
        lines.append(
            f"- **{task.action}** ({len(task.keys)}): {task.advice} {keys}{more}"
        )
    yield from _cut(lines, MOST_OF_TASKS, "things to do")


def _troubles(report: Report) -> Iterator[str]:
    rows = [row for row in report.images if row.is_in_trouble]
    if not rows:
        return
    yield "## What went wrong"
    yield ""
    yield from _cut_table(
        (
            "key",
            "state",
            "code",
            "reason",
            "request id",
            "action",
            "image id",
            "source",
        ),
        map(_trouble, rows),
        len(rows),
        MOST_OF_TROUBLES,
        "images that went wrong",
    )


def _trouble(row: ReportRow) -> list[str]:
    error = row.error
    status = f" (HTTP {error.http_status})" if error and error.http_status else ""
    return [
        _key(row),
        _state(row),
        (_cell(error.code) if error else "") + status,
        _cell(error.reason) if error else "",
        _cell(error.request_id) if error else "",
        row.action,
        _cell(row.image_id),
        _cell(row.image_url),
    ]


def _images(report: Report) -> Iterator[str]:
    """Yield what did not go wrong, folded where the reader of the ticket can fold."""
    rows = [row for row in report.images if not row.is_in_trouble]
    if not rows:
        return
    rows.sort(key=lambda row: row.state is EntryState.ACTIVE)
    yield "<details>"
    yield f"<summary>{_which(len(rows), len(report.images))}</summary>"
    yield ""
    yield from _cut_table(
        ("key", "state", "image id", "size", "time", "tries", "action", "source"),
        map(_image, rows),
        len(rows),
        MOST_OF_IMAGES,
        "images",
    )
    yield "</details>"
    yield ""


def _image(row: ReportRow) -> list[str]:
    return [
        _key(row),
        _state(row),
        _cell(row.image_id),
        size_words(row.size_bytes),
        duration_words(row.duration_s),
        str(row.attempts),
        row.action,
        _cell(row.image_url),
    ]


def _state(row: ReportRow) -> str:
    remark = row.upload.sentence() if row.upload else ""
    if row.is_skipped:
        remark = "before this run"
    return f"{row.state} ({remark})" if remark else row.state


def _key(row: ReportRow) -> str:
    return _cell(row.key) + (" (no longer in the manifest)" if row.is_removed else "")


def _which(shown: int, total: int) -> str:
    images = "image" if shown == 1 else "images"
    return f"{'All' if shown == total else 'The other'} {shown} {images}"


def _cut_table(
    header: Sequence[str], rows: Iterable[list[str]], total: int, most: int, what: str
) -> Iterator[str]:
    """Yield a table of as many rows as `most` characters hold, then what is missing."""
    lines = _fitting(map(_row, rows), most)
    yield from _table(header, lines)
    if len(lines) < total:
        yield _missing(total - len(lines), what, "the JSON and CSV forms list")
        yield ""


def _cut(lines: Sequence[str], most: int, what: str) -> Iterator[str]:
    """Yield as many lines as `most` characters hold, then how many are missing."""
    shown = _fitting(lines, most)
    yield from shown
    yield ""
    if len(shown) < len(lines):
        yield _missing(len(lines) - len(shown), what, "the table form lists")
        yield ""


def _fitting(lines: Iterable[str], most: int) -> list[str]:
    """Return the first lines, as far as `most` characters hold them and their breaks."""
    shown = []
    for line in lines:
        most -= len(line) + 1
        if most < 0:
            break
        shown.append(line)
    return shown


def _missing(number: int, what: str, where: str) -> str:
    return f"{number} more {what} are left out here; {where} all."


def _table(header: Sequence[str], lines: Iterable[str]) -> Iterator[str]:
    """Yield a table and the empty line after it."""
    yield _row(header)
    yield f"|{' --- |' * len(header)}"
    yield from lines
    yield ""


def _row(cells: Iterable[str]) -> str:
    """Return one line of a table; cells are escaped already."""
    return f"| {' | '.join(cells)} |"


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
