"""The end of a run as a JSON document, version 1: what webhooks get.

Decides: names and order of the fields, additive changes only, and what is left out to
keep the whole within `LIMIT_BYTES`. Must not know: addresses, signatures. Everything
beyond ASCII is escaped, so that no text breaks an encoding.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

from batch_register import __version__
from batch_register.notify.ending import Ending, Reason
from batch_register.report.advice import advice
from batch_register.report.digest import Task, tasks
from batch_register.report.rows import Report, ReportRow

DOCUMENT_VERSION = 1
LIMIT_BYTES = 64 * 1024  # a page or two; the report has the rest
MOST_TROUBLES = 50
_MOST_TASKS = 20
_MOST_KEYS = 10  # of one task
_MOST_PROBLEMS = 10  # of a manifest
_LONGEST_TEXT = 1000  # characters of one text

JsonObject = dict[str, object]


def body(ending: Ending, *, delivery_id: str) -> bytes:
    """Return the document in UTF-8, at most `LIMIT_BYTES`.

    `delivery_id` is the same for every try and every address.
    """
    troubles = [_trouble(row) for row in _rows_in_trouble(ending.report)]
    shown = troubles[:MOST_TROUBLES]
    document = _head(ending, delivery_id)
    while True:
        left_out = len(troubles) - len(shown)
        whole = {**document, "troubles": shown, "troubles_left_out": left_out}
        text = json.dumps(whole).encode()
        if len(text) <= LIMIT_BYTES or not shown:
            return text
        shown = shown[: len(shown) // 2]


def _head(ending: Ending, delivery_id: str) -> JsonObject:
    report = ending.report
    return {
        "version": DOCUMENT_VERSION,
        "event": "run.finished",
        "id": delivery_id,
        "tool": f"batch-register {__version__}",
        "manifest": _clipped(ending.manifest),
        "shard": None if ending.shard is None else str(ending.shard),
        "run_id": report.run_id if report else None,
        "is_rehearsal": ending.is_rehearsal,
        "target": asdict(report.target) if report else None,
        "exit_code": ending.exit_code,
        "meaning": ending.meaning,
        "is_trouble": ending.is_trouble,
        "headline": _clipped(ending.headline),
        "started_at": _stamp(ending.started_at),
        "finished_at": _stamp(ending.finished_at),
        "summary": asdict(report.summary) if report else None,
        "error": _error(ending.reason) if ending.reason else None,
        "to_do": [_to_do(task) for task in tasks(report)[:_MOST_TASKS]]
        if report
        else [],
    }


def _rows_in_trouble(report: Report | None) -> list[ReportRow]:
    return [row for row in report.images if row.is_in_trouble] if report else []


def _trouble(row: ReportRow) -> JsonObject:
    error = row.error
    return {
        "key": _clipped(row.key),
        "name": _clipped(row.name),
        "state": row.state,
        "code": _clipped(error.code) if error else None,
        "reason": _clipped(error.reason) if error else None,
        "http_status": error.http_status if error else None,
        "request_id": _clipped(error.request_id or "") or None if error else None,
        "image_id": row.image_id,
        "action": row.action,
        "advice": advice(row.action, error),
    }


def _to_do(task: Task) -> JsonObject:
    return {
        "action": task.action,
        "advice": task.advice,
        "entries": len(task.keys),
        "first_keys": [_clipped(key) for key in task.keys[:_MOST_KEYS]],
    }


def _error(reason: Reason) -> JsonObject:
    problems = reason.problems[:_MOST_PROBLEMS]
    return {
        "reference": reason.reference,
        "message": _clipped(reason.message),
        "hint": _clipped(reason.hint),
        "problems": [
            {
                "line": problem.line,
                "column": problem.column,
                "entry": _clipped(problem.entry),
                "message": _clipped(problem.message),
            }
            for problem in problems
        ],
    }


def _clipped(text: str) -> str:
    if len(text) <= _LONGEST_TEXT:
        return text
    return text[: _LONGEST_TEXT - 1] + "…"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
