"""An ImageService that keeps in mind what every answer shows.

Decides: whether a write still makes sense at the moment in which it goes out, and
whether what lists have shown is recent enough to tell. Must not know: what entries do
about it, retries, the ledger.

It stands behind the throttle, so that a write that had to wait is judged by what was
seen meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from batch_register.engine.batch import Batch
from batch_register.engine.findings import Finding, choose
from batch_register.engine.sightings import Sightings
from batch_register.errors import ServiceError, StoppedError
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    Applied,
    EntryKey,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    JobId,
    JobView,
    Pairs,
    Quota,
    entry_digest,
)
from batch_register.ports import ImageService
from batch_register.stopping import Stop
from batch_register.watcher import WatchLimits

_T = TypeVar("_T")

_PER_TURN = 2_000  # about 5 ms
# A list counts as recent for so many poll intervals: a tick, a slow answer, one failure.
_FRESH_POLLS = 3


class SeenError(Exception):
    """A write was not sent: an image of another run for the same entry goes first."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.image.image_id)
        self.finding = finding


class Lookout:
    """Passes everything on; raises SeenError instead of a write that is needless."""

    def __init__(
        self, service: ImageService, batch: Batch, limits: WatchLimits, *, stop: Stop
    ) -> None:
        self._service = service
        self._stop = stop
        self._fresh_s = _FRESH_POLLS * limits.poll_interval_s
        self.sightings = Sightings(
            manifest_name=batch.manifest.name,
            records=batch.records,
            settle=limits.settle,
            patience_s=limits.image_deadline_s,
        )
        self.news = asyncio.Event()  # a list has come in
        self._listed_s = float("-inf")  # when the latest whole list was asked for

    async def prepare(self) -> None:
        """Learn whose images to look out for, without holding the loop up."""
        for some in _sliced(list(self.sightings.records)):
            self.sightings.learn_keys(some)
            await asyncio.sleep(0)

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """See ports.ImageService; raises SeenError where there is one to take over."""
        await self._look_again(spec.key)
        seen = choose(self.sightings.of(spec.key), ())
        if seen is not None:
            raise SeenError(seen)
        view = await self._service.create_image(spec, tags)
        self.sightings.settle.note_made(view.image_id, _now_s())
        return view

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """See ports.ImageService; raises SeenError where another image goes first."""
        await self._look_again(spec.key)
        ahead = self.sightings.ahead(spec.key)
        if ahead is not None:
            raise SeenError(Finding(image=ahead))
        return await self._service.register_image(image_id, spec)

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """See ports.ImageService."""
        asked_at_s = _now_s()
        views = await self._service.list_images(query)
        for some in _sliced(views):
            self.sightings.note_listed(some, _now_s())
            await asyncio.sleep(0)
        if query.tag in (None, (MANIFEST_TAG, self.sightings.manifest_name)):
            self._listed_s = asked_at_s
            names = {view.image_id for view in views}
            self.sightings.settle.note_listed(names, asked_at_s)
        self.news.set()
        return views

    async def _look_again(self, key: EntryKey) -> None:
        """Look for an entry's images where no list of the manifest is recent.

        While anything is watched, there is one per tick; nothing is asked here then.

        Raises:
            ServiceError: the look failed, so the write is not sent; it may be later.
            StoppedError: the run was told to stop meanwhile.
        """
        if _now_s() - self._listed_s <= self._fresh_s:
            return
        entry = entry_digest(self.sightings.manifest_name, key)
        try:
            await self.list_images(ImageQuery(tag=(ENTRY_TAG, entry)))
        except ServiceError as error:
            error.applied = Applied.NO  # of the write
            if not error.fault.is_passing:  # no fault of this entry
                error.fault = replace(error.fault, kind=FaultKind.SERVER)
            raise
        if self._stop.is_requested:
            raise StoppedError

    async def delete_image(self, image_id: ImageId) -> None:
        """See ports.ImageService."""
        await self._service.delete_image(image_id)

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        """See ports.ImageService."""
        return await self._service.get_image(image_id)

    async def get_job(self, job_id: JobId) -> JobView | None:
        """See ports.ImageService."""
        return await self._service.get_job(job_id)

    async def get_quota(self) -> Quota:
        """See ports.ImageService."""
        return await self._service.get_quota()


def _sliced(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Yield the items in slices that one turn of the loop can take."""
    for begin in range(0, max(len(items), 1), _PER_TURN):
        yield items[begin : begin + _PER_TURN]


def _now_s() -> float:
    return asyncio.get_running_loop().time()
