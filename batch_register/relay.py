"""An ImageService that passes every call on to another one.

Decides: nothing. Whoever stands in the way of some calls only says what it does to those.
"""

from __future__ import annotations

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
from batch_register.ports import ImageService


class Relay:
    """See `ports.ImageService` for what each call promises."""

    def __init__(self, service: ImageService) -> None:
        self._service = service

    async def create_image(self, spec: ImageSpec, tags: Pairs) -> ImageView:
        """Pass it on."""
        return await self._service.create_image(spec, tags)

    async def register_image(self, image_id: ImageId, spec: ImageSpec) -> JobId:
        """Pass it on."""
        return await self._service.register_image(image_id, spec)

    async def get_image(self, image_id: ImageId) -> ImageView | None:
        """Pass it on."""
        return await self._service.get_image(image_id)

    async def get_job(self, job_id: JobId) -> JobView | None:
        """Pass it on."""
        return await self._service.get_job(job_id)

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        """Pass it on."""
        return await self._service.list_images(query)

    async def delete_image(self, image_id: ImageId) -> None:
        """Pass it on."""
        await self._service.delete_image(image_id)

    async def get_quota(self) -> Quota:
        """Pass it on."""
        return await self._service.get_quota()
