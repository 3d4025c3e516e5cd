"""Carry out one command and say what happened.

Decides: who carries out which command. Must not know: what follows from an event (that
is `machine`), the ledger, other entries.
"""

from __future__ import annotations

import asyncio

from batch_register.engine.bury import Undertaker
from batch_register.engine.create import Creator
from batch_register.engine.errand import Errand
from batch_register.engine.look import Look
from batch_register.engine.register import Registrar
from batch_register.engine.sightings import Sightings
from batch_register.event import Event
from batch_register.model import ImageId, JobId
from batch_register.ports import ImageService
from batch_register.stage import (
    Command,
    CreateImage,
    DeleteShell,
    FindImage,
    InspectImage,
    RegisterImage,
    WatchImage,
)
from batch_register.stopping import Stop
from batch_register.watcher import Watched, Watcher, WatchLimits


class Performer:
    """Carries out commands against one image service, for one manifest."""

    def __init__(
        self,
        service: ImageService,
        limits: WatchLimits,
        *,
        look: Look,
        sightings: Sightings,
        watcher: Watcher,
        stop: Stop,
    ) -> None:
        self._limits = limits
        self._watcher = watcher
        self.creator = Creator(service, limits, look=look, sightings=sightings)
        self.registrar = Registrar(
            service, limits, look=look, sightings=sightings, stop=stop
        )
        self.undertaker = Undertaker(service, look=look, sightings=sightings, stop=stop)

    async def perform(self, command: Command, errand: Errand) -> list[Event]:
        """Carry out `command` and return what happened, the last one says what to do next.

        Raises:
            StoppedError: the run stops while this command could only wait.
        """
        match command:
            case CreateImage():
                return await self.creator.create(errand)
            case FindImage():
                return await self.creator.find(errand)
            case RegisterImage(image_id=image_id):
                return await self.registrar.register(image_id, errand)
            case InspectImage(image_id=image_id):
                return [await self.registrar.inspect(image_id, errand)]
            case WatchImage(image_id=image_id, job_id=job_id):
                return [await self._watch(image_id, job_id, errand)]
            case DeleteShell(image_id=image_id):
                return [await self.undertaker.bury(errand.record, image_id)]

    async def _watch(
        self, image_id: ImageId, job_id: JobId | None, errand: Errand
    ) -> Event:
        now_s = _loop_time_s()
        return await self._watcher.watch(
            Watched(
                key=errand.record.key,
                image_id=image_id,
                job_id=job_id,
                created_at=errand.record.image_created_at,
                since_s=now_s,
                # from now: waiting for a busy service is not the image's fault
                deadline_s=now_s + self._limits.image_deadline_s,
                # one that was given up on deserves a look of its own at the first tick
                last_check_s=float("-inf") if errand.is_overdue else now_s,
                doubt=errand.doubt,
            )
        )


def _loop_time_s() -> float:
    return asyncio.get_running_loop().time()
