"""Files of this machine: what is told of them, and what is wrong with them."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from batch_register.errors import ServiceError
from batch_register.model import Action, FilePlace
from batch_register.source import FileStamp
from batch_register.workers.local import LocalFiles
from tests.workers.conftest import DATA


def place(path: Path) -> FilePlace:
    return FilePlace(path=str(path))


async def test_a_stamp_is_size_and_age(files: LocalFiles, disk: Path) -> None:
    os.utime(disk, ns=(1, 123_456_789))
    stamp = FileStamp(size_bytes=len(DATA), modified_ns=123_456_789)
    assert await files.stamp(place(disk)) == stamp


async def test_no_file_has_no_stamp(files: LocalFiles, disk: Path) -> None:
    assert await files.stamp(place(disk.with_name("gone"))) is None
    assert await files.stamp(place(disk / "below a file")) is None


async def test_a_range_is_read_and_hashed(files: LocalFiles, disk: Path) -> None:
    assert await files.read(place(disk), 255, 3) == b"\xff\x00\x01"
    assert await files.read(place(disk), len(DATA) - 2, 10) == DATA[-2:]
    assert await files.read(place(disk), 9 * len(DATA), 10) == b""
    expected = hashlib.md5(DATA[5:600_000], usedforsecurity=False).hexdigest()
    assert await files.digest(place(disk), 5, 600_000 - 5) == expected


async def test_a_shorter_file_is_a_changed_one(files: LocalFiles, disk: Path) -> None:
    with pytest.raises(ServiceError) as caught:
        await files.digest(place(disk), 0, len(DATA) + 1)
    assert caught.value.fault.code == "upload.file-changed"
    assert caught.value.fault.action is Action.FIX_SOURCE


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing"])
async def test_what_is_no_file_is_not_opened(
    files: LocalFiles, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)  # opening it would wait for a writer
    code = "file-missing" if kind == "missing" else "file-unreadable"
    with pytest.raises(ServiceError) as caught:
        await files.read(place(path), 0, 1)
    assert caught.value.fault.code == f"upload.{code}"
    assert str(path) in caught.value.fault.reason
    with pytest.raises(ServiceError):
        await files.send(place(path), 0, 1, "http://127.0.0.1:9/x?canary")


async def test_a_name_that_no_disk_takes_is_told(files: LocalFiles) -> None:
    with pytest.raises(ServiceError) as caught:
        await files.stamp(FilePlace(path="x" * 300))
    assert caught.value.fault.code == "upload.file-unreadable"
    assert "name too long" in caught.value.fault.reason.lower()


async def test_a_cancelled_digest_does_not_read_on(
    files: LocalFiles, tmp_path: Path
) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(2**40)  # half an hour of reading
    async with asyncio.timeout(5):
        task = asyncio.ensure_future(files.digest(place(huge), 0, 2**40))
        await asyncio.sleep(0.05)  # under way
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
