"""What a cloud's image service shows of itself, read only.

Decides: which questions are asked, and what the answers say of tags. Must not know:
words, flags, HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from batch_register.doctor.findings import TagFilter
from batch_register.doctor.record import NOBODY, PROBE
from batch_register.errors import ServiceError
from batch_register.model import (
    ENTRY_TAG,
    Fault,
    ImageQuery,
    ImageView,
    JobId,
    Quota,
)
from batch_register.ports import ImageService

# No cloud has such a job: how it says so tells that it has the call.
_NO_JOB = JobId("0" * 32)


@dataclass(slots=True, kw_only=True)
class Sight:
    """What was seen; a fault stands where the answer would."""

    images: list[ImageView] = field(default_factory=list)
    tag_filter: TagFilter = TagFilter.NOT_KNOWN
    tag_fault: Fault | None = None
    job_fault: Fault | None = None
    quota: Quota | None = None
    quota_fault: Fault | None = None

    @property
    def old_probes(self) -> list[ImageView]:
        """Return the shells of probes: cut off, or under way just now."""
        return [
            view
            for view in self.images
            if view.name.startswith(f"{PROBE}-") and not view.is_gone
        ]


class Checkup:
    """Asks one service; each question once."""

    def __init__(self, service: ImageService) -> None:
        self._service = service

    async def look(self) -> Sight:
        """Return what the service shows.

        Raises:
            ServiceError: not even a list of images can be had.
        """
        sight = Sight(images=await self._service.list_images(ImageQuery()))
        await self._ask_tags(sight)
        try:
            await self._service.get_job(_NO_JOB)
        except ServiceError as error:
            sight.job_fault = error.fault
        try:
            sight.quota = await self._service.get_quota()
        except ServiceError as error:
            sight.quota_fault = error.fault
        return sight

    async def _ask_tags(self, sight: Sight) -> None:
        ours = _longest_there(sight.images)
        try:
            by_none = await self._by_tag(NOBODY)
            by_ours = await self._by_tag(ours.tag(ENTRY_TAG) or "") if ours else []
        except ServiceError as error:
            sight.tag_fault = error.fault
            return
        sight.tag_filter = tag_filter(ours, by_ours, by_none)

    async def _by_tag(self, value: str) -> list[ImageView]:
        return await self._service.list_images(ImageQuery(tag=(ENTRY_TAG, value)))


def tag_filter(
    ours: ImageView | None, by_ours: Sequence[ImageView], by_none: Sequence[ImageView]
) -> TagFilter:
    """Return what the filter is worth.

    `by_ours` was asked for by the tag of `ours`, `by_none` by a tag that no image has.
    Without an image of ours, that nothing was shown proves nothing.
    """
    if by_none:
        return TagFilter.IGNORED
    if ours is None:
        return TagFilter.NOT_KNOWN
    is_shown = any(view.image_id == ours.image_id for view in by_ours)
    return TagFilter.HONOURED if is_shown else TagFilter.FINDS_NOTHING


def _longest_there(images: Sequence[ImageView]) -> ImageView | None:
    """Return the oldest image with a tag of ours: a young one lists may still miss."""
    ours = [view for view in images if view.tag(ENTRY_TAG) and not view.is_gone]
    return min(ours, key=lambda view: view.created_at, default=None)
