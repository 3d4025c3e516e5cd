"""The uploader against a real S3 server: whole content, forgotten uploads, rights."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from batch_register.errors import ServiceError
from batch_register.event import SourceUploaded, UploadBegun
from batch_register.model import Action, FilePlace, ImageSpec
from batch_register.source import UploadMark
from batch_register.transport.tls import Tls
from batch_register.upload import Uploader, UploadOptions
from batch_register.upload.parts import LEAST_PART_BYTES
from batch_register.workers.local import LocalFiles
from batch_register.workers.ranges import stamp_of
from tests.fakes import spec
from tests.object_store.opened import opened
from tests.object_store.server import Store
from tests.upload.ports import Notes

pytestmark = pytest.mark.integration

DATA = random.Random(1).randbytes(2 * LEAST_PART_BYTES + 99)
OPTIONS = UploadOptions(part_bytes=LEAST_PART_BYTES)


@asynccontextmanager
async def uploading(store: Store) -> AsyncIterator[Uploader]:
    async with (
        opened(store) as ours,
        LocalFiles(tls=Tls(), trust_env=False, threads=4) as files,
    ):
        yield Uploader(ours, files, options=OPTIONS)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "web-01.raw"
    path.write_bytes(DATA)
    return path


def entry(disk: Path, bucket: str) -> ImageSpec:
    return spec(
        image_url=f"{bucket}:disks/web 01.raw", source=FilePlace(path=str(disk))
    )


async def test_the_object_is_the_file(object_store: Store, disk: Path) -> None:
    bucket = await object_store.bucket()
    async with uploading(object_store) as uploader:
        pin = await uploader.bring(entry(disk, bucket), None, Notes())
    assert await object_store.content(bucket, "disks/web 01.raw") == DATA
    assert (pin.size_bytes, pin.etag[-2:]) == (len(DATA), "-3")


async def test_twice_is_sent_once(object_store: Store, disk: Path) -> None:
    bucket = await object_store.bucket()
    notes = Notes()
    async with uploading(object_store) as uploader:
        for _ in range(2):
            await uploader.bring(entry(disk, bucket), None, notes)
    sent = [e.sent_bytes for e in notes.events if isinstance(e, SourceUploaded)]
    assert sent == [len(DATA), 0]


async def test_what_was_put_in_one_piece_is_the_same(
    object_store: Store, disk: Path
) -> None:
    bucket = await object_store.bucket()
    await object_store.put(bucket, {"disks/web 01.raw": DATA})
    notes = Notes()
    async with uploading(object_store) as uploader:
        await uploader.bring(entry(disk, bucket), None, notes)
    assert [type(event) for event in notes.events] == [SourceUploaded]


async def test_an_upload_that_was_ended_meanwhile_is_begun_anew(
    object_store: Store, disk: Path
) -> None:
    bucket = await object_store.bucket()
    notes = Notes()
    async with uploading(object_store) as uploader, opened(object_store) as ours:
        upload_id = await ours.begin_upload(bucket, "disks/web 01.raw")
        await ours.abort_upload(bucket, "disks/web 01.raw", upload_id)
        stamp = stamp_of(str(disk))
        assert stamp is not None
        mark = UploadMark(upload_id=upload_id, part_bytes=LEAST_PART_BYTES, file=stamp)
        await uploader.bring(entry(disk, bucket), mark, notes)
    names = [event.ledger_name for event in notes.events]
    assert names == [UploadBegun.ledger_name, SourceUploaded.ledger_name]
    assert await object_store.content(bucket, "disks/web 01.raw") == DATA


async def test_two_runs_at_once_do_no_harm(object_store: Store, disk: Path) -> None:
    bucket = await object_store.bucket()
    async with (
        uploading(object_store) as one,
        uploading(object_store) as other,
        asyncio.TaskGroup() as group,
    ):
        for uploader in (one, other):
            group.create_task(uploader.bring(entry(disk, bucket), None, Notes()))
    assert await object_store.content(bucket, "disks/web 01.raw") == DATA


async def test_a_missing_bucket_is_the_manifests_fault(
    object_store: Store, disk: Path
) -> None:
    async with uploading(object_store) as uploader:
        with pytest.raises(ServiceError) as caught:
            await uploader.bring(entry(disk, "no-such-bucket"), None, Notes())
    assert caught.value.fault.action is Action.FIX_MANIFEST


async def test_a_closed_bucket_asks_for_permission(
    guarded_store: Store, disk: Path
) -> None:
    bucket = await guarded_store.bucket()
    async with uploading(guarded_store) as uploader:
        closed = entry(disk, bucket.replace("bucket", "closed"))
        with pytest.raises(ServiceError) as caught:
            await uploader.bring(closed, None, Notes())
    assert caught.value.fault.action is Action.ASK_PERMISSION
