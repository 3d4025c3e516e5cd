"""A store and a disk in memory, which count what is asked of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from batch_register.errors import ServiceError
from batch_register.model import Fault, FilePlace
from batch_register.preflight.eyes import Read
from batch_register.source import (
    BucketView,
    DiskFormat,
    FileStamp,
    Inspection,
    ListedObject,
    ObjectView,
    OpenUpload,
    StoredPart,
)
from tests.preflight.scenes import BUCKET, GB, OBJECT, PIN, STAMP

HEADER_BYTES = 512


@dataclass
class FakeStore:
    """An ObjectStore with good buckets and objects, but for what `answers` says.

    A name there is "bucket", "bucket:key" or "bucket:key content"; a fault is raised.
    """

    answers: Mapping[str, object] = field(default_factory=dict)
    always: Fault | None = None  # the answer to everything
    listing: Sequence[str] = ()  # keys
    takes_s: float = 0.1
    calls: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    peak: int = 0

    async def head_bucket(self, bucket: str) -> BucketView | None:
        answer = await self._answer(bucket, BUCKET)
        assert answer is None or isinstance(answer, BucketView)
        return answer

    async def head_object(self, bucket: str, key: str) -> ObjectView | None:
        answer = await self._answer(f"{bucket}:{key}", OBJECT)
        assert answer is None or isinstance(answer, ObjectView)
        return answer

    async def read(self, bucket: str, key: str, offset: int, length: int) -> bytes:
        answer = await self._answer(f"{bucket}:{key} content", b"\0" * length)
        assert isinstance(answer, bytes)
        return answer

    async def list_objects(
        self, bucket: str, prefix: str
    ) -> AsyncIterator[ListedObject]:
        for at in range(0, max(len(self.listing), 1), 1000):
            await self._answer(f"{bucket} list", None)
            for key in sorted(self.listing)[at : at + 1000]:
                if key.startswith(prefix):
                    yield ListedObject(key=key, pin=PIN)

    async def _answer(self, name: str, usual: object) -> object:
        self.calls[name] += 1
        self.under_way += 1
        self.peak = max(self.peak, self.under_way)
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.under_way -= 1
        answer = self.always or self.answers.get(name, usual)
        if isinstance(answer, Fault):
            raise ServiceError("test", answer)
        return answer

    # ------------------------------------------------------------ not of this test

    async def begin_upload(self, bucket: str, key: str) -> str:
        raise NotImplementedError

    async def list_parts(
        self, bucket: str, key: str, upload_id: str
    ) -> list[StoredPart] | None:
        raise NotImplementedError

    async def part_address(
        self, bucket: str, key: str, upload_id: str, number: int
    ) -> str:
        raise NotImplementedError

    async def complete_upload(
        self, bucket: str, key: str, upload_id: str, parts: Sequence[StoredPart]
    ) -> None:
        raise NotImplementedError

    async def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        raise NotImplementedError

    async def list_uploads(self, bucket: str, prefix: str) -> list[OpenUpload]:
        raise NotImplementedError


@dataclass
class FakeFiles:
    """SourceFiles that are all there, but for what `stamps` says."""

    stamps: Mapping[str, FileStamp | Fault | None] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    async def stamp(self, place: FilePlace) -> FileStamp | None:
        self.calls[f"stamp {place.path}"] += 1
        await asyncio.sleep(0)
        answer = self.stamps.get(place.path, STAMP)
        if isinstance(answer, Fault):
            raise ServiceError("test", answer)
        return answer

    async def read(self, place: FilePlace, offset: int, length: int) -> bytes:
        self.calls[f"read {place.path}"] += 1
        await asyncio.sleep(0)
        return b"\0" * length

    async def digest(self, place: FilePlace, offset: int, length: int) -> str:
        raise NotImplementedError

    async def send(
        self, place: FilePlace, offset: int, length: int, address: str
    ) -> str:
        raise NotImplementedError


async def inspect(read: Read, size_bytes: int) -> Inspection:
    """Read one header and call it a disk of 20 GB."""
    assert len(await read(0, HEADER_BYTES)) == HEADER_BYTES
    return Inspection(disk_format=DiskFormat.QCOW2, virtual_size_bytes=20 * GB)
