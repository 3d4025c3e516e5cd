"""Find an entry's image in the cloud by its tags, and know when "none" is proven.

Decides: which listed image is an entry's own, when a look that shows nothing counts.
Must not know: stages, how images are made, HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from batch_register.engine.findings import LIVE, Finding, choose
from batch_register.errors import ServiceError
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    EntryKey,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    entry_digest,
)
from batch_register.pacing import SettleTime
from batch_register.ports import ImageService, Observer
from batch_register.stopping import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a look goes by: the entry, its image name, and which ids are dead.

    `created_since` is UTC text (ISO 8601) before which no image of this entry's
    present attempt can have been made, clocks that disagree allowed for.
    """

    key: EntryKey
    name: str
    dead: Collection[ImageId]
    created_since: str


class NotProvenError(Exception):
    """The look can neither show the image nor prove that there is none."""


@dataclass(slots=True)
class TagTrust:
    """Whether this cloud keeps our tags and finds images by them."""

    query_shows_ours: bool = False  # a tag query has shown an image of ours
    dropped: bool = field(default=False)  # a create came back without our tags

    def note_created(self, view: ImageView) -> None:
        """Learn from the answer to a create, which echoes the tags it kept."""
        if view.tags and view.tag(ENTRY_TAG) is None:
            self.dropped = True

    def note_listed(self, views: Iterable[ImageView]) -> None:
        """Learn from the answer to a tag query."""
        if any(view.tag(ENTRY_TAG) is not None for view in views):
            self.query_shows_ours = True


