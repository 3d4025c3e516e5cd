"""The end of a run in plain text: what chat services and mailboxes get.

Decides: the order (what to do, what went wrong first), how much is shown. Must not know:
addresses, what a service makes of the text. It is plain text, for what one service takes
as markup another one shows.
"""

from __future__ import annotations

from collections.abc import Iterator

from batch_register.notify.ending import Ending, Reason
from batch_register.report.digest import tasks
from batch_register.report.plain import clip, printable
from batch_register.report.rows import Report

_MOST_TROUBLES = 10
_MOST_TASKS = 7
_MOST_KEYS = 5
_MOST_PROBLEMS = 5
_LONGEST_LINE = 300  # cells: services cut at some thousand characters in all


def title(ending: Ending) -> str:
    """Return the subject, one line."""
    mark = "TROUBLE" if ending.is_trouble else "ok"
    return clip(f"[{mark}] {ending.headline}", _LONGEST_LINE)


def text(ending: Ending) -> str:
    """Return the message, some lines; foreign text cannot break out of its line."""
    lines = [f"Exit code {ending.exit_code}: {ending.meaning}."]
    if ending.reason is not None:
        lines += _reason(ending.reason)
    if ending.report is not None:
        lines += [*_to_do(ending.report), *_troubles(ending.report)]
        lines.append(f"Run {ending.report.run_id or 'none'}.")
    return "\n".join(clip(printable(line), _LONGEST_LINE) for line in lines)


def _reason(reason: Reason) -> Iterator[str]:
    yield from reason.message.splitlines()[:_MOST_PROBLEMS]
    for problem in reason.problems[:_MOST_PROBLEMS]:
        entry = f"{problem.entry}: " if problem.entry else ""
        yield f"- line {problem.line}: {entry}{problem.message}"
    if reason.hint:
        yield f"What to do: {reason.hint}"


def _to_do(report: Report) -> Iterator[str]:
    for task in tasks(report)[:_MOST_TASKS]:
        keys = ", ".join(task.keys[:_MOST_KEYS])
        more = len(task.keys) - _MOST_KEYS
        others = f" and {more} more" if more > 0 else ""
        yield f"{task.advice} ({keys}{others})"


def _troubles(report: Report) -> Iterator[str]:
    rows = [row for row in report.images if row.is_in_trouble]
    for row in rows[:_MOST_TROUBLES]:
        why = f", {row.error.sentence()}" if row.error else ""
        yield f"- {row.key} {row.state}{why}"
    if len(rows) > _MOST_TROUBLES:
        yield f"- and {len(rows) - _MOST_TROUBLES} more: see the report"
