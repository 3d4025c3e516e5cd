"""Read the image quota at a sensible pace: at first, after a refusal, now and then.

Decides: when the service is asked. Must not know: what its answer means for an entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from batch_register.engine.room import Room
from batch_register.errors import ServiceError, StoppedError
from batch_register.ports import ImageService, Observer

# While entries wait: one request among dozens of lists, and soon enough for people who
# raise a quota and watch.
_READ_EVERY_S = 120.0


class QuotaReader:
    """Keeps a room abreast of the service; one request at a time, whoever waits."""

    def __init__(self, service: ImageService, room: Room, observer: Observer) -> None:
        self._service = service
        self._room = room
        self._observer = observer
        self._doubt = asyncio.Event()
        self.asked_s = float("-inf")  # when the latest reading was asked for

    async def read(self) -> None:
        """Ask the service; where it does not tell, what is known stays.

        Raises:
            StoppedError: the run stops first.
        """
        self._doubt.clear()
        self.asked_s = asyncio.get_running_loop().time()
        made = self._room.made()
        try:
            quota = await self._service.get_quota()
        except ServiceError as error:
            self._observer.noticed("quota.not_told", error=error.fault.sentence())
            return
        self._room.tell(quota, made)

    def doubt(self) -> None:
        """Have the quota read again soon: the service has refused what it promised."""
        self._doubt.set()

    async def follow(
        self, is_awaited: Callable[[], bool], then: Callable[[], None]
    ) -> None:
        """Read after every doubt, and now and then while somebody waits for room.

        Ends when it is cancelled, or the run stops. `then` is called after each reading.
        """
        with suppress(StoppedError):
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_READ_EVERY_S):
                        await self._doubt.wait()
                is_told = self._room.quota is not None
                if is_told and (self._room.is_doubtful or is_awaited()):
                    await self.read()
                    then()
                self._doubt.clear()
