"""Delete the image that a failed attempt left behind, under all its conditions.

Decides: whether an image may be deleted. A dead shell counts against the quota; a live
image that is deleted by mistake is lost. Must not know: stages, the ledger.
"""

from __future__ import annotations

from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError
from batch_register.event import Event, OutcomeUnknown, ShellDeleted, ShellKept
from batch_register.model import (
    ENTRY_TAG,
    Action,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    entry_digest,
)
from batch_register.ports import ImageService

_DEAD = (ImageStatus.QUEUED, ImageStatus.KILLED)


async def bury(
    service: ImageService, manifest_name: str, record: EntryRecord, image_id: ImageId
) -> Event:
    """Delete a shell that is ours by its tag, not alive, and without a running job."""
    try:
        view = await service.get_image(image_id)
        if view is None or view.is_gone:
            return ShellDeleted(image_id=image_id)
        refusal = _refusal(view, entry_digest(manifest_name, record.key))
        if refusal is None and await _has_running_job(service, record.job_id):
            refusal = OutcomeUnknown(error=_alive("its job still runs"))
        if refusal is not None:
            return refusal
        await service.delete_image(image_id)
    except ServiceError as error:
        if error.fault.is_passing:
            return OutcomeUnknown(error=error.fault)
        return ShellKept(image_id=image_id, error=error.fault)
    return ShellDeleted(image_id=image_id)


def _refusal(view: ImageView, entry_tag: str) -> Event | None:
    """Return why this image must not be deleted, or None where it may be."""
    if view.tag(ENTRY_TAG) != entry_tag:
        foreign = Fault(
            kind=FaultKind.CONFLICT,
            code="shell.not-ours",
            reason="the image no longer carries this entry's tag",
            action=Action.NONE,
        )
        return ShellKept(image_id=view.image_id, error=foreign)
    if view.status not in _DEAD:
        return OutcomeUnknown(error=_alive(f"it is {view.raw_status or view.status}"))
    return None


def _alive(why: str) -> Fault:
    return Fault(
        kind=FaultKind.CONTRADICTION,
        code="shell.alive",
        reason=f"the image of the failed attempt is not dead: {why}",
        action=Action.WAIT,
    )


async def _has_running_job(service: ImageService, job_id: JobId | None) -> bool:
    job = await service.get_job(job_id) if job_id is not None else None
    return job is not None and job.status in (JobStatus.INIT, JobStatus.RUNNING)
