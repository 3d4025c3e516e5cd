"""A local file becomes an object: skipped, resumed or sent, whatever was killed before.

Decides: in which order the store is asked and told. Must not know: how a range is read
or sent, the ledger's words.

What a kill leaves behind is an open upload with some parts. Its id is durable before the
first part goes out, so that the next run finds it; a part counts only once its MD5 was
compared with the file. Done twice, by two runs at once, it makes the same object.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import replace

from batch_register.errors import ServiceError
from batch_register.event import SourceUploaded, UploadBegun
from batch_register.model import FaultKind, ImageSpec
from batch_register.ports import Note, ObjectStore, SourceFiles
from batch_register.source import (
    Brought,
    FileStamp,
    ObjectView,
    SourcePin,
    UploadMark,
)
from batch_register.upload import faults
from batch_register.upload.ending import Ending
from batch_register.upload.file import FileToBring, Upload
from batch_register.upload.options import UploadOptions
from batch_register.upload.parts import is_in_doubt, part_bytes_for
from batch_register.upload.reader import Reader
from batch_register.upload.sender import Progress, Sender, Waits, silent

_MOST_UPLOADS = 3  # of one file in one run, where somebody else ends them


class Uploader:
    """Brings files to their objects; one for all entries of a run."""

    def __init__(
        self,
        store: ObjectStore,
        files: SourceFiles,
        *,
        options: UploadOptions | None = None,
        rng: random.Random | None = None,
        progress: Progress = silent,
    ) -> None:
        options = options or UploadOptions()
        streams = asyncio.Semaphore(options.streams)
        self._store = store
        self._files = files
        self._turns: dict[str, asyncio.Lock] = {}  # by object
        self._options = options
        waits = Waits(options, rng or random.Random())  # noqa: S311 - jitter
        self._reader = Reader(files, streams, options)
        self._sender = Sender(store, files, streams, options, waits, progress)
        self._ending = Ending(store, waits)

    async def bring(
        self,
        spec: ImageSpec,
        mark: UploadMark | None,
        note: Note,
        *,
        brought: Brought | None = None,
    ) -> SourcePin:
        """Bring an entry's file to its object; return what the object is then.

        `mark` is the upload that the ledger knows to be begun, `brought` what was there
        last: only such an object is replaced, and only where it is the entry's own.
        Entries that share an object wait for each other. Notes `UploadBegun` before
        the first part of a new upload goes out, `UploadProgressed` now and then, and
        `SourceUploaded` at the end, also where nothing had to be sent. May be cancelled
        at any point, and goes on in a later call with the mark.

        Raises:
            ServiceError: the object is not there; the fault says why.
            LedgerError: an event could not be made durable.
        """
        async with self._turns.setdefault(spec.image_url, asyncio.Lock()):
            if brought is not None and await self._has_done_its_duty(spec, brought):
                return await _noted(note, brought.pin, 0, brought.file)
            file = await self._found(spec)
            view, sent_bytes = await self._brought(file, mark, brought, note)
        return await _noted(note, view.pin, sent_bytes, file.stamp)

    async def _has_done_its_duty(self, spec: ImageSpec, brought: Brought) -> bool:
        """Return whether the file was removed after it was brought: its object is there."""
        if spec.source is None or await self._files.stamp(spec.source) is not None:
            return False
        bucket, _, name = spec.image_url.partition(":")
        view = await self._store.head_object(bucket, name)
        return view is not None and view.pin == brought.pin

    async def _brought(
        self,
        file: FileToBring,
        mark: UploadMark | None,
        brought: Brought | None,
        note: Note,
    ) -> tuple[ObjectView, int]:
        """Return the object, and how many bytes went out for it."""
        view = await self._store.head_object(file.bucket, file.name)
        if view is None:
            return await self._uploaded(file, mark, note)
        is_known = brought is not None and brought == replace(
            brought, pin=view.pin, file=file.stamp
        )
        if is_known or await self._reader.is_same(file, view, mark):
            if mark is not None:
                await self._give_up(file, mark.upload_id)
            return view, 0
        is_own = brought is not None and brought.may_replace(view.pin)
        if not (is_own or _may_be_ours(file, view, mark)):
            raise faults.object_differs(file.bucket, file.name, view.pin.etag)
        return await self._uploaded(replace(file, replaces=view.pin), mark, note)

    async def holds(self, spec: ImageSpec, brought: Brought) -> bool:
        """Return whether an entry's file still has the content that was brought.

        Where the ETag of an encrypted object tells nothing, the size alone counts.

        Raises:
            ServiceError: it cannot be read.
        """
        file = await self._found(spec)
        view = await self._store.head_object(file.bucket, file.name)
        if view is None or view.pin != brought.pin:
            view = ObjectView(pin=brought.pin)
        if is_in_doubt(view.pin.etag, view.encryption):
            return file.stamp.size_bytes == view.pin.size_bytes
        return await self._reader.is_same(file, view, None)

    async def _found(self, spec: ImageSpec) -> FileToBring:
        if spec.source is None:
            message = f"{spec.key} names no file to upload"
            raise ValueError(message)
        stamp = await self._files.stamp(spec.source)
        if stamp is None:
            raise faults.file_missing(spec.source.path)
        if stamp.size_bytes == 0:
            raise faults.file_empty(spec.source.path)
        bucket, _, name = spec.image_url.partition(":")
        return FileToBring(
            key=spec.key, place=spec.source, stamp=stamp, bucket=bucket, name=name
        )

    async def _uploaded(
        self, file: FileToBring, mark: UploadMark | None, note: Note
    ) -> tuple[ObjectView, int]:
        """Return the object, and how many bytes went out for it."""
        sent_bytes = 0
        for _ in range(_MOST_UPLOADS):
            upload = await self._resumed(file, mark) or await self._begun(file, note)
            view = await self._finished(upload, note)
            sent_bytes += upload.sent_bytes
            if view is not None:
                return view, sent_bytes
            mark = None
        raise faults.upload_gone()

    async def _resumed(
        self, file: FileToBring, mark: UploadMark | None
    ) -> Upload | None:
        """Return the upload that was begun, with the parts that are the file's."""
        if mark is None:
            return None
        if mark.file != file.stamp:
            await self._give_up(file, mark.upload_id)
            return None
        stored = await self._store.list_parts(file.bucket, file.name, mark.upload_id)
        if stored is None:
            return None
        upload = Upload(file=file, upload_id=mark.upload_id, part_bytes=mark.part_bytes)
        await self._reader.keep_stored(upload, stored)
        return upload

    async def _begun(self, file: FileToBring, note: Note) -> Upload:
        size_bytes = file.stamp.size_bytes
        try:
            part_bytes = part_bytes_for(size_bytes, self._options.part_bytes)
        except ValueError:
            raise faults.file_too_large(file.place.path, size_bytes) from None
        try:
            upload_id = await self._store.begin_upload(file.bucket, file.name)
        except ServiceError as error:
            if error.kind is FaultKind.NOT_FOUND:
                raise faults.bucket_missing(file.bucket) from None
            raise
        await note(
            UploadBegun(
                upload_id=upload_id,
                part_bytes=part_bytes,
                size_bytes=size_bytes,
                modified_ns=file.stamp.modified_ns,
            )
        )
        return Upload(file=file, upload_id=upload_id, part_bytes=part_bytes)

    async def _finished(self, upload: Upload, note: Note) -> ObjectView | None:
        """Send the rest and complete; None where somebody else has ended the upload."""
        try:
            await self._sender.send_missing(upload, note)
        except ServiceError as error:
            await self._check_unchanged(upload)  # which would explain any refusal
            is_unknown = error.kind is FaultKind.NOT_FOUND
            if is_unknown and await self._ending.stored(upload) is None:
                return None
            raise
        await self._check_unchanged(upload)
        return await self._overtaken(upload) or await self._ending.complete(upload)

    async def _overtaken(self, upload: Upload) -> ObjectView | None:
        """Return the object where another run has brought the same content meanwhile.

        Its image may be under way: the object is not replaced, not even by the like.

        Raises:
            ServiceError: somebody has put other content there meanwhile.
        """
        file = upload.file
        view = await self._store.head_object(file.bucket, file.name)
        if view is None or view.pin == file.replaces:
            return None
        await self._give_up(file, upload.upload_id)
        if not upload.is_surely(view):
            raise faults.object_differs(file.bucket, file.name, view.pin.etag)
        return view

    async def _check_unchanged(self, upload: Upload) -> None:
        """Give the upload up where the file is no longer what it was at first."""
        file = upload.file
        if await self._files.stamp(file.place) != file.stamp:
            await self._give_up(file, upload.upload_id)
            raise faults.file_changed(file.place.path)

    async def _give_up(self, file: FileToBring, upload_id: str) -> None:
        """Free what an upload has stored; what stays is found by `reconcile`."""
        with suppress(ServiceError):
            await self._store.abort_upload(file.bucket, file.name, upload_id)


def _may_be_ours(file: FileToBring, view: ObjectView, mark: UploadMark | None) -> bool:
    """Return whether an object that nobody can tell may be what a killed run completed."""
    return (
        mark is not None
        and mark.file == file.stamp
        and view.pin.size_bytes == file.stamp.size_bytes
        and is_in_doubt(view.pin.etag, view.encryption)
    )


async def _noted(
    note: Note, pin: SourcePin, sent_bytes: int, file: FileStamp
) -> SourcePin:
    """Make durable that the object is the file, and return its pin."""
    await note(
        SourceUploaded(
            etag=pin.etag,
            size_bytes=pin.size_bytes,
            sent_bytes=sent_bytes,
            modified_ns=file.modified_ns,
        )
    )
    return pin
