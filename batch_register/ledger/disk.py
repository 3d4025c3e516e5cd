"""The ledger's file as a disk: opened, locked, read, appended to, made durable.

Decides: how a ledger file is made and locked, which foreign error means what. Must not
know: lines, events, the loop. `Disk` and `DiskWorker` are the seams where a test or a
simulation puts its own disk, with its own faults and without a thread.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from batch_register.errors import LedgerError, LedgerLockedError
from batch_register.ledger.line import MAX_LINE_BYTES

_T = TypeVar("_T")

READ_BYTES = 1024 * 1024
_MODE = 0o644
_NO_DIRECTORY_FSYNC = (errno.EINVAL, errno.ENOTSUP)  # some network file systems

_HINTS = {
    errno.ENOSPC: "free some space, then run again: nothing is lost",
    errno.EDQUOT: "free some of your disk quota, then run again: nothing is lost",
    errno.EFBIG: "raise the file size limit, then run again: nothing is lost",
    errno.EACCES: "give the user that runs this read and write access to it",
    errno.EPERM: "give the user that runs this read and write access to it",
    errno.EROFS: "name a ledger on a file system that can be written to",
    errno.ENOENT: "make the directory first, or name another ledger",
    errno.ENOTDIR: "name another ledger",
    errno.EISDIR: "name a file, not a directory",
    errno.EIO: "the disk failed: look at the system log, then run again",
}


class Disk(Protocol):
    """One file to which bytes are only ever added. Every call may block.

    Every method may raise OSError.
    """

    def lines(self) -> Iterator[bytes]:
        """Yield what the file holds, from its beginning, split after newlines."""
        ...

    def write(self, data: memoryview) -> int:
        """Add some of `data`, at least its first byte; return how many were taken."""
        ...

    def fsync(self) -> None:
        """Return once all that was written would survive a power cut."""
        ...

    def truncate(self, size_bytes: int) -> None:
        """Cut the file off after `size_bytes`."""
        ...

    def close(self) -> None:
        """Let go of the file, and of its lock."""
        ...


class DiskWorker(Protocol):
    """Whoever does the disk's work, one piece after another, in the order given."""

    def submit(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        """Begin `work`; the future ends as it does, on the running loop."""
        ...

    def close(self) -> None:
        """Return once all begun work is over; may block."""
        ...


class FileDisk:
    """A regular file, locked by this process for as long as it is open."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def lines(self) -> Iterator[bytes]:
        """Yield the file's lines, from its beginning."""
        with open(self._fd, "rb", READ_BYTES, closefd=False) as file:
            file.seek(0)
            yield from lines_in(file)

    def write(self, data: memoryview) -> int:
        """Add what the system takes of `data` in one call."""
        return os.write(self._fd, data)

    def fsync(self) -> None:
        """Flush the file's bytes and its size."""
        os.fsync(self._fd)

    def truncate(self, size_bytes: int) -> None:
        """Cut the file; the next write goes to its new end."""
        os.ftruncate(self._fd, size_bytes)

    def close(self) -> None:
        """Close the file, which frees the lock."""
        os.close(self._fd)


class ThreadWorker:
    """One thread of its own: fsync on the loop would stall everything else."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")

    def submit(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        """Hand `work` to the thread."""
        return asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Wait for the thread to end."""
        self._thread.shutdown(wait=True)


def open_disk(path: Path) -> FileDisk:
    """Open and lock the ledger file, made durably where there is none.

    Raises:
        LedgerLockedError: another run holds the lock.
        LedgerError: the file cannot be opened, or is no regular file.
    """
    try:
        while True:
            fd = _open(path)
            try:
                _lock(fd, path)
                if _is_at(fd, path):
                    _make_name_durable(fd, path)
                    return FileDisk(fd)
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # moved away before it was locked: take what is there now
    except OSError as error:
        raise refused(str(path), "cannot be opened", error) from error


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keep every run away from an existing ledger that nothing is written to.

    Raises:
        LedgerLockedError: another run holds the lock.
        LedgerError: the file cannot be opened, or is no regular file.
    """
    disk = open_disk(path)
    try:
        yield
    finally:
        disk.close()


def lines_in(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's lines; one without end is cut after MAX_LINE_BYTES."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        yield line


def refused(path: str, what: str, error: BaseException) -> LedgerError:
    """Return the ledger's error for a foreign one."""
    reason, hint = str(error) or type(error).__name__, "run again"
    if isinstance(error, OSError) and error.errno is not None:
        reason, hint = os.strerror(error.errno), _HINTS.get(error.errno, hint)
    return LedgerError(path, f"{what}: {reason}", hint=hint)


def _open(path: Path) -> int:
    """Return a descriptor at the file's end; make the file where there is none."""
    flags = os.O_RDWR | os.O_APPEND | os.O_NOCTTY
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        pass
    try:
        return os.open(path, flags | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:  # another run was faster: the lock decides between us
        return os.open(path, flags)


def _make_name_durable(file_fd: int, path: Path) -> None:
    """Have a new file found again after a power cut, where its file system can."""
    if os.fstat(file_fd).st_size > 0:  # done before its first line was written
        return
    fd = os.open(path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_FSYNC:
            raise
    finally:
        os.close(fd)


def _lock(fd: int, path: Path) -> None:
    """Take the file's lock; the kernel frees it however this process ends."""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        message = "is not a regular file"
        raise LedgerError(str(path), message, hint="name a file")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        # One line and no hint: a schedule meets this whenever runs overlap.
        message = "another run holds this ledger: wait until it has ended, or stop it"
        raise LedgerLockedError(str(path), message) from error


def _is_at(fd: int, path: Path) -> bool:
    """Return whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
