"""Create an entry's image metadata, or find out that there is an image already.

Decides: which event the answer to a create, or a look for a lost one, amounts to. Must
not know: what follows from an event, the ledger, registers.
"""

from __future__ import annotations

import asyncio

from batch_register.engine.errand import STOPPED, Errand, unproven
from batch_register.engine.findings import (
    Finding,
    adoption,
    is_in_the_way,
    renamed_from,
)
from batch_register.engine.look import Look, NotProvenError, Sought
from batch_register.engine.lookout import SeenError
from batch_register.engine.sightings import Sightings
from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError, StoppedError
from batch_register.event import (
    CreateRefused,
    CreateUnclear,
    EntryDeferred,
    Event,
    ImageCreated,
    ImageFailed,
    NoneFound,
    OutcomeUnknown,
)
from batch_register.model import Applied, FaultKind, identity_tags
from batch_register.ports import ImageService
from batch_register.watcher import WatchLimits

_GONE_KIND = FaultKind.UNPROVEN
_GONE = (
    "create.vanished",
    "a list has shown the image, and it is gone or given up now",
)


class Creator:
    """Creates, finds and takes over images of one manifest."""

    def __init__(
        self,
        service: ImageService,
        limits: WatchLimits,
        *,
        look: Look,
        sightings: Sightings,
    ) -> None:
        self._service = service
        self._limits = limits
        self._look = look
        self._sightings = sightings

    async def create(self, errand: Errand) -> list[Event]:
        """Send a create, unless an image of another run has come into sight.

        Its intent must be durable.
        """
        while True:
            try:
                return [await self._send(errand)]
            except SeenError as seen:
                taken = await self.adopt(seen.finding, errand)
                if taken:
                    return taken

    async def _send(self, errand: Errand) -> Event:
        spec = errand.spec_to_send
        tags = identity_tags(self._sightings.manifest_name, spec)
        try:
            view = await self._service.create_image(spec, tags)
        except StoppedError:
            return CreateRefused(error=STOPPED)
        except ServiceError as error:
            errand.call_ended_s = _loop_time_s()
            if error.applied is Applied.UNKNOWN:
                errand.last_unclear = error.fault
                return CreateUnclear(error=error.fault)
            if error.kind is FaultKind.QUOTA:
                return EntryDeferred(error=error.fault)
            return CreateRefused(error=error.fault)
        self._look.trust.note_created(view)
        errand.claimed_s = _loop_time_s()
        return ImageCreated(image_id=view.image_id, created_at=view.created_at)

    async def find(self, errand: Errand) -> list[Event]:
        """Look for the image of a create whose answer is not known.

        Raises:
            StoppedError: the run stops while this only waits.
        """
        record = errand.record
        sought = Sought(
            key=record.key,
            name=record.made_name or record.name,
            dead=record.dead_images,
            created_since=errand.made_since,
        )
        try:
            finding = await self._look.entry(
                sought,
                settled_at_s=errand.settled_at_s(self._limits),
                deadline_s=errand.look_until_s(self._limits),
            )
        except NotProvenError as error:
            return [unproven(FaultKind.UNPROVEN, "create.unproven", str(error))]
        if finding is None:
            self._sightings.forget(record.key)
            return [NoneFound()]
        return await self.adopt(finding, errand) or [unproven(_GONE_KIND, *_GONE)]

    async def adopt(self, finding: Finding, errand: Errand) -> list[Event]:
        """Return the events by which an entry takes its found image over.

        None where it is gone: what was seen of this entry before is forgotten then.

        Raises:
            StoppedError: the run stops while this only waits.
        """
        fresh = await self._look.fresh(finding)
        if fresh is None:
            self._sightings.disregard(finding.image.image_id)
            return []
        errand.claimed_s = _loop_time_s()
        return adoption(fresh, errand.record, errand.spec)

    async def inspect_renamed(self, old: EntryRecord) -> Event | None:
        """Return that an entry must not be made while its former key has an image."""
        if old.image_id is not None:
            try:
                view = await self._look.settled_image(old.image_id)
            except ServiceError as error:
                return OutcomeUnknown(error=error.fault)
            if view is None or not is_in_the_way(view, old):
                return None
        return ImageFailed(error=renamed_from(old), stage="create")


def _loop_time_s() -> float:
    return asyncio.get_running_loop().time()
