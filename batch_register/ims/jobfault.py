"""Why a job failed, wherever its answer says so.

Decides: the order in which the places for a code and a reason are read. Must not know:
the rest of a job's answer, HTTP.

Source: "Querying the Status of an Asynchronous Job" names two places, the top level and
`entities`; the service's own client library knows the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from batch_register.ims.codes import OwnCode, action_for_failed_job
from batch_register.model import Fault, FaultKind
from batch_register.transport.text import plain_text

_CODE_LIMIT = 64  # characters
_SUB_JOBS_READ = 100


def job_fault(data: Mapping[str, object], secrets: Iterable[str] = ()) -> Fault:
    """Return the fault of a failed job: the first code and the first reason given.

    What either repeats of our secrets is masked.
    """
    known = tuple(secrets)
    told = [
        (
            plain_text(code, limit=_CODE_LIMIT, secrets=known),
            plain_text(reason, secrets=known),
        )
        for code, reason in _told(data)
    ]
    code = next((code for code, _ in told if code), str(OwnCode.JOB_FAILED))
    reason = next(
        (reason for _, reason in told if reason), "the job failed; no reason is given"
    )
    action = action_for_failed_job(code)
    return Fault(kind=FaultKind.JOB_FAILED, code=code, reason=reason, action=action)


def _told(data: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield a code and a reason from every place, empty where it is silent."""
    yield _words(data, "error_code", "fail_reason")
    entities = data.get("entities")
    if not isinstance(entities, dict):
        return
    yield _words(entities, "error_code", "error")
    yield _words(entities, "error_code", "fail_reason")
    yield _words(entities, "addition_error_code", "addition_error_msg")
    sub_jobs = entities.get("sub_jobs_result")
    for sub_job in sub_jobs[:_SUB_JOBS_READ] if isinstance(sub_jobs, list) else ():
        if isinstance(sub_job, dict):
            yield _words(sub_job, "error_code", "fail_reason")


def _words(data: Mapping[str, object], code: str, reason: str) -> tuple[str, str]:
    return _text(data.get(code)), _text(data.get(reason))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
