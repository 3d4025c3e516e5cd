"""A range of a file: its blocks, its MD5, and what is wrong with a file.

Decides: how much of it is in memory at once, which fault a disk's refusal is. Must not
know: what the bytes are for.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from batch_register.model import Fault
from batch_register.source import FileStamp
from batch_register.workers.cut import Cut
from batch_register.workers.file_faults import file_fault, missing
from batch_register.workers.pace import LARGEST_BLOCK_BYTES


class FileFaultError(Exception):
    """A file cannot be read as it was said to be; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def stamp_of(path: str) -> FileStamp | None:
    """Return size and age of a file, or None where there is none.

    Raises:
        FileFaultError: it cannot be looked at, or is no file: a folder, a pipe.
    """
    try:
        found = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise FileFaultError(_unreadable(path, error)) from None
    if not stat.S_ISREG(found.st_mode):
        raise FileFaultError(
            file_fault("upload.file-unreadable", f"{path}: it is no regular file")
        )
    return FileStamp(size_bytes=found.st_size, modified_ns=found.st_mtime_ns)


def read(path: str, offset: int, length: int) -> bytes:
    """Return up to `length` bytes from `offset`; fewer at the end.

    Raises:
        FileFaultError: the file cannot be read.
    """
    with _opened(path) as file:
        file.seek(offset)
        pieces: list[bytes] = []
        while length > 0 and (piece := file.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


def digest(path: str, offset: int, length: int, cut: Cut) -> str:
    """Return the MD5 of a range, as hex.

    Raises:
        FileFaultError: the file cannot be read, or ends before the range does.
        CutError: the work was told to end.
    """
    md5 = hashlib.md5(usedforsecurity=False)
    for block in blocks(path, offset, length, LARGEST_BLOCK_BYTES):
        cut.check()
        md5.update(block)
    return md5.hexdigest()


def blocks(
    path: str, offset: int, length: int, block_bytes: int
) -> Iterator[memoryview]:
    """Give a range in blocks; each is valid until the next is asked for.

    Raises:
        FileFaultError: the file cannot be read, or ends before the range does.
    """
    buffer = memoryview(bytearray(max(1, min(block_bytes, length))))
    with _opened(path) as file:
        file.seek(offset)
        while length:
            count = _filled(path, file, buffer[: min(length, len(buffer))])
            length -= count
            yield buffer[:count]


def _filled(path: str, file: io.FileIO, buffer: memoryview) -> int:
    """Read into the buffer; only what the disk says is a fault of the file."""
    try:
        count = file.readinto(buffer)
    except OSError as error:
        raise FileFaultError(_unreadable(path, error)) from None
    if not count:
        words = f"{path}: it became shorter while it was read"
        raise FileFaultError(file_fault("upload.file-changed", words))
    return count


@contextmanager
def _opened(path: str) -> Iterator[io.FileIO]:
    if stamp_of(path) is None:  # and nothing else: opening a pipe would wait for ever
        raise FileFaultError(missing(path))
    try:
        file = io.FileIO(path)
    except OSError as error:
        raise FileFaultError(_unreadable(path, error)) from None
    with file:
        yield file


def _unreadable(path: str, error: OSError) -> Fault:
    words = os.strerror(error.errno or errno.EIO)
    return file_fault("upload.file-unreadable", f"{path}: it cannot be read ({words})")
