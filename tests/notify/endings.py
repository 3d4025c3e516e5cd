"""Ends of runs, made by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from batch_register.entry import EntryState
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    Target,
)
from batch_register.notify.ending import Ending
from batch_register.report.rows import Report, ReportRow, count

STARTED = datetime(2026, 11, 26, 22, 0, tzinfo=UTC)
FINISHED = datetime(2026, 11, 27, 4, 30, 15, tzinfo=UTC)


def row(number: int, *, reason: str | None = None) -> ReportRow:
    """Return an active image, or one that failed for this reason."""
    fault = reason and Fault(
        kind=FaultKind.REJECTED,
        code="IMG.0057",
        reason=reason,
        action=Action.FIX_SOURCE,
        http_status=400,
        request_id="req-1",
    )
    return ReportRow(
        key=EntryKey(f"web-{number}"),
        name=f"web-{number}",
        image_url="bucket-1:web.qcow2",
        state=EntryState.FAILED if fault else EntryState.ACTIVE,
        image_id=ImageId("image-1"),
        job_id=None,
        attempts=1,
        started_at=None,
        finished_at=None,
        duration_s=None,
        size_bytes=None,
        error=fault or None,
        action=Action.FIX_SOURCE if fault else Action.NONE,
        labels=(),
    )


def report(*rows: ReportRow) -> Report:
    """Return a report over these rows."""
    return Report(
        manifest="wave-07",
        run_id="run-1",
        target=Target(
            endpoint="https://ims.example.com", project_id="p-1", region="eu-de"
        ),
        summary=count(rows),
        images=rows,
    )


def ending(**changes: Any) -> Ending:
    """Return the end of a run in which one of two images failed."""
    fields: dict[str, Any] = {
        "manifest": "wave-07",
        "exit_code": 3,
        "started_at": STARTED,
        "finished_at": FINISHED,
        "report": report(row(1), row(2, reason="The file is empty.")),
    }
    return Ending(**{**fields, **changes})
