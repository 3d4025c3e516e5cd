"""In-process stand-ins for an object store and for files, with a death at any step."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError
from batch_register.event import Event, UploadBegun
from batch_register.model import Applied, EntryKey, FaultKind, FilePlace
from batch_register.source import (
    Brought,
    BucketView,
    FileStamp,
    ListedObject,
    ObjectView,
    OpenUpload,
    SourcePin,
    StoredPart,
    UploadMark,
)
from tests.fakes import service_error

BUCKET = "bucket"
KEY = "disks/web-01.raw"
PLACE = FilePlace(path="/disks/web-01.raw")


class KilledError(BaseException):
    """The process is dead: nothing of it happens any more."""


@dataclass
class Death:
    """Kills at the step with this number, before or after it has had its effect."""

    at: int | None = None
    after: bool = False
    steps: int = 0
    has_come: bool = False

    async def step(self) -> None:
        await asyncio.sleep(0)
        self._check()
        if self.steps == self.at and not self.after:
            self.has_come = True
        self._check()

    async def done(self) -> None:
        number, self.steps = self.steps, self.steps + 1
        if number == self.at and self.after:
            self.has_come = True
        self._check()
        await asyncio.sleep(0)
        self._check()

    def _check(self) -> None:
        if self.has_come:
            raise KilledError


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@dataclass
class FakeStore:
    """A bucket; `troubles` are raised by the calls of a name, one for each call."""

    death: Death = field(default_factory=Death)
    objects: dict[str, bytes] = field(default_factory=dict)
    views: dict[str, ObjectView] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    troubles: dict[str, list[ServiceError]] = field(default_factory=dict)
    loses_complete: int = 0  # so many answers, though the object is made
    encrypts: bool = False
    signed: int = 0
    begun: int = 0
    aborted: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)

    async def _call(self, name: str) -> None:
        await self.death.step()
        self.calls.append(name)
        if name in self.before:
            self.before[name]()
        if waiting := self.troubles.get(name):
            raise waiting.pop(0)

    def put(self, data: bytes, etag: str | None = None) -> None:
        """Have an object there, put by somebody else."""
        self.objects[KEY] = data
        pin = SourcePin(etag=etag or md5(data), size_bytes=len(data))
        self.views[KEY] = ObjectView(pin=pin)

    def etag(self, data: bytes) -> str:
        return md5(b"key" + data) if self.encrypts else md5(data)

    def stored(self, upload_id: str) -> list[StoredPart]:
        return [
            StoredPart(number=number, etag=self.etag(data), size_bytes=len(data))
            for number, data in sorted(self.uploads[upload_id].items())
        ]

    async def head_bucket(self, bucket: str) -> BucketView | None:
        return BucketView(name=bucket)

    async def head_object(self, bucket: str, key: str) -> ObjectView | None:
        await self._call("head_object")
        await self.death.done()
        return self.views.get(key)

    async def read(self, bucket: str, key: str, offset: int, length: int) -> bytes:
        return self.objects[key][offset : offset + length]

    async def list_objects(
        self, bucket: str, prefix: str
    ) -> AsyncIterator[ListedObject]:
        for key, view in self.views.items():
            yield ListedObject(key=key, pin=view.pin)

    async def begin_upload(self, bucket: str, key: str) -> str:
        await self._call("begin_upload")
        self.begun += 1
        upload_id = f"upload-{self.begun}"
        self.uploads[upload_id] = {}
        await self.death.done()
        return upload_id

    async def list_parts(
        self, bucket: str, key: str, upload_id: str
    ) -> list[StoredPart] | None:
        await self._call("list_parts")
        await self.death.done()
        return self.stored(upload_id) if upload_id in self.uploads else None

    async def part_address(
        self, bucket: str, key: str, upload_id: str, number: int
    ) -> str:
        await self._call("part_address")
        self.signed += 1
        return f"{upload_id}/{number}/{self.signed}"

    async def complete_upload(
        self, bucket: str, key: str, upload_id: str, parts: Sequence[StoredPart]
    ) -> None:
        await self._call("complete_upload")
        if upload_id not in self.uploads:
            raise service_error(FaultKind.NOT_FOUND, code="obs.NoSuchUpload")
        assert list(parts) == self.stored(upload_id)
        pieces = [data for _, data in sorted(self.uploads.pop(upload_id).items())]
        self.objects[key] = data = b"".join(pieces)
        digests = b"".join(bytes.fromhex(md5(piece)) for piece in pieces)
        pin = SourcePin(
            etag=f"{self.etag(digests)}-{len(pieces)}", size_bytes=len(data)
        )
        encryption = "kms" if self.encrypts else ""
        self.views[key] = ObjectView(pin=pin, encryption=encryption)
        await self.death.done()
        if self.loses_complete:
            self.loses_complete -= 1
            raise service_error(FaultKind.LOST, applied=Applied.UNKNOWN)

    async def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        await self._call("abort_upload")
        self.aborted.append(upload_id)
        self.uploads.pop(upload_id, None)
        await self.death.done()

    async def list_uploads(self, bucket: str, prefix: str) -> list[OpenUpload]:
        return []


@dataclass
class FakeFiles:
    """One file; what is sent arrives in the store. `spoils`: parts that arrive broken."""

    store: FakeStore
    data: bytes
    death: Death = field(default_factory=Death)
    modified_ns: int = 1  # 0: there is no file
    claims_bytes: int | None = None  # in its stamp
    sent: list[tuple[int, int]] = field(default_factory=list)  # offset, length
    hashed: list[tuple[int, int]] = field(default_factory=list)
    troubles: list[ServiceError] = field(default_factory=list)
    spoils: int = 0
    refuses_from: int | None = None  # from this offset on
    takes_s: float = 0.0  # for each part
    under_way: int = 0
    most_under_way: int = 0

    async def stamp(self, place: FilePlace) -> FileStamp | None:
        await self.death.step()
        await self.death.done()
        if not self.modified_ns:
            return None
        size_bytes = self.claims_bytes or len(self.data)
        return FileStamp(size_bytes=size_bytes, modified_ns=self.modified_ns)

    async def read(self, place: FilePlace, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    async def digest(self, place: FilePlace, offset: int, length: int) -> str:
        await self.death.step()
        self.hashed.append((offset, length))
        await self.death.done()
        return md5(self.data[offset : offset + length])

    async def send(
        self, place: FilePlace, offset: int, length: int, address: str
    ) -> str:
        await self.death.step()
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self._arrive(offset, length, address)
        finally:
            self.under_way -= 1

    async def _arrive(self, offset: int, length: int, address: str) -> str:
        if self.takes_s:
            await asyncio.sleep(self.takes_s)
        self.sent.append((offset, length))
        if self.refuses_from is not None and offset >= self.refuses_from:
            raise service_error(FaultKind.FORBIDDEN)
        if self.troubles:
            raise self.troubles.pop(0)
        upload_id, number, _ = address.split("/")
        if upload_id not in self.store.uploads:
            raise service_error(FaultKind.NOT_FOUND, code="obs.NoSuchUpload")
        piece = self.data[offset : offset + length]
        if self.spoils:
            self.spoils -= 1
            self.store.uploads[upload_id][int(number)] = b"?" * length
            raise service_error(FaultKind.LOST, code="upload.etag-differs")
        self.store.uploads[upload_id][int(number)] = piece
        await self.death.done()
        return md5(piece)


@dataclass
class Notes:
    """What an entry's ledger would hold of its upload."""

    death: Death = field(default_factory=Death)
    events: list[Event] = field(default_factory=list)

    async def __call__(self, event: Event) -> None:
        await self.death.step()
        self.events.append(event)
        await self.death.done()

    @property
    def brought(self) -> Brought | None:
        record = EntryRecord(key=EntryKey("web-01"))
        for event in self.events:
            record.apply(event, "")
        return record.brought

    @property
    def mark(self) -> UploadMark | None:
        begun = [one for one in self.events if isinstance(one, UploadBegun)]
        if not begun:
            return None
        last = begun[-1]
        stamp = FileStamp(size_bytes=last.size_bytes, modified_ns=last.modified_ns)
        return UploadMark(
            upload_id=last.upload_id, part_bytes=last.part_bytes, file=stamp
        )
