"""What refusals and import tasks mean, by table."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from batch_register.errors import ServiceError
from batch_register.glance.verdict import (
    Patience,
    is_dead,
    job_of,
    of_create,
    of_import,
)
from batch_register.glance.wire import ImportTask
from batch_register.model import Action, Fault, FaultKind, JobId, JobStatus

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
    silent_s = None if ago is None else ago.total_seconds()
    return ImportTask(task_id="t-1", status=status, silent_s=silent_s)


SECOND = timedelta(seconds=1)
SILENCE = timedelta(hours=7)
PATIENCE = Patience(silence_s=SILENCE.total_seconds())


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
    assert is_dead(task, PATIENCE) is dead


def test_a_cloud_without_web_download_is_not_the_source_s_fault():
    told = "Unknown import method name 'web-download'."
    fault = of_import(refused(400, FaultKind.REJECTED, told)).fault
    assert (fault.kind, fault.action) == (FaultKind.REJECTED, Action.CONTACT_PROVIDER)


@pytest.mark.parametrize(
    ("resource", "action"),
    [
        ("image_count_uploading", Action.RUN_AGAIN),
        ("image_stage_total", Action.RAISE_QUOTA),
        ("image_size_total", Action.RAISE_QUOTA),
    ],
)
def test_an_import_that_met_a_limit_is_not_the_source_s_fault(resource, action):
    message = FULL.replace("image_count_total", resource)
    task = ImportTask(task_id="t-1", status=JobStatus.FAIL, message=message)
    fault = job_of(task, JOB, PATIENCE).fault
    assert fault is not None
    assert (fault.code, fault.action) == ("import.failed", action)
    assert resource in fault.reason


SEEN_GONE = Patience(silence_s=SILENCE.total_seconds(), outage_ago_s=60.0)


@pytest.mark.parametrize(
    ("task", "dead"),
    [
        (moved(timedelta(seconds=61)), True),
        (moved(timedelta(seconds=61), JobStatus.INIT), True),
        (moved(timedelta(seconds=60)), False),  # in the moment of the outage, or after
        (moved(timedelta(seconds=5)), False),
        (moved(timedelta(seconds=61), JobStatus.SUCCESS), False),
        (moved(None), False),
    ],
)
def test_an_import_that_is_silent_since_before_an_outage_is_dead(task, dead):
    assert is_dead(task, SEEN_GONE) is dead


@given(
    silent_s=st.floats(0, 1e6),
    outage_ago_s=st.none() | st.floats(0, 1e6),
    silence_s=st.floats(1, 1e6),
)
def test_an_outage_only_ever_shortens_the_patience_with_imports_from_before(
    silent_s, outage_ago_s, silence_s
):
    without = Patience(silence_s=silence_s).is_over(silent_s)
    with_outage = Patience(silence_s=silence_s, outage_ago_s=outage_ago_s)
    if outage_ago_s is not None and silent_s > outage_ago_s:
        assert with_outage.is_over(silent_s)
    else:
        assert with_outage.is_over(silent_s) is without


def test_an_import_that_an_outage_ended_says_so():
    job = job_of(moved(timedelta(hours=1)), JOB, SEEN_GONE)
    assert job.status is JobStatus.FAIL
    assert job.fault == Fault(
        kind=FaultKind.UNPROVEN,
        code="import.stalled",
        reason="import task t-1 has given no sign of life since before the image "
        "service was found gone: it ended with it",
        action=Action.RUN_AGAIN,
    )


def test_an_import_under_way_is_a_job_without_a_fault():
    job = job_of(moved(SECOND), JOB, PATIENCE)
    assert (job.job_id, job.status, job.fault) == (JOB, JobStatus.RUNNING, None)


def test_a_dead_import_is_a_failed_job_that_is_worth_another_try():
    job = job_of(moved(SILENCE), JOB, PATIENCE)
    assert job.status is JobStatus.FAIL
    assert job.fault == Fault(
        kind=FaultKind.UNPROVEN,
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
    assert job_of(task, JOB, PATIENCE).fault == Fault(
        kind=FaultKind.JOB_FAILED,
        code="import.failed",
        reason=reason,
        action=Action.FIX_SOURCE,
        request_id="req-1",
    )


def test_a_word_that_nobody_knows_is_passed_on():
    task = ImportTask(task_id="t-1", status=JobStatus.UNRECOGNISED, raw_status="paused")
    job = job_of(task, JOB, PATIENCE)
    assert (job.status, job.raw_status) == (JobStatus.UNRECOGNISED, "paused")
