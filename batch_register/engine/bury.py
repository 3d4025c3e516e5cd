"""Delete the image that a failed attempt left behind, under all its conditions.

Decides: whether an image may be deleted, or has come alive after all. A dead shell
counts against the quota; a live image that is deleted by mistake is lost. Must not
know: stages, the ledger.
"""

from __future__ import annotations

import asyncio

from batch_register.engine.findings import risen
from batch_register.engine.look import Look
from batch_register.engine.sightings import Sightings
from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError
from batch_register.event import (
    Event,
    ImageAdopted,
    OutcomeUnknown,
    ShellDeleted,
    ShellKept,
)
from batch_register.model import (
    ENTRY_TAG,
    SPEC_TAG,
    Action,
    Applied,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    ImageView,
    JobStatus,
    JobView,
    SpecDigest,
    entry_digest,
)
from batch_register.ports import ImageService
from batch_register.stopping import Stop

_DEAD = (ImageStatus.QUEUED, ImageStatus.KILLED)


class Undertaker:
    """Deletes dead shells of one manifest."""

    def __init__(
        self,
        service: ImageService,
        *,
        look: Look,
        sightings: Sightings,
        stop: Stop,
    ) -> None:
        self._service = service
        self._look = look
        self._sightings = sightings
        self._stop = stop

    async def bury(self, record: EntryRecord, image_id: ImageId) -> Event:
        """Delete a shell that is ours by its tag, not alive, and without a running job.

        One that has come alive is taken over again, unless its job says that it failed.

        Raises:
            StoppedError: the run stops while this only waits.
        """
        try:
            view = await self._settled_view(record, image_id)
            if view is None or view.is_gone:
                return ShellDeleted(image_id=image_id)
            job_id = record.job_id
            job = None if job_id is None else await self._service.get_job(job_id)
        except ServiceError as error:
            return OutcomeUnknown(error=error.fault)  # it may be alive for all we know
        entry_tag = entry_digest(self._sightings.manifest_name, record.key)
        return _instead(view, job, entry_tag) or await self._delete(image_id)

    async def may_live(self, image_id: ImageId) -> bool:
        """Return whether an image that is dead to this ledger may be alive.

        A run with another ledger may have given it a file since.

        Raises:
            StoppedError: the run stops while this only waits.
        """
        try:
            view = await self._look.settled_image(image_id)
        except ServiceError:
            return True
        return not (view is None or view.is_gone or view.status in _DEAD)

    async def _delete(self, image_id: ImageId) -> Event:
        try:
            await self._service.delete_image(image_id)
        except ServiceError as error:
            if error.fault.is_passing or error.applied is Applied.UNKNOWN:
                return OutcomeUnknown(error=error.fault)
            return ShellKept(image_id=image_id, error=error.fault)
        return ShellDeleted(image_id=image_id)

    async def _settled_view(
        self, record: EntryRecord, image_id: ImageId
    ) -> ImageView | None:
        """Return the image, as old views of it can no longer show it.

        Beside another run, one that waits for a file again may just have been given
        one by that run, and a look may lag.
        """
        view = await self._look.settled_image(image_id)
        is_open = view is not None and view.status is ImageStatus.QUEUED
        if is_open and record.job_id is not None and self._is_contended():
            await self._stop.pause(self._sightings.settle.seconds)
            view = await self._look.settled_image(image_id)
        return view

    def _is_contended(self) -> bool:
        return self._sightings.is_contended(asyncio.get_running_loop().time())


def _instead(view: ImageView, job: JobView | None, entry_tag: str) -> Event | None:
    """Return what happens instead of deleting this image; None where it may go.

    Without any tag of ours it may be the entry's own all the same, since a cloud may
    drop tags: such an image stays, and nothing is made beside it while it lives.
    """
    tag = view.tag(ENTRY_TAG)
    if tag not in (entry_tag, None):
        return _kept(view, "the image carries another entry's tag")
    if view.status in _DEAD:
        if job is not None and job.status in (JobStatus.INIT, JobStatus.RUNNING):
            return OutcomeUnknown(error=_alive("its job still runs"))
        if tag is None:
            return _kept(view, "the image no longer carries this entry's tag")
        return None
    return _of_living(view, job, tag)


def _of_living(view: ImageView, job: JobView | None, tag: str | None) -> Event:
    """Return what becomes of an image that is not dead: taken over, unless in doubt."""
    has_failed = job is not None and job.status is JobStatus.FAIL
    if has_failed and view.status is ImageStatus.ACTIVE:
        return OutcomeUnknown(error=risen(view))
    is_living = view.status in (ImageStatus.ACTIVE, ImageStatus.SAVING)
    if has_failed or tag is None or not is_living:
        return OutcomeUnknown(error=_alive(f"it is {view.raw_status or view.status}"))
    return ImageAdopted(
        image_id=view.image_id,
        status=view.status,
        spec=SpecDigest(view.tag(SPEC_TAG) or ""),
        created_at=view.created_at,
    )


def _kept(view: ImageView, why: str) -> Event:
    foreign = Fault(
        kind=FaultKind.CONFLICT, code="shell.not-ours", reason=why, action=Action.NONE
    )
    return ShellKept(image_id=view.image_id, error=foreign)


def _alive(why: str) -> Fault:
    return Fault(
        kind=FaultKind.CONTRADICTION,
        code="shell.alive",
        reason=f"the image of the failed attempt is not dead: {why}",
        action=Action.WAIT,
    )
