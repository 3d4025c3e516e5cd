"""The missing parts of an upload, sent a few at a time.

Decides: when a part is tried again, how often progress is told. Must not know: how an
upload begins or ends.
"""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

from batch_register.errors import ServiceError
from batch_register.event import UploadProgressed
from batch_register.model import EntryKey
from batch_register.ports import Note, ObjectStore, SourceFiles
from batch_register.upload.file import Upload
from batch_register.upload.lanes import in_lanes
from batch_register.upload.options import UploadOptions
from batch_register.upload.parts import Part


class Progress(Protocol):
    """Who is told, live, how much of a file is in the store; must not block nor raise."""

    def __call__(self, key: EntryKey, sent_bytes: int, total_bytes: int, /) -> None:
        """Take note of it."""
        ...


class Waits:
    """How long to wait before something is tried again."""

    def __init__(self, options: UploadOptions, rng: random.Random) -> None:
        self._options = options
        self._rng = rng

    async def before_next(self, attempt: int, error: ServiceError) -> None:
        """Wait after this failed attempt (from 1), or raise its error.

        Raises:
            ServiceError: `error`, which does not pass, or was the last one allowed.
        """
        if not error.fault.is_passing or attempt >= self._options.attempts:
            raise error
        delay_s = self._options.backoff.delay_s(attempt, self._rng.random())
        await asyncio.sleep(max(delay_s, error.retry_after_s or 0.0))


class Sender:
    """Sends parts, within the bound on streams that all uploads share."""

    def __init__(
        self,
        store: ObjectStore,
        files: SourceFiles,
        streams: asyncio.Semaphore,
        options: UploadOptions,
        waits: Waits,
        progress: Progress,
    ) -> None:
        self._store = store
        self._files = files
        self._streams = streams
        self._options = options
        self._waits = waits
        self._progress = progress

    async def send_missing(self, upload: Upload, note: Note) -> None:
        """Send what the store does not have, and tell how it goes.

        Raises:
            ServiceError: a part was refused for good, or too often.
            LedgerError: the progress could not be made durable.
        """
        loop = asyncio.get_running_loop()
        told_at_s = loop.time()
        self._tell(upload)

        async def send(part: Part) -> None:
            nonlocal told_at_s
            upload.keep(part, await self._sent(upload, part))
            upload.sent_bytes += part.length
            self._tell(upload)
            if loop.time() - told_at_s >= self._options.note_every_s:
                told_at_s = loop.time()
                await note(UploadProgressed(sent_bytes=upload.stored_bytes))

        await in_lanes(upload.missing, send, lanes=self._options.per_file)

    def _tell(self, upload: Upload) -> None:
        file = upload.file
        self._progress(file.key, upload.stored_bytes, file.stamp.size_bytes)

    async def _sent(self, upload: Upload, part: Part) -> str:
        """Send one part until it is taken; a wait holds no stream."""
        attempt = 1
        while True:
            try:
                return await self._sent_once(upload, part)
            except ServiceError as error:
                await self._waits.before_next(attempt, error)
            attempt += 1

    async def _sent_once(self, upload: Upload, part: Part) -> str:
        file = upload.file
        async with self._streams:
            address = await self._store.part_address(
                file.bucket, file.name, upload.upload_id, part.number
            )
            return await self._files.send(file.place, part.offset, part.length, address)


def silent(_key: EntryKey, _sent_bytes: int, _total_bytes: int, /) -> None:
    """Tell nobody."""
