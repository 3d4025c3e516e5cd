"""Register an image's file, and find out whether a lost register was accepted.

Decides: which event the answer to a register, or a look after a lost one, amounts to;
how long a shell is only a claim. Must not know: what follows from an event, the ledger.
"""

from __future__ import annotations

import asyncio

from batch_register.engine.errand import STOPPED, Errand, unproven
from batch_register.engine.findings import judge_registered
from batch_register.engine.look import Look
from batch_register.engine.lookout import SeenError
from batch_register.engine.sightings import Sightings
from batch_register.errors import ServiceError, StoppedError
from batch_register.event import (
    Event,
    OutcomeUnknown,
    RegisterAccepted,
    RegisterRefused,
    RegisterUnclear,
    RetryStarted,
    ShellFate,
)
from batch_register.model import Applied, FaultKind, ImageId
from batch_register.ports import ImageService
from batch_register.stopping import Stop
from batch_register.watcher import WatchLimits


class Registrar:
    """Registers files for images of one manifest."""

    def __init__(
        self,
        service: ImageService,
        limits: WatchLimits,
        *,
        look: Look,
        sightings: Sightings,
        stop: Stop,
    ) -> None:
        self._service = service
        self._limits = limits
        self._look = look
        self._sightings = sightings
        self._stop = stop

    async def claim(self, errand: Errand) -> Event | None:
        """Hold a register back until two runs are sure to see each other's shells.

        Waits only while another run seems to be at work on this manifest. Return that
        the outcome is unknown where the look after the wait was refused.

        Raises:
            StoppedError: the run stops while this only waits.
        """
        if not self._sightings.is_contended(_loop_time_s()):
            return None
        seen_s = errand.claimed_s + self._sightings.claim_s
        await self._stop.pause(seen_s - _loop_time_s())
        try:
            await self._look.once(errand.record.key)
        except ServiceError as error:
            return OutcomeUnknown(error=error.fault)
        return None

    async def register(self, image_id: ImageId, errand: Errand) -> list[Event]:
        """Send a register, unless lists show that another run has been there before.

        Be it with an image of its own or with this one, which a run that both agree on
        may have registered while we waited. Its intent must be durable.
        """
        try:
            return [await self._send(image_id, errand)]
        except SeenError as seen:
            if seen.finding.image.image_id == image_id:
                return [RegisterAccepted(image_id=image_id, job_id=None)]
            return [RetryStarted(shell=ShellFate.REPLACE)]

    async def _send(self, image_id: ImageId, errand: Errand) -> Event:
        spec = errand.spec_to_send
        try:
            job_id = await self._service.register_image(image_id, spec)
        except StoppedError:
            return RegisterRefused(image_id=image_id, error=STOPPED)
        except ServiceError as error:
            errand.call_ended_s = _loop_time_s()
            # An image that was only just made may not be known everywhere yet.
            is_unclear = error.kind is FaultKind.NOT_FOUND
            if is_unclear or error.applied is Applied.UNKNOWN:
                errand.last_unclear = error.fault
                return RegisterUnclear(error=error.fault)
            return RegisterRefused(image_id=image_id, error=error.fault)
        return RegisterAccepted(image_id=image_id, job_id=job_id)

    async def inspect(self, image_id: ImageId, errand: Errand) -> Event:
        """Look at the image until it shows whether it has taken the file on.

        Raises:
            StoppedError: the run stops while this only waits.
        """
        settled_s = errand.settled_at_s(self._limits)
        last_seen = "nothing"
        while True:
            asked_at_s = _loop_time_s()
            try:
                view = await self._service.get_image(image_id)
            except ServiceError as error:
                last_seen = error.fault.sentence()
            else:
                is_settled = asked_at_s >= settled_s
                event = judge_registered(image_id, view, is_settled=is_settled)
                if event is not None:
                    return event
                last_seen = "no image" if view is None else view.raw_status
            if asked_at_s >= errand.look_until_s(self._limits):
                reason = (
                    f"the image does not show whether it took the file: {last_seen}"
                )
                return unproven(FaultKind.DEADLINE, "register.unproven", reason)
            await self._stop.pause(self._limits.poll_interval_s)


def _loop_time_s() -> float:
    return asyncio.get_running_loop().time()
