"""Look at the cloud: all images of the manifest, and single ones where it matters.

Decides: how the cloud is asked, and that a list which cannot be had ends everything.
Must not know: what the answers mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from batch_register.errors import AuthenticationError, ServiceError
from batch_register.model import (
    MANIFEST_TAG,
    ImageId,
    ImageQuery,
    ImageView,
    JobId,
)
from batch_register.ports import ImageService
from batch_register.reconcile.known import Sight, of_manifest

# Single looks under way at once: many entries that differ must not become a burst.
_LOOKS_AT_ONCE = 4

_Id = TypeVar("_Id", ImageId, JobId)
_View = TypeVar("_View")


class Survey:
    """Asks one image service about the images of one manifest."""

    def __init__(self, service: ImageService, manifest_name: str) -> None:
        self._service = service
        self._manifest_name = manifest_name
        self._places = asyncio.Semaphore(_LOOKS_AT_ONCE)

    async def list_all(self) -> Sight:
        """Return all images that carry the manifest's tag, compared by ourselves.

        A cloud whose tag query shows nothing may only not know such queries: there all
        own images are listed.

        Raises:
            ServiceError: the list could not be had, so nothing is known.
            StoppedError: the survey is told to stop first.
        """
        query = ImageQuery(tag=(MANIFEST_TAG, self._manifest_name))
        views = self._ours(await self._service.list_images(query))
        if not views:
            views = self._ours(await self._service.list_images(ImageQuery()))
        return Sight(listed={view.image_id: view for view in views})

    async def look(
        self, sight: Sight, images: Iterable[ImageId], jobs: Iterable[JobId]
    ) -> None:
        """Add what the service shows of these images and jobs, and what it does not.

        Raises:
            AuthenticationError: no further call can succeed.
            StoppedError: the survey is told to stop first.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for image in sorted(set(images)):
                    get = self._ask(self._service.get_image, image, sight.looked, sight)
                    group.create_task(get)
                for job in sorted(set(jobs) - sight.jobs.keys()):
                    ask = self._ask(self._service.get_job, job, sight.jobs, sight)
                    group.create_task(ask)
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _ask(
        self,
        call: Callable[[_Id], Awaitable[_View]],
        asked: _Id,
        seen: dict[_Id, _View],
        sight: Sight,
    ) -> None:
        async with self._places:
            try:
                seen[asked] = await call(asked)
            except AuthenticationError:
                raise
            except ServiceError as error:
                sight.unseen[asked] = error.fault.sentence()

    def _ours(self, views: Iterable[ImageView]) -> list[ImageView]:
        return [view for view in views if of_manifest(view, self._manifest_name)]