class Look:
    """Looks for images of one manifest; shares what it learns about the cloud."""

    def __init__(
        self,
        service: ImageService,
        manifest_name: str,
        *,
        poll_interval_s: float,
        settle: SettleTime,
        stop: Stop,
        observer: Observer,
    ) -> None:
        self._service = service
        self._manifest_name = manifest_name
        self._poll_interval_s = poll_interval_s
        self._settle = settle
        self._stop = stop
        self._observer = observer
        self.trust = TagTrust()

    async def all_entries_settled(
        self, settled_at_s: float
    ) -> dict[str, list[ImageView]]:
        """Return the same once lists can no longer lag behind an earlier run.

        Only where a look shows images of this manifest was there an earlier run that
        this ledger does not know; otherwise nothing is waited for.

        Raises:
            ServiceError: the list could not be had.
            StoppedError: the run stops first.
        """
        loop = asyncio.get_running_loop()
        asked_at_s = loop.time()  # an answer tells of then, however late it comes
        found = await self.all_entries()
        if not found or asked_at_s >= settled_at_s:
            return found
        left_s = max(settled_at_s - loop.time(), 0.0)
        self._observer.noticed("look.waits_for_lists", seconds=round(left_s, 1))
        await self._stop.pause(left_s)
        return await self.all_entries()

    async def all_entries(self) -> dict[str, list[ImageView]]:
        """Return all images of the manifest by their `br-entry` tag.

        A cloud whose tag query shows nothing may only not know such queries: there
        all own images are listed, once, and the tags compared here.

        Raises:
            ServiceError: the list could not be had.
        """
        query = ImageQuery(tag=(MANIFEST_TAG, self._manifest_name))
        views = await self._service.list_images(query)
        self.trust.note_listed(views)
        if not self.trust.query_shows_ours:
            views = await self._service.list_images(ImageQuery())
        by_entry: dict[str, list[ImageView]] = {}
        for view in views:
            entry = view.tag(ENTRY_TAG)
            if entry is not None and view.tag(MANIFEST_TAG) == self._manifest_name:
                by_entry.setdefault(entry, []).append(view)
        return by_entry

    async def entry(
        self, sought: Sought, *, settled_at_s: float, deadline_s: float
    ) -> Finding | None:
        """Return the entry's image as soon as any list shows it, or None once settled.

        Times are loop time.

        Raises:
            NotProvenError: the cloud drops our tags, or no list could be had in time.
            StoppedError: the run stops first.
        """
        while True:
            asked_at_s = asyncio.get_running_loop().time()
            is_settled = asked_at_s >= settled_at_s
            try:
                finding = await self._once(sought, is_settled=is_settled)
            except ServiceError as error:
                fault = error.fault.sentence()
                self._observer.noticed("look.failed", key=sought.key, error=fault)
                if asked_at_s >= deadline_s or not error.fault.is_passing:
                    raise NotProvenError(fault) from error
            else:
                if finding is not None or is_settled:
                    return finding
            await self._stop.pause(self._wait_s(settled_at_s))

    def _wait_s(self, settled_at_s: float) -> float:
        left_s = settled_at_s - asyncio.get_running_loop().time()
        return (
            min(self._poll_interval_s, left_s) if left_s > 0 else self._poll_interval_s
        )

    async def fresh(self, finding: Finding) -> Finding | None:
        """Return the finding with its image as the service itself shows it now.

        A list may still show an image as queued whose register was accepted, or one
        that is gone or was given up: then there is no finding.

        Raises:
            StoppedError: the run stops while this only waits.
        """
        try:
            view = await self.settled_image(finding.image.image_id)
        except ServiceError as error:
            self._observer.noticed("look.failed", error=error.fault.sentence())
            return finding
        if view is None or view.status not in LIVE:
            return None
        if view.tag(ENTRY_TAG) is None:
            return finding
        return replace(finding, image=view)

    async def settled_image(self, image_id: ImageId) -> ImageView | None:
        """Return an image; that there is none counts only twice, a settle time apart.

        And only where no list shows it: a bare 404 may be a proxy's, not the service's.

        Raises:
            ServiceError: a look was refused.
            StoppedError: the run stops while this only waits.
        """
        view = await self._service.get_image(image_id)
        if view is None:
            await self._stop.pause(self._settle.seconds)
            view = await self._service.get_image(image_id)
        if view is None:
            listed = await self._service.list_images(ImageQuery(image_id=image_id))
            view = next((each for each in listed if each.image_id == image_id), None)
        return view

    async def _once(self, sought: Sought, *, is_settled: bool) -> Finding | None:
        finding = choose(await self._tagged(sought.key), sought.dead)
        if finding is not None or not is_settled:
            return finding
        if self.trust.dropped:
            message = "the cloud drops our tags, so a lost image cannot be told apart"
            raise NotProvenError(message)
        if self.trust.query_shows_ours:
            return None
        return await self._among_all(sought)

    async def once(self, key: EntryKey) -> None:
        """Have lists show the entry's images, whatever the cloud makes of tag queries.

        Raises:
            ServiceError: a list could not be had.
        """
        await self._tagged(key)
        if not self.trust.query_shows_ours:
            await self._service.list_images(ImageQuery())

    async def _tagged(self, key: EntryKey) -> list[ImageView]:
        """Return the images that carry the entry's tag, checked by ourselves."""
        tag = entry_digest(self._manifest_name, key)
        views = await self._service.list_images(ImageQuery(tag=(ENTRY_TAG, tag)))
        self.trust.note_listed(views)
        return [view for view in views if view.tag(ENTRY_TAG) == tag]

    async def _among_all(self, sought: Sought) -> Finding | None:
        """Look among all own images, by tag and name: a tag query may show nothing ever.

        One that was made under this name since the create was intended, and carries no
        tag of ours, may be the very one whose tags the cloud dropped.
        """
        views = await self._service.list_images(ImageQuery())
        tag = entry_digest(self._manifest_name, sought.key)
        finding = choose((v for v in views if v.tag(ENTRY_TAG) == tag), sought.dead)
        if finding is not None:
            return finding
        strangers = [
            view
            for view in views
            if view.tag(ENTRY_TAG) is None and _may_be(view, sought)
        ]
        if strangers:
            ids = ", ".join(view.image_id for view in strangers[:3])
            message = f"image {ids} has this name and no tag: it may or may not be ours"
            raise NotProvenError(message)
        return None


def _may_be(view: ImageView, sought: Sought) -> bool:
    """Return whether an image without our tags may be the one that is sought."""
    if view.name != sought.name:
        return False
    if view.is_gone or view.status is ImageStatus.KILLED:
        return False
    is_recent = not view.created_at or view.created_at >= sought.created_since
    return is_recent and view.image_id not in sought.dead
