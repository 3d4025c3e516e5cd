"""Every request that goes out, counted by call and outcome, and every throttle pause.

Decides: what an outcome is called. Must not know: who asks, why, where the counts go.

It stands next to the wire, below everything that repeats a call or sends one of its own,
so that every attempt counts. It counts calls: a list is one request with all its pages (a
short list often has a second, empty one), and what a client repeats after a renewed login
is not told apart from the first attempt.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError
from batch_register.event import Event
from batch_register.model import (
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    JobId,
    JobView,
    Pairs,
    Quota,
)
from batch_register.ports import Clock, ImageService
from batch_register.relay import Relay
from batch_register.throttle.sent import SentBytes
from batch_register.throttle.window import Call
from batch_register.usage import Pause, RunUsage, add_pause, cut_off

# The outcomes of a request beside the kinds of faults.
ANSWERED = "ok"
CANCELLED = "cancelled"  # the run ended before the answer came

_T = TypeVar("_T")


class Meter:
    """The counts of one run so far; as an observer it hears of pauses and uploads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._requests: dict[str, Counter[str]] = defaultdict(Counter)
        self._throttled = 0
        self._pauses: tuple[Pause, ...] = ()
        self._sent = SentBytes()
        self.quota: Quota | None = None  # as last told

    def count(self, call: Call, outcome: str) -> None:
        """Take note of how one request has ended."""
        self._requests[call.value][outcome] += 1

    def entry_moved(self, record: EntryRecord, event: Event) -> None:
        """Take note of what was uploaded; entries are counted elsewhere."""
        self._sent.take(record.key, event)

    def noticed(self, name: str, **facts: object) -> None:
        """Take note of a pause that the service has asked for."""
        if name != "service.throttled":
            return
        self._throttled += 1
        match facts.get("wait_s"):
            case int() | float() as wait_s if wait_s > 0:
                now = self._clock.now()
                pause = (now, now + timedelta(seconds=wait_s))
                self._pauses = add_pause(self._pauses, pause)

    def usage(self, *, retries: int) -> RunUsage:
        """Return the counts as they stand; a pause ends with the run at the latest."""
        return RunUsage(
            requests={call: dict(of) for call, of in sorted(self._requests.items())},
            retries=retries,
            throttled=self._throttled,
            pauses=cut_off(self._pauses, self._clock.now()),
            quota=self.quota,
            uploaded_bytes=self._sent.total(),
        )


class Metered(Relay):
    """Passes everything on, and tells a meter how it ended."""

    def __init__(self, service: ImageService, meter: Meter) -> None:
        super().__init__(service)
        self._meter = meter

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """See ports.ImageService."""
        return await self._count(Call.CREATE, super().create_image(spec, tags))

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """See ports.ImageService."""
        return await self._count(Call.REGISTER, super().register_image(image_id, spec))

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        """See ports.ImageService."""
        return await self._count(Call.GET_IMAGE, super().get_image(image_id))

    async def get_job(self, job_id: JobId) -> JobView | None:
        """See ports.ImageService."""
        return await self._count(Call.GET_JOB, super().get_job(job_id))

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """See ports.ImageService."""
        return await self._count(Call.LIST, super().list_images(query))

    async def delete_image(self, image_id: ImageId) -> None:
        """See ports.ImageService."""
        await self._count(Call.DELETE, super().delete_image(image_id))

    async def get_quota(self) -> Quota:
        """See ports.ImageService; what it tells is remembered."""
        self._meter.quota = await self._count(Call.QUOTA, super().get_quota())
        return self._meter.quota

    async def _count(self, call: Call, answer: Awaitable[_T]) -> _T:
        outcome = CANCELLED
        try:
            found = await answer
            outcome = ANSWERED
        except ServiceError as error:
            outcome = error.kind.value
            raise
        finally:
            self._meter.count(call, outcome)
        return found
