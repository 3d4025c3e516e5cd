"""The reason of a failed job is found wherever the service put it."""

from __future__ import annotations

import pytest

from batch_register.ims.jobfault import job_fault
from batch_register.model import Action, Fault, FaultKind

NO_REASON = "the job failed; no reason is given"


def failed(code: str, reason: str, action: Action) -> Fault:
    return Fault(kind=FaultKind.JOB_FAILED, code=code, reason=reason, action=action)


CASES = {
    "at the top": (
        {"error_code": "IMG.0057", "fail_reason": "unreadable"},
        failed("IMG.0057", "unreadable", Action.FIX_SOURCE),
    ),
    "the top wins": (
        {
            "error_code": "IMG.0057",
            "fail_reason": "unreadable",
            "entities": {"error_code": "IMG.0015", "error": "full"},
        },
        failed("IMG.0057", "unreadable", Action.FIX_SOURCE),
    ),
    "in entities": (
        {"error_code": None, "entities": {"error_code": "IMG.0015", "error": "full"}},
        failed("IMG.0015", "full", Action.RAISE_QUOTA),
    ),
    "in entities, in the words of the top": (
        {"entities": {"error_code": "IMG.0015", "fail_reason": "full"}},
        failed("IMG.0015", "full", Action.RAISE_QUOTA),
    ),
    "in addition": (
        {"entities": {"addition_error_code": "IMG.1075", "addition_error_msg": "no"}},
        failed("IMG.1075", "no", Action.RUN_AGAIN),
    ),
    "in a sub-job": (
        {
            "entities": {
                "sub_jobs_result": [
                    "junk",
                    {"status": "SUCCESS", "error_code": None},
                    {"status": "FAIL", "error_code": "IMG.0059", "fail_reason": "big"},
                ]
            }
        },
        failed("IMG.0059", "big", Action.FIX_SOURCE),
    ),
    "a reason here, a code there": (
        {"fail_reason": "broken", "entities": {"error_code": "IMG.0072"}},
        failed("IMG.0072", "broken", Action.FIX_SOURCE),
    ),
    "nowhere": ({}, failed("job.failed", NO_REASON, Action.CONTACT_PROVIDER)),
    "null everywhere": (
        {"error_code": None, "fail_reason": None, "entities": None},
        failed("job.failed", NO_REASON, Action.CONTACT_PROVIDER),
    ),
    "other types": (
        {"error_code": 57, "fail_reason": [], "entities": {"sub_jobs_result": {}}},
        failed("job.failed", NO_REASON, Action.CONTACT_PROVIDER),
    ),
    "control characters": (
        {"error_code": "X\x1b" + "y" * 80, "fail_reason": "a\nb\x07" + "c" * 400},
        failed(
            "X\\x1b" + "y" * 58 + "…",
            "a b\\x07" + "c" * 292 + "…",
            Action.CONTACT_PROVIDER,
        ),
    ),
}


def test_only_the_first_hundred_sub_jobs_are_read():
    def code(place: int) -> str:
        jobs: list[dict[str, str]] = [{}] * place + [{"error_code": "IMG.0059"}]
        return job_fault({"entities": {"sub_jobs_result": jobs}}).code

    assert (code(99), code(100)) == ("IMG.0059", "job.failed")


@pytest.mark.parametrize(("data", "fault"), CASES.values(), ids=CASES)
def test_the_first_code_and_the_first_reason_count(data, fault):
    assert job_fault(data) == fault


@pytest.mark.fault(37)
def test_credentials_that_a_job_repeats_are_masked_in_code_and_reason():
    data = {"error_code": "IMG.hush-hush", "fail_reason": "you sent hush-hush"}
    fault = job_fault(data, iter(["hush-hush"]))
    assert (fault.code, fault.reason) == ("IMG.***", "you sent ***")
