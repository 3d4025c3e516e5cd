"""Disks, workers and clocks that do as a test says."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from batch_register.errors import LedgerError
from batch_register.ledger.file import LedgerSession
from batch_register.model import Target

T = TypeVar("T")

TARGET = Target(endpoint="https://ims.example.com", project_id="p1", region="eu-1")


@dataclass
class TickingClock:
    """A clock that moves on by one millisecond whenever someone looks."""

    at: datetime = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


def session(run_id: str = "run-1") -> LedgerSession:
    return LedgerSession(
        manifest_name="wave-07", target=TARGET, run_id=run_id, clock=TickingClock()
    )


@dataclass
class FakeDisk:
    """A disk in memory that counts, and fails as it is told.

    `durable` is what a power cut would leave.
    """

    content: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    fsyncs: int = 0
    is_closed: bool = False
    capacity_bytes: int | None = None
    write_at_most_bytes: int | None = None
    fsync_errors: list[OSError | None] = field(default_factory=list)
    truncate_error: OSError | None = None
    close_error: OSError | None = None

    def lines(self) -> Iterator[bytes]:
        yield from bytes(self.content).splitlines(keepends=True)

    def write(self, data: memoryview) -> int:
        taken = len(data)
        if self.write_at_most_bytes is not None:
            taken = min(taken, self.write_at_most_bytes)
        if self.capacity_bytes is not None:
            room = self.capacity_bytes - len(self.content)
            if room <= 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            taken = min(taken, room)
        self.content += data[:taken]
        return taken

    def fsync(self) -> None:
        self.fsyncs += 1
        error = self.fsync_errors.pop(0) if self.fsync_errors else None
        if error is not None:
            raise error
        self.durable = bytes(self.content)

    def truncate(self, size_bytes: int) -> None:
        if self.truncate_error is not None:
            raise self.truncate_error
        del self.content[size_bytes:]

    def close(self) -> None:
        self.is_closed = True
        if self.close_error is not None:
            raise self.close_error


@dataclass
class InlineWorker:
    """Does the work at once: no thread."""

    is_closed: bool = False

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            done.set_result(work())
        except (OSError, LedgerError) as error:
            done.set_exception(error)
        return done

    def close(self) -> None:
        self.is_closed = True


@dataclass
class HeldWorker:
    """Does the first `at_once` pieces of work at once, each other when it is let go."""

    at_once: int = 1  # the loading
    held: list[Callable[[], None]] = field(default_factory=list)

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        if self.at_once:
            self.at_once -= 1
            return InlineWorker().submit(work)
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def do() -> None:
            try:
                result = work()
            except (OSError, LedgerError) as error:
                done.set_exception(error)
            else:
                if not done.cancelled():
                    done.set_result(result)

        self.held.append(do)
        return done

    def let_go(self) -> None:
        self.held.pop(0)()

    def close(self) -> None:
        while self.held:
            self.let_go()
