"""Jobs of the register type: their life in time and the two documents that show it.

Sources: IMS API reference, "Querying the status of an asynchronous job" and
"Querying the job progress". The text of a failed job is nowhere documented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from batch_register.simulator.clock import legacy_text, millis_text

JobStatus = Literal["INIT", "RUNNING", "SUCCESS", "FAIL"]

JOB_TYPE = "imsNativeImportImageJob"
_RUNNING_TASK = "ImportImageTask:"


@dataclass(slots=True, kw_only=True)
class Job:
    """One import; its end is decided when it is submitted, times in epoch seconds."""

    id: str
    image_id: str
    image_name: str
    image_url: str
    submitted_s: float
    running_from_s: float
    ends_s: float
    error_code: str | None = None
    error_reason: str | None = None
    cancelled: bool = False

    def status_at(self, now_s: float) -> JobStatus:
        """Return the job's state at a time."""
        if now_s >= self.ends_s:
            return "SUCCESS" if self.error_code is None else "FAIL"
        return "INIT" if now_s < self.running_from_s else "RUNNING"

    def percent_at(self, now_s: float) -> int | float:
        """Return the done share: a fraction while running, integer 1 when done."""
        if self.status_at(now_s) == "SUCCESS":
            return 1
        whole_s = max(self.ends_s - self.running_from_s, 1e-9)
        share = (min(now_s, self.ends_s) - self.running_from_s) / whole_s
        return min(max(round(share, 2), 0.0), 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobForm:
    """How this cloud writes jobs down."""

    legacy_times: bool
    error_place: Literal["top", "entities", "both"]
    entities_empty: bool
    name_in_entities: bool


def job_document(job: Job, form: JobForm, now_s: float) -> dict[str, object]:
    """Write the answer of the jobs call."""
    document = _top(job, form, now_s)
    entities: dict[str, object] = {}
    status = job.status_at(now_s)
    if status == "SUCCESS" and not form.entities_empty:
        entities["image_id"] = job.image_id
        if form.name_in_entities:
            entities["image_name"] = job.image_name
    if status == "FAIL" and form.error_place != "top":
        entities["error_code"] = job.error_code
        entities["error"] = job.error_reason
    document["entities"] = entities
    return document


def progress_document(job: Job, form: JobForm, now_s: float) -> dict[str, object]:
    """Write the answer of the progress call."""
    document = job_document(job, form, now_s)
    running = job.status_at(now_s) == "RUNNING"
    document["entities"] = {
        "image_name": job.image_name,
        "image_id": job.image_id,
        "process_percent": job.percent_at(now_s),
        "current_task": _RUNNING_TASK if running else "",
    }
    return document


def _top(job: Job, form: JobForm, now_s: float) -> dict[str, object]:
    write = legacy_text if form.legacy_times else millis_text
    status = job.status_at(now_s)
    ended = status in {"SUCCESS", "FAIL"}
    tell = status == "FAIL" and form.error_place != "entities"
    return {
        "status": status,
        "job_id": job.id,
        "job_type": JOB_TYPE,
        "begin_time": write(job.submitted_s),
        "end_time": write(job.ends_s) if ended else "",
        "error_code": job.error_code if tell else None,
        "fail_reason": job.error_reason if tell else None,
    }
