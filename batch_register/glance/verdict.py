"""What Glance's refusals and import tasks mean for an image.

Decides: which refusals mean something else than their status says, when an import is
dead, and why one failed, in words. Must not know: HTTP, fields of an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
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
_OVER_LIMIT: Final = re.compile(r"Resource (\w+) is over limit")
_AT_ONCE: Final = "image_count_uploading"  # how many imports there may be at once
_NO_METHOD: Final = "Unknown import method name"
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
    elif fault.kind is FaultKind.REJECTED and _NO_METHOD in fault.reason:
        error.fault = replace(fault, action=Action.CONTACT_PROVIDER)
    elif fault.kind is FaultKind.REJECTED:
        error.fault = replace(fault, action=Action.FIX_SOURCE)
    return error


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an import may be silent until it counts as dead, in seconds.

    `outage_ago_s`: how long ago the service was found gone; None: never. An import that
    has been silent since before that died with the process that ran it. Where it did
    not (another node ran it), one download is made twice, and only once for an outage.
    """

    silence_s: float = LEAST_SILENCE_S
    outage_ago_s: float | None = None

    def is_over(self, silent_s: float) -> bool:
        """Return whether an import that is silent for so long counts as dead."""
        return silent_s >= self.silence_s or self.is_since_outage(silent_s)

    def is_since_outage(self, silent_s: float) -> bool:
        """Return whether it is silent since before the outage."""
        return self.outage_ago_s is not None and silent_s > self.outage_ago_s


def is_dead(task: ImportTask | None, patience: Patience) -> bool:
    """Return whether an import will never end well: it failed, or is silent too long.

    Glance puts the image back before it calls the task a failure, so one that still
    shows as imported then was left like that.
    """
    if task is None:
        return False
    return task.status is JobStatus.FAIL or _is_silent(task, patience)


def _is_silent(task: ImportTask, patience: Patience) -> bool:
    if task.status not in _UNDER_WAY or task.silent_s is None:
        return False
    return patience.is_over(task.silent_s)


def job_of(task: ImportTask, job_id: JobId, patience: Patience) -> JobView:
    """Return an import as the job that the engine follows, with its fault if it failed.

    One that has been silent for too long counts as failed.
    """
    if _is_silent(task, patience):
        fault = _stalled(task, patience)
        return JobView(job_id=job_id, status=JobStatus.FAIL, fault=fault)
    return JobView(
        job_id=job_id,
        status=task.status,
        fault=_failed(task) if task.status is JobStatus.FAIL else None,
        raw_status=task.raw_status,
    )


def _stalled(task: ImportTask, patience: Patience) -> Fault:
    reason = f"import task {task.task_id} has given no sign of life "
    if patience.is_since_outage(task.silent_s or 0.0):
        reason += "since before the image service was found gone: it ended with it"
    else:
        reason += (
            f"for {patience.silence_s / 3600:.0f} hours; the "
            "image service was probably restarted during the import"
        )
    # not proven dead: so its image is never kept beside a fresh one (`--keep-failed`)
    fault = _fault(task, "import.stalled", reason, Action.RUN_AGAIN)
    return replace(fault, kind=FaultKind.UNPROVEN)


def _failed(task: ImportTask) -> Fault:
    told = task.message or "no reason is given"
    reason = f"import task {task.task_id}: {told}"
    if not task.message or _TELLS_NOTHING in task.message:
        reason += (
            "; mostly the image service cannot fetch source_url, or the file is not of "
            "the disk_format that the manifest says; its own log has the cause"
        )
    return _fault(task, "import.failed", reason, _who_acts(task.message))


def _who_acts(message: str) -> Action:
    """Return what is to be done about a failed import: a limit is not the source's fault.

    Glance looks at its limits of staging and of imports at once only after it has
    accepted the import ("Per-Project Quotas" of its administrator's guide).
    """
    over = _OVER_LIMIT.search(message)
    if over is None:
        return Action.FIX_SOURCE
    return Action.RUN_AGAIN if over[1] == _AT_ONCE else Action.RAISE_QUOTA


def _fault(task: ImportTask, code: str, reason: str, action: Action) -> Fault:
    return Fault(
        kind=FaultKind.JOB_FAILED,
        code=code,
        reason=reason,
        action=action,
        request_id=task.request_id or None,
    )
