"""Imports: how a register call becomes a job, and a job an active or a dead image.

Source: IMS API reference, "Registering an image"; what the pages leave open (state
after a failure, order of job end and activation) follows the switches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from batch_register.simulator.codes import Img
from batch_register.simulator.draws import between
from batch_register.simulator.images import Image
from batch_register.simulator.jobs import Job
from batch_register.simulator.memory import Memory
from batch_register.simulator.refusals import ims, native
from batch_register.simulator.registration import (
    JobFate,
    JobPlan,
    SourceFault,
    check_source,
    plan_job,
    read_register,
)

# Told a source and which of its jobs this is (from 1); says how that job goes.
FateOf = Callable[[str, int], JobFate | None]


class Importer:
    """Runs imports in a memory."""

    def __init__(self, memory: Memory, fate_of: FateOf) -> None:
        self._memory = memory
        self.fate_of = fate_of

    def register(self, image_id: str, document: Mapping[str, object]) -> Job:
        """Submit the import of an object into a shell.

        Raises:
            Refusal: no such shell, a shell in use, a bad source, too many tasks.
        """
        memory = self._memory
        memory.tally.register_called(image_id)
        image = self._registrable(image_id)
        image_url = read_register(document)
        if memory.tally.unfinished_jobs >= memory.options.task_limit:
            raise ims(Img.TOO_MANY_TASKS, "Too many tasks are being processed.")
        late = check_source(image_url, memory.objects, memory.options)
        plan = self._plan(image, image_url, late)
        image.image_url = image_url
        image.dead = False
        image.move("saving", memory.now_s)
        return self.start(memory.new_job_id(), image, plan)

    def resume(self, job_id: str, image: Image, remaining_s: float | None) -> Job:
        """Go on with a job of an earlier life, whose source was taken then."""
        plan = self._plan(image, image.image_url or "", None)
        running_s = plan.running_s if remaining_s is None else remaining_s
        plan = JobPlan(
            init_s=0.0,
            running_s=running_s,
            error_code=plan.error_code,
            error_reason=plan.error_reason,
        )
        return self.start(job_id, image, plan)

    def start(self, job_id: str, image: Image, plan: JobPlan) -> Job:
        """Start a job whose end is planned."""
        memory = self._memory
        image.job_id = job_id
        job = Job(
            id=job_id,
            image_id=image.id,
            image_name=image.name,
            image_url=image.image_url or "",
            submitted_s=memory.now_s,
            running_from_s=memory.now_s + plan.init_s,
            ends_s=memory.now_s + plan.init_s + plan.running_s,
            error_code=plan.error_code,
            error_reason=plan.error_reason,
        )
        memory.jobs[job_id] = job
        memory.tally.job_started(image)
        memory.later(job.ends_s, partial(self._end, job))
        if job.error_code is None:
            memory.later(self._active_s(job), partial(self._activate, job))
        return job

    def cancel(self, image: Image) -> None:
        """End the job of an image that is being deleted."""
        memory = self._memory
        job = memory.jobs.get(image.job_id or "")
        if job is not None and job.ends_s > memory.now_s:
            job.ends_s = memory.now_s
            job.error_code, job.error_reason = (
                Img.REGISTER_FAILED,
                "The image was deleted.",
            )
            job.cancelled = True
            memory.tally.job_ended(image, failed=True)

    def _registrable(self, image_id: str) -> Image:
        memory = self._memory
        image = memory.image_by_id(image_id)
        if image is None:
            if memory.options.unknown_image_on_register == "404":
                raise memory.no_image(image_id)
            raise ims(Img.NOT_FOUND, f"No image found with ID {image_id}.")
        free = image.status == "queued" and not image.deleting
        if free or memory.options.second_register == "accepted":
            return image
        if memory.options.second_register == "refused":
            raise ims(Img.NOT_AVAILABLE, f"The image is {image.status}, not queued.")
        message = f"Image status transition from {image.status} to saving"
        text = f"{message} is not allowed"
        raise native(409, text, shape="glance", code=Img.NOT_AVAILABLE)

    def _plan(self, image: Image, image_url: str, late: SourceFault | None) -> JobPlan:
        memory = self._memory
        source = memory.objects.find(image_url)
        fate = self.fate_of(image_url, memory.tally.job_number(image_url))
        return plan_job(source, late, fate, image.min_disk_gb, memory.options)

    def _active_s(self, job: Job) -> float:
        options = self._memory.options
        bounds = options.active_offset_range_s
        offset_s = between(bounds, options.seed, "active", job.image_url)
        return max(job.ends_s + offset_s, self._memory.now_s)

    def _end(self, job: Job) -> None:
        if job.cancelled:
            return
        memory = self._memory
        image = memory.index.get(job.image_id)
        failed = job.error_code is not None
        if image is not None and failed:
            image.dead = True
            if memory.options.failed_state != "saving":
                image.move(memory.options.failed_state, memory.now_s)
        memory.tally.job_ended(image, failed=failed)
        retention_s = memory.options.job_retention_s
        if retention_s is not None:
            due_s = memory.now_s + retention_s
            memory.later(due_s, partial(self._forget, job.id))

    def _forget(self, job_id: str) -> None:
        self._memory.jobs.pop(job_id, None)

    def _activate(self, job: Job) -> None:
        memory = self._memory
        image = memory.index.get(job.image_id)
        if image is None or image.status != "saving" or image.deleting:
            return
        source = memory.objects.find(job.image_url)
        # An object that vanished meanwhile was read all the same.
        image.size_bytes = source.size_bytes if source else 1
        if source is not None and source.detected_os is not None:
            # What the importer finds inside the file beats what was declared.
            image.os_version = source.detected_os
        image.move("active", memory.now_s)
        memory.tally.changed(image)
