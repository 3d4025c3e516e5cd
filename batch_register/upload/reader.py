"""What a file's own bytes say about what is in the store already.

Decides: which ranges are hashed to find that out. Must not know: how parts are sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from batch_register.ports import SourceFiles
from batch_register.source import ObjectView, StoredPart, UploadMark
from batch_register.upload.faults import file_changed
from batch_register.upload.file import FileToBring, Upload
from batch_register.upload.lanes import in_lanes
from batch_register.upload.options import UploadOptions
from batch_register.upload.parts import (
    Part,
    candidates,
    combined_etags,
    cut,
    is_digest,
    is_in_doubt,
    part_bytes_for,
    part_sizes_behind,
)


class Reader:
    """Hashes files, within the bound on streams that all uploads share."""

    def __init__(
        self, files: SourceFiles, streams: asyncio.Semaphore, options: UploadOptions
    ) -> None:
        self._files = files
        self._streams = streams
        self._options = options

    async def is_same(
        self, file: FileToBring, view: ObjectView, mark: UploadMark | None
    ) -> bool:
        """Return whether an object has the file's content already.

        The file is read only where the sizes are equal and the ETag tells something.

        Raises:
            ServiceError: the file cannot be read, or has changed meanwhile.
        """
        size_bytes, etag = file.stamp.size_bytes, view.pin.etag
        if view.pin.size_bytes != size_bytes or is_in_doubt(etag, view.encryption):
            return False
        is_same = await self._fits(file, etag, mark)
        if is_same:
            await self.check_unchanged(file)
        return is_same

    async def _fits(
        self, file: FileToBring, etag: str, mark: UploadMark | None
    ) -> bool:
        size_bytes = file.stamp.size_bytes
        if is_digest(etag):
            whole = Part(number=1, offset=0, length=size_bytes)
            return (await self._digests(file, [whole]))[0] == etag
        own = [part_bytes_for(size_bytes, self._options.part_bytes)]
        own += [mark.part_bytes] if mark is not None else []
        for part_bytes in part_sizes_behind(etag, size_bytes, own):
            digests = await self._digests(file, cut(size_bytes, part_bytes))
            if etag in combined_etags(digests):
                return True
        return False

    async def keep_stored(self, upload: Upload, stored: Iterable[StoredPart]) -> None:
        """Keep the parts that the store has already, as far as they are the file's."""

        async def compare(one: tuple[Part, str]) -> None:
            part, etag = one
            if await self._digest(upload.file, part) == etag:
                upload.keep(part, etag)

        found = candidates(upload.parts, stored)
        await in_lanes(found, compare, lanes=self._options.per_file)

    async def check_unchanged(self, file: FileToBring) -> None:
        """Raise ServiceError where the file is no longer what it was at first."""
        if await self._files.stamp(file.place) != file.stamp:
            raise file_changed(file.place.path)

    async def _digests(self, file: FileToBring, parts: Sequence[Part]) -> list[str]:
        found: dict[int, str] = {}

        async def look(part: Part) -> None:
            found[part.number] = await self._digest(file, part)

        await in_lanes(parts, look, lanes=self._options.per_file)
        return [found[part.number] for part in parts]

    async def _digest(self, file: FileToBring, part: Part) -> str:
        async with self._streams:
            return await self._files.digest(file.place, part.offset, part.length)
