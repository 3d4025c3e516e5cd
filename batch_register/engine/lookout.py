"""An ImageService that keeps in mind what every answer shows.

Decides: whether a write still makes sense at the moment in which it goes out, and
whether what lists have shown is recent enough to tell. Must not know: what entries do
about it, retries, the ledger.

It stands behind the throttle, so that a write that had to wait is judged by what was
seen meanwhile.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

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
    Pairs,
    entry_digest,
)
from batch_register.ports import ImageService
from batch_register.relay import Relay
from batch_register.stopping import Stop
from batch_register.turns import in_turns
from batch_register.watcher import WatchLimits

# A list counts as recent for so many poll intervals: a tick, a slow answer, one failure.
_FRESH_POLLS = 3
# A look that a write waits for serves the others that wait just then.
_SHARED_POLLS = 0.2
# A list of what is in flight costs no more than one of an entry while it fits on a page.
_ONE_PAGE = 400


class SeenError(Exception):
    """A write was not sent: a list shows that another run has been there before."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.image.image_id)
        self.finding = finding


class Lookout(Relay):
    """Passes everything on; raises SeenError instead of a write that is needless."""

    def __init__(
        self, service: ImageService, batch: Batch, limits: WatchLimits, *, stop: Stop
    ) -> None:
        super().__init__(service)
        self._stop = stop
        self._fresh_s = _FRESH_POLLS * limits.poll_interval_s
        self._shared_s = _SHARED_POLLS * limits.poll_interval_s
        self.sightings = Sightings(
            manifest_name=batch.manifest.name,
            records=batch.records,
            elsewhere=batch.manifest.elsewhere,
            settle=limits.settle,
            patience_s=limits.image_deadline_s,
        )
        self.news = asyncio.Event()  # a list has come in
        self._listed_s = float("-inf")  # when the latest whole list was asked for
        self._looked_s = float("-inf")  # the same of a look that served several writes
        self._failed: tuple[float, ServiceError] | None = None  # the latest that failed
        self._made_s: dict[EntryKey, float] = {}  # shells that no register has followed
        self._latest: ImageQuery | None = None  # what it asked for
        self._shown = 0  # how many images it would show now, at the most
        self._one_look = asyncio.Lock()

    async def prepare(self) -> None:
        """Learn whose images to look out for, without holding the loop up."""
        async for some in in_turns(list(self.sightings.records)):
            self.sightings.learn_keys(some)

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """See ports.ImageService; raises SeenError where there is one to take over."""
        await self._look_again(spec.key)
        seen = choose(self.sightings.of(spec.key), ())
        if seen is not None:
            raise SeenError(seen)
        view = await self._service.create_image(spec, tags)
        self._made_s[spec.key] = _now_s()
        self.sightings.settle.note_made(view.image_id, _now_s())
        self._shown += 1
        return view

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """See ports.ImageService; raises SeenError where another image goes first.

        And with the image itself where another run has registered the file meanwhile.
        """
        await self._look_again(spec.key)
        ahead = self.sightings.filed(spec.key) or self.sightings.ahead(spec.key)
        if ahead is not None:
            raise SeenError(Finding(image=ahead))
        job_id = await self._service.register_image(image_id, spec)
        self._made_s.pop(spec.key, None)
        return job_id

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """See ports.ImageService."""
        asked_at_s = _now_s()
        views = await self._list(query)
        if self._is_whole(query):
            self._listed_s = asked_at_s
        return views

    def _is_whole(self, query: ImageQuery) -> bool:
        """Return whether a list shows every image of the manifest that is new."""
        is_narrow = query.image_id is not None or query.name is not None
        tags = (None, (MANIFEST_TAG, self.sightings.manifest_name))
        return query.tag in tags and not is_narrow

    async def _list(self, query: ImageQuery) -> list[ImageView]:
        asked_at_s = _now_s()
        views = await self._service.list_images(query)
        self.sightings.note_listed((), _now_s())  # an empty list is one, too
        async for some in in_turns(views):
            self.sightings.note_listed(some, _now_s())
        if self._is_whole(query):
            self._latest, self._shown = query, len(views)
            names = {view.image_id for view in views}
            self.sightings.settle.note_listed(names, asked_at_s)
        self.news.set()
        return views

    async def _look_again(self, key: EntryKey) -> None:
        """Look for an entry's images where no list of the manifest is recent.

        While anything is watched, there is one per tick; nothing is asked here then.
        Else the latest such list is asked for again, once for all that are waiting; of
        a manifest with more images than a page holds, the entry's own are.

        Raises:
            ServiceError: the look failed, so the write is not sent; it may be later.
            StoppedError: the run was told to stop meanwhile.
        """
        made_s = self._made_s.get(key, float("-inf"))
        if self._has_looked(made_s):
            return
        if self._latest is None or self._shown > _ONE_PAGE:
            entry = entry_digest(self.sightings.manifest_name, key)
            await self._look(ImageQuery(tag=(ENTRY_TAG, entry)))
            return
        wanted_s = _now_s()
        async with self._one_look:  # one for all that wait
            if self._stop.is_requested:
                raise StoppedError
            if self._failed is not None and self._failed[0] > wanted_s:
                raise self._failed[1]
            if not self._has_looked(made_s):
                await self._look_for_all(self._latest)

    async def _look_for_all(self, query: ImageQuery) -> None:
        asked_at_s = _now_s()
        try:
            await self._look(query)
        except ServiceError as error:
            self._failed = (_now_s(), error)
            raise
        self._looked_s = asked_at_s

    def _has_looked(self, made_s: float) -> bool:
        """Return whether a list is recent, or a look that came after the own create."""
        now_s = _now_s()
        if now_s - self._listed_s <= self._fresh_s:
            return True
        return made_s < self._looked_s and now_s - self._looked_s <= self._shared_s

    async def _look(self, query: ImageQuery) -> None:
        try:
            await self._list(query)
        except ServiceError as error:
            error.applied = Applied.NO  # of the write
            if not error.fault.is_passing:  # no fault of this entry
                error.fault = replace(error.fault, kind=FaultKind.SERVER)
            raise
        if self._stop.is_requested:
            raise StoppedError


def _now_s() -> float:
    return asyncio.get_running_loop().time()
