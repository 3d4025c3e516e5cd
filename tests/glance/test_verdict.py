"""What refusals and import tasks mean, by table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from batch_register.errors import ServiceError
from batch_register.glance.verdict import is_dead, job_of, of_create, of_import
from batch_register.glance.wire import ImportTask
from batch_register.model import Action, Fault, FaultKind, JobId, JobStatus

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
JOB = JobId("4f6c2a10-0b7e-4a53-9a51-8d2f0c1e7b11")
FULL = (
    "The request returned a 413 Request Entity Too Large. The response body:\n"
    "Project p is over a limit for [Resource image_count_total is over limit of 10 due "
    "to current usage 10 and delta 1]"
)


def refused(status: int, kind: FaultKind, reason: str = "no") -> ServiceError:
    fault = Fault(
        kind=kind,
        code=f"http.{status}",
        reason=reason,
        action=Action.FIX_MANIFEST,
        http_status=status,
    )
    return ServiceError("test", fault)


@pytest.mark.parametrize(
    ("status", "reason", "kind", "action"),
    [
        (413, FULL, FaultKind.QUOTA, Action.RAISE_QUOTA),
        (413, "too many properties", FaultKind.REJECTED, Action.FIX_MANIFEST),
        (400, FULL, FaultKind.REJECTED, Action.FIX_MANIFEST),
    ],
)
def test_a_create_beyond_the_limit_of_images_has_met_the_quota(
    status, reason, kind, action
):
    fault = of_create(refused(status, FaultKind.REJECTED, reason)).fault
    assert (fault.kind, fault.action, fault.reason) == (kind, action, reason)


@pytest.mark.parametrize(
    ("status", "kind", "action"),
    [
        (400, FaultKind.REJECTED, Action.FIX_SOURCE),
        (413, FaultKind.REJECTED, Action.RAISE_QUOTA),
        (403, FaultKind.FORBIDDEN, Action.FIX_MANIFEST),
        (409, FaultKind.CONFLICT, Action.FIX_MANIFEST),
    ],
)
def test_an_import_that_is_refused_says_who_must_act(status, kind, action):
    fault = of_import(refused(status, kind)).fault
    assert (fault.kind, fault.action) == (kind, action)


def moved(ago: timedelta | None, status: JobStatus = JobStatus.RUNNING) -> ImportTask:
    moved_at = None if ago is None else NOW - ago
    return ImportTask(task_id="t-1", status=status, moved_at=moved_at)


SECOND = timedelta(seconds=1)
SILENCE = timedelta(hours=7)
SILENCE_S = SILENCE.total_seconds()


@pytest.mark.parametrize(
    ("task", "dead"),
    [
        (moved(SILENCE), True),
        (moved(SILENCE, JobStatus.INIT), True),
        (moved(SILENCE - SECOND), False),
        (moved(-SECOND), False),
        (moved(None), False),
        (moved(SILENCE, JobStatus.SUCCESS), False),
        (moved(SECOND, JobStatus.FAIL), True),
        (moved(SILENCE, JobStatus.UNRECOGNISED), False),
        (None, False),
    ],
)
def test_an_import_is_dead_after_its_failure_or_a_long_silence(task, dead):
    assert is_dead(task, NOW, SILENCE_S) is dead


def test_an_import_under_way_is_a_job_without_a_fault():
    job = job_of(moved(SECOND), JOB, NOW, SILENCE_S)
    assert (job.job_id, job.status, job.fault) == (JOB, JobStatus.RUNNING, None)


def test_a_dead_import_is_a_failed_job_that_is_worth_another_try():
    job = job_of(moved(SILENCE), JOB, NOW, SILENCE_S)
    assert job.status is JobStatus.FAIL
    assert job.fault == Fault(
        kind=FaultKind.JOB_FAILED,
        code="import.stalled",
        reason="import task t-1 has given no sign of life for 7 hours; the image "
        "service was probably restarted during the import",
        action=Action.RUN_AGAIN,
    )


GUESS = (
    "; mostly the image service cannot fetch source_url, or the file is not of the "
    "disk_format that the manifest says; its own log has the cause"
)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", f"import task t-1: no reason is given{GUESS}"),
        (
            "Task failed due to Internal Error",
            f"import task t-1: Task failed due to Internal Error{GUESS}",
        ),
        ("Error: disk full", "import task t-1: Error: disk full"),
    ],
)
def test_a_failed_import_tells_its_reason_or_the_usual_ones(message, reason):
    task = ImportTask(
        task_id="t-1", status=JobStatus.FAIL, message=message, request_id="req-1"
    )
    assert job_of(task, JOB, NOW, SILENCE_S).fault == Fault(
        kind=FaultKind.JOB_FAILED,
        code="import.failed",
        reason=reason,
        action=Action.FIX_SOURCE,
        request_id="req-1",
    )


def test_a_word_that_nobody_knows_is_passed_on():
    task = ImportTask(task_id="t-1", status=JobStatus.UNRECOGNISED, raw_status="paused")
    job = job_of(task, JOB, NOW, SILENCE_S)
    assert (job.status, job.raw_status) == (JobStatus.UNRECOGNISED, "paused")
