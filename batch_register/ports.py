"""What the engine needs from the outside, as contracts.

Decides: which calls exist and what each promises. Must not know any implementation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from batch_register.entry import EntryRecord
from batch_register.event import Event
from batch_register.model import (
    EntryKey,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    JobId,
    JobView,
    Pairs,
    Quota,
)


class ImageService(Protocol):
    """An image service of one project in one region.

    Every method raises `errors.ServiceError` and nothing else for anything that
    goes wrong outside this process. A method sends its request at most once when it
    is a write; `ServiceError.applied` says whether the service may have acted on it.
    """

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """Create image metadata without a file; write, not idempotent."""
        ...

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """Register the source file for a queued image; write, starts a job."""
        ...

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        """Return one image, or None where there is none of that id."""
        ...

    async def get_job(self, job_id: JobId) -> JobView | None:
        """Return one job, or None where the service has forgotten it."""
        ...

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """Return all images of the project that match, over all pages."""
        ...

    async def delete_image(self, image_id: ImageId) -> None:
        """Ask for an image's removal; the service may take a while over it."""
        ...

    async def get_quota(self) -> Quota:
        """Return how many private images there are and may be."""
        ...


class Ledger(Protocol):
    """The durable record of a run; its methods return once the lines are on disk.

    Every method raises `errors.LedgerError` where the disk refuses, and from then on;
    nothing more may be sent to the service after that.
    """

    async def append(self, key: EntryKey, *events: Event) -> str:
        """Make events of one entry durable, in this order; return their stamp (UTC)."""
        ...

    async def declare(
        self, specs: Iterable[ImageSpec], removed: Iterable[EntryKey]
    ) -> None:
        """Make durable which entries are new or changed, and which are gone."""
        ...

    async def observe(self, facts: Mapping[str, object]) -> None:
        """Make durable what was learned of the cloud, in JSON values, by name."""
        ...


class Clock(Protocol):
    """Wall time for stamps only; waiting and durations use the loop's own time."""

    def now(self) -> datetime:
        """Return the time now, UTC."""
        ...


class Observer(Protocol):
    """Someone who watches a run: a progress bar, a log. Must not block nor raise."""

    def entry_moved(self, record: EntryRecord, event: Event) -> None:
        """Take note that one entry has moved; `record` is as it stands after `event`."""
        ...

    def noticed(self, name: str, **facts: object) -> None:
        """Take note of something that moved no entry: a throttle, a failed poll."""
        ...
