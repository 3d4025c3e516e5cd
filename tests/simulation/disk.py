"""A simulated disk for the real ledger: a page cache, power cuts, errors, slow flushes."""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from batch_register.errors import LedgerError
from tests.fakes import PowerCutError
from tests.simulation.story import Trigger

_T = TypeVar("_T")


class Host(Protocol):
    """The process that a disk or worker belongs to."""

    def check(self) -> None:
        """Raise PowerCutError once the process is dead."""
        ...

    def reach(self, trigger: Trigger) -> None:
        """Pass a point where the process may die."""
        ...

    def note_synced(self) -> None:
        """Hear that the file's bytes have become durable."""
        ...

    def note_disk_fault(self, words: str) -> None:
        """Hear that the disk has refused."""
        ...


@dataclass
class SimFile:
    """A ledger file that outlives processes: what is cached, and what is durable."""

    content: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    pending: list[bytes | int] = field(default_factory=list)  # writes, and truncations

    def cut_power(self, rng: random.Random) -> None:
        """Keep what was durable and a prefix of what was not, its last write torn."""
        content = bytearray(self.durable)
        kept = rng.randint(0, len(self.pending))
        for change in self.pending[:kept]:
            _apply(content, change)
        if kept < len(self.pending):
            torn = self.pending[kept]
            if isinstance(torn, bytes):
                content += torn[: rng.randint(0, len(torn))]
        self.content, self.durable, self.pending = content, bytes(content), []


def _apply(content: bytearray, change: bytes | int) -> None:
    if isinstance(change, int):
        del content[change:]
    else:
        content += change


@dataclass
class SimDisk:
    """One process's handle on a file."""

    file: SimFile
    host: Host
    rng: random.Random
    fsync_error_at: int = 0
    room_bytes: int | None = None
    fsyncs: int = 0

    def lines(self) -> Iterator[bytes]:
        self.host.check()
        yield from bytes(self.file.content).splitlines(keepends=True)

    def write(self, data: memoryview) -> int:
        self.host.check()
        taken = len(data)
        if taken > 1 and self.rng.random() < 0.05:
            taken = self.rng.randint(1, taken - 1)
        if self.room_bytes is not None:
            if self.room_bytes <= 0:
                self.host.note_disk_fault("no space left on device")
                raise OSError(errno.ENOSPC, "No space left on device")
            taken = min(taken, self.room_bytes)
            self.room_bytes -= taken
        self._change(bytes(data[:taken]))
        self.host.reach(Trigger.WRITE)
        return taken

    def fsync(self) -> None:
        self.host.check()
        self.fsyncs += 1
        if self.fsyncs == self.fsync_error_at:
            # the system drops the pages: nothing of them will ever be durable
            self.file.pending.clear()
            self.host.note_disk_fault("fsync failed")
            raise OSError(errno.EIO, "Input/output error")
        if self.fsyncs % 2:
            self.host.reach(Trigger.FSYNC)
        self.file.durable = bytes(self.file.content)
        self.file.pending.clear()
        self.host.note_synced()
        self.host.reach(Trigger.FSYNC)

    def truncate(self, size_bytes: int) -> None:
        self.host.check()
        self._change(size_bytes)

    def close(self) -> None:
        pass

    def _change(self, change: bytes | int) -> None:
        _apply(self.file.content, change)
        self.file.pending.append(change)


@dataclass
class SimWorker:
    """Does the disk's work in order, each piece a while after it was handed over."""

    host: Host
    rng: random.Random
    waiting: list[Callable[[], None]] = field(default_factory=list)
    is_closed: bool = False

    def submit(self, work: Callable[[], _T]) -> asyncio.Future[_T]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T] = loop.create_future()

        def tell(result: _T | None, error: BaseException | None) -> None:
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type] # the work's own

        def do() -> None:
            result, error = None, None
            try:
                result = work()
            except PowerCutError:
                return
            except (OSError, LedgerError) as refused:
                error = refused
            loop.call_later(self._delay_s(), tell, result, error)

        self.waiting.append(do)
        loop.call_later(self._delay_s(), self._do_next)
        return done

    def close(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()

    def _do_next(self) -> None:
        if self.waiting:
            self.waiting.pop(0)()

    def _delay_s(self) -> float:
        return self.rng.choice([0.0, 0.001, self.rng.uniform(0, 0.3)])
