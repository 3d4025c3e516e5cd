"""Group commit: one write and one fsync for everything that waits, and no timer.

Decides: what is committed together, when it counts as durable, what a failing disk
means. Must not know: lines, events, files.

There is no task: the first of several appends asks for a commit, the end of a commit
starts the next. So nothing here can be cancelled, and a line outlives its waiter.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial

from batch_register.errors import LedgerError
from batch_register.ledger.disk import Disk, DiskWorker, refused

_Waiter = asyncio.Future[None]


class Tail:
    """The end of the file. Its methods may block; one thread at a time uses them."""

    def __init__(self, disk: Disk, good_bytes: int) -> None:
        self._disk = disk
        self._good_bytes = good_bytes  # all before it is durable
        self.fault: Exception | None = None

    def commit(self, data: bytes) -> None:
        """Make `data` durable, or the tail dead for ever.

        A failed fsync is never repeated: the system may have dropped the pages, and
        would then call a second one a success (fsync(2), "Linux and EIO").

        Raises:
            OSError: the disk refused, now or before.
        """
        if self.fault is not None:
            raise self.fault
        try:
            self._write(data)
            self._disk.fsync()
        except Exception as error:
            self.fault = error
            with suppress(OSError):
                self._disk.truncate(self._good_bytes)
            raise
        self._good_bytes += len(data)

    def cut(self) -> None:
        """Cut off, durably, what follows the good bytes."""
        self._disk.truncate(self._good_bytes)
        self._disk.fsync()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            taken = self._disk.write(rest)
            if taken < 1:
                message = "the disk takes nothing more"
                raise OSError(message)
            rest = rest[taken:]


class GroupCommit:
    """Collects lines on the loop and has them committed together, off the loop."""

    def __init__(self, path: str, tail: Tail, worker: DiskWorker) -> None:
        self._path = path  # for messages
        self._tail = tail
        self._worker = worker
        self._lines: list[bytes] = []
        self._waiters: list[_Waiter] = []
        self._is_committing = False
        self._is_closed = False

    def put(self, data: bytes) -> _Waiter:
        """Queue `data` behind all that was put before; the future ends when durable.

        Cancelling the future changes nothing about the line.

        Raises:
            LedgerError: the ledger is dead or closed.
        """
        if self._tail.fault is not None:
            raise self._dead(self._tail.fault)
        if self._is_closed:
            raise LedgerError(self._path, "is closed already", hint="report this bug")
        loop = asyncio.get_running_loop()
        waiter: _Waiter = loop.create_future()
        self._lines.append(data)
        self._waiters.append(waiter)
        if not self._is_committing:
            self._is_committing = True
            loop.call_soon(self._start)  # later: all that run now can still join
        return waiter

    def close(self) -> None:
        """Commit here and now what still waits; may block for two commits.

        Raises:
            LedgerError: the ledger is dead.
        """
        self._is_closed = True
        self._worker.close()
        data, waiters = self._take()
        if waiters:
            with suppress(Exception):  # it stays in the tail
                self._tail.commit(data)
            self._settle(waiters, self._tail.fault)
        if self._tail.fault is not None:
            raise self._dead(self._tail.fault)

    def _start(self) -> None:
        data, waiters = self._take()
        if not waiters:
            self._is_committing = False
            return
        done = self._worker.submit(partial(self._tail.commit, data))
        done.add_done_callback(partial(self._committed, waiters))

    def _committed(self, waiters: list[_Waiter], done: asyncio.Future[None]) -> None:
        self._settle(waiters, done.exception())
        # Later again: whoever was woken just now puts its next line first.
        asyncio.get_running_loop().call_soon(self._start)

    def _take(self) -> tuple[bytes, list[_Waiter]]:
        lines, self._lines = self._lines, []
        waiters, self._waiters = self._waiters, []
        return b"".join(lines), waiters

    def _settle(self, waiters: list[_Waiter], fault: BaseException | None) -> None:
        """Tell all who still wait how the commit of their lines ended."""
        for waiter in waiters:
            if waiter.done():  # cancelled
                continue
            if fault is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(self._dead(fault))

    def _dead(self, fault: BaseException) -> LedgerError:
        """Return a fresh error, as many may raise it, for a fault that is for ever."""
        error = refused(self._path, "cannot be written to", fault)
        error.__cause__ = fault
        return error
