"""What Glance's refusals and import tasks mean for an image.

Decides: which refusals mean something else than their status says, when an import is
dead, and why one failed, in words. Must not know: HTTP, fields of an answer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from batch_register.errors import ServiceError
from batch_register.glance.wire import ImportTask
from batch_register.model import Action, Fault, FaultKind, JobId, JobStatus, JobView

# A Glance that is killed leaves its imports "processing" for ever. Its own rule breaks
# an import's lock after an hour without a sign (`_enforce_import_lock` in its API), but
# a long download gives none either.
LEAST_SILENCE_S: Final = 6 * 3600.0

_TOO_LARGE: Final = 413
_IMAGE_COUNT: Final = re.compile(r"image_count_total\b.*\bover limit", re.DOTALL)
_UNDER_WAY: Final = (JobStatus.INIT, JobStatus.RUNNING)
# All that Glance tells its users of most failures.
_TELLS_NOTHING: Final = "Internal Error"


def of_create(error: ServiceError) -> ServiceError:
    """Return the error of a create: a quota that is reached comes as 413."""
    fault = error.fault
    if fault.http_status == _TOO_LARGE and _IMAGE_COUNT.search(fault.reason):
        error.fault = replace(fault, kind=FaultKind.QUOTA, action=Action.RAISE_QUOTA)
    return error


def of_import(error: ServiceError) -> ServiceError:
    """Return the error of an import: what is refused is mostly the source's address."""
    fault = error.fault
    if fault.http_status == _TOO_LARGE:
        error.fault = replace(fault, action=Action.RAISE_QUOTA)
    elif fault.kind is FaultKind.REJECTED:
        error.fault = replace(fault, action=Action.FIX_SOURCE)
    return error


def is_dead(task: ImportTask | None, now: datetime, silence_s: float) -> bool:
    """Return whether an import will never end well: it failed, or is silent too long.

    Glance puts the image back before it calls the task a failure, so one that still
    shows as imported then was left like that.
    """
    if task is None:
        return False
    return task.status is JobStatus.FAIL or _is_silent(task, now, silence_s)


def _is_silent(task: ImportTask, now: datetime, silence_s: float) -> bool:
    if task.status not in _UNDER_WAY or task.moved_at is None:
        return False
    return (now - task.moved_at).total_seconds() >= silence_s


def job_of(task: ImportTask, job_id: JobId, now: datetime, silence_s: float) -> JobView:
    """Return an import as the job that the engine follows, with its fault if it failed.

    One that has been silent for `silence_s` seconds counts as failed.
    """
    if _is_silent(task, now, silence_s):
        fault = _stalled(task, silence_s)
        return JobView(job_id=job_id, status=JobStatus.FAIL, fault=fault)
    return JobView(
        job_id=job_id,
        status=task.status,
        fault=_failed(task) if task.status is JobStatus.FAIL else None,
        raw_status=task.raw_status,
    )


def _stalled(task: ImportTask, silence_s: float) -> Fault:
    reason = (
        f"import task {task.task_id} has given no sign of life for "
        f"{silence_s / 3600:.0f} hours; the "
        "image service was probably restarted during the import"
    )
    return _fault(task, "import.stalled", reason, Action.RUN_AGAIN)


def _failed(task: ImportTask) -> Fault:
    told = task.message or "no reason is given"
    reason = f"import task {task.task_id}: {told}"
    if not task.message or _TELLS_NOTHING in task.message:
        reason += (
            "; mostly the image service cannot fetch source_url, or the file is not of "
            "the disk_format that the manifest says; its own log has the cause"
        )
    return _fault(task, "import.failed", reason, Action.FIX_SOURCE)


def _fault(task: ImportTask, code: str, reason: str, action: Action) -> Fault:
    return Fault(
        kind=FaultKind.JOB_FAILED,
        code=code,
        reason=reason,
        action=action,
        request_id=task.request_id or None,
    )
