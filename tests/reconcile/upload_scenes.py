"""Small pieces of a scene with uploads: entries with files, open uploads, a store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from batch_register.entry import EntryRecord
from batch_register.model import EntryKey, FilePlace, ImageSpec
from batch_register.reconcile import Begun, Judging, UploadFound
from batch_register.reconcile.findings import UploadKind
from batch_register.source import FileStamp, OpenUpload, UploadMark
from batch_register.stage import Planned
from tests.fakes import spec
from tests.reconcile.scenes import KEY, record
from tests.upload.ports import FakeStore

BUCKET, OBJECT = "disks", "wave/web-01.qcow2"
URL = f"{BUCKET}:{OBJECT}"
JUDGING = Judging(now=datetime(2026, 9, 9, tzinfo=UTC), age=timedelta(hours=24))
OLD, YOUNG = "2026-09-07T00:00:00Z", "2026-09-08T12:00:00Z"


def with_file(key: str = KEY, url: str = URL, **changes: Any) -> ImageSpec:
    """Return an entry whose file is uploaded first."""
    return spec(key, image_url=url, source=FilePlace(path="/d/x.qcow2"), **changes)


def on_the_way(upload_id: str = "u1", **changes: Any) -> EntryRecord:
    """Return a record that stands by this upload."""
    file = FileStamp(size_bytes=20, modified_ns=1)
    mark = UploadMark(upload_id=upload_id, part_bytes=8, file=file)
    facts: dict[str, Any] = {"stage": Planned(), "upload": mark, "image_url": URL}
    return record(**(facts | changes))


def begun(upload_id: str = "u1", key: str = KEY, url: str = URL) -> Begun:
    """Return an upload that a ledger names."""
    return Begun(key=EntryKey(key), upload_id=upload_id, image_url=url)


def open_upload(
    upload_id: str = "u1", *, name: str = OBJECT, begun_at: str = OLD
) -> OpenUpload:
    """Return an upload that a store shows."""
    return OpenUpload(key=name, upload_id=upload_id, begun_at=begun_at)


def found(
    upload_id: str = "u1",
    kind: UploadKind = UploadKind.ABANDONED,
    **changes: Any,
) -> UploadFound:
    """Return an upload that was compared."""
    facts: dict[str, Any] = {"key": EntryKey(KEY), "obstacles": ()}
    return UploadFound(
        bucket=BUCKET, upload=open_upload(upload_id), kind=kind, **(facts | changes)
    )


@dataclass
class ListingStore(FakeStore):
    """A store that shows these open uploads, by bucket."""

    listed: dict[str, list[OpenUpload]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def list_uploads(self, bucket: str, prefix: str) -> list[OpenUpload]:
        self.asked.append((bucket, prefix))
        await self._call("list_uploads")
        return self.listed.get(bucket, [])
