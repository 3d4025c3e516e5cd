"""The end of an upload: its parts become the object, and the object is looked at.

Decides: when an object is what was sent. Must not know: how parts are sent.
"""

from __future__ import annotations

from batch_register.errors import ServiceError
from batch_register.ports import ObjectStore
from batch_register.source import ObjectView, StoredPart
from batch_register.upload import faults
from batch_register.upload.file import Upload
from batch_register.upload.parts import misfits
from batch_register.upload.sender import Waits


class Ending:
    """Completes uploads."""

    def __init__(self, store: ObjectStore, waits: Waits) -> None:
        self._store = store
        self._waits = waits

    async def complete(self, upload: Upload) -> ObjectView | None:
        """Make the object; return what it is, or None where the upload has gone.

        Raises:
            ServiceError: the store refuses, or what it has is not what was sent.
        """
        stored = await self.stored(upload)
        if stored is None:
            return await self._proof(upload)
        if lost := misfits(upload.parts, upload.digests, stored):
            raise faults.part_lost(lost)
        return await self._completed(upload, stored[: len(upload.parts)])

    async def stored(self, upload: Upload) -> list[StoredPart] | None:
        """Return the parts that the store has, or None where the upload has gone."""
        file = upload.file
        return await self._store.list_parts(file.bucket, file.name, upload.upload_id)

    async def _completed(
        self, upload: Upload, parts: list[StoredPart]
    ) -> ObjectView | None:
        """Ask until it is answered; an answer that was lost shows in what is left."""
        file, attempt = upload.file, 1
        while True:
            try:
                await self._store.complete_upload(
                    file.bucket, file.name, upload.upload_id, parts
                )
            except ServiceError as error:
                if await self.stored(upload) is None:
                    return await self._proof(upload)
                await self._waits.before_next(attempt, error)
                attempt += 1
            else:
                return await self._seen(upload)

    async def _seen(self, upload: Upload) -> ObjectView:
        view = await self._look(upload)
        if view is None:
            raise faults.object_missing()
        if not upload.may_be(view):
            raise faults.content_differs(view.pin.etag)
        return view

    async def _proof(self, upload: Upload) -> ObjectView | None:
        """Return the object if it is certainly of this file, whoever completed it."""
        view = await self._look(upload)
        return view if view is not None and upload.is_surely(view) else None

    async def _look(self, upload: Upload) -> ObjectView | None:
        return await self._store.head_object(upload.file.bucket, upload.file.name)
