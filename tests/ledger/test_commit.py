"""Group commit: what is committed together, what outlives what, what a bad disk means."""

from __future__ import annotations

import asyncio
import errno
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given, strategies as st

from batch_register.errors import LedgerError
from batch_register.event import CreateIntended, DuplicateSeen, Event
from batch_register.ledger import LedgerFile, Replay, run_started
from batch_register.ledger.disk import DiskWorker
from batch_register.ledger.notes import Note
from batch_register.ledger.reader import Scan
from batch_register.model import EntryKey, ImageId, ImageStatus, SpecDigest
from tests.ledger.disks import FakeDisk, HeldWorker, InlineWorker, session
from tests.ledger.stories import TO_ACTIVE, WEB

EVENT = CreateIntended(spec=SpecDigest("s1"))


@asynccontextmanager
async def opened(
    disk: FakeDisk, worker: DiskWorker | None = None
) -> AsyncIterator[LedgerFile]:
    worker = worker or InlineWorker()
    async with LedgerFile.on_disk("w.jsonl", session(), disk, worker) as ledger:
        yield ledger


def on(content: bytes | bytearray) -> Replay:
    replay = Replay()
    lines = bytes(content).splitlines(keepends=True)
    for _ in Scan("w.jsonl", lines).through(replay.take):
        pass
    return replay


def key(number: int) -> EntryKey:
    return EntryKey(f"k{number}")


def twin(number: int) -> Event:
    return DuplicateSeen(image_id=ImageId(f"i{number}"), status=ImageStatus.QUEUED)


async def test_append_returns_its_stamp_once_the_line_is_durable():
    disk = FakeDisk()
    async with opened(disk) as ledger:
        at = await ledger.append(WEB, *TO_ACTIVE)
        replay = on(disk.durable)
    record = replay.records[WEB]
    assert (at, record.started_at, record.finished_at) == (
        "2026-03-04T05:06:07.002Z",
        at,
        at,
    )
    assert replay.last_seq == 1 + len(TO_ACTIVE)


@pytest.mark.fault(2)
async def test_append_waits_for_the_fsync():
    disk, worker = FakeDisk(), HeldWorker()
    async with opened(disk, worker) as ledger, asyncio.TaskGroup() as group:
        task = group.create_task(ledger.append(WEB, EVENT))
        await until(lambda: bool(worker.held))
        assert (task.done(), on(disk.content).last_seq) == (False, 1)
        worker.let_go()
        await task
        assert on(disk.durable).last_seq == 2


async def test_all_that_wait_share_one_fsync():
    disk = FakeDisk()
    async with opened(disk) as ledger:
        before = disk.fsyncs
        async with asyncio.TaskGroup() as group:
            for number in range(512):
                group.create_task(ledger.append(key(number), EVENT))
        assert (disk.fsyncs - before, on(disk.durable).last_seq) == (1, 513)


async def test_all_that_come_during_a_commit_share_the_next_one():
    disk, worker = FakeDisk(), HeldWorker()
    async with opened(disk, worker) as ledger, asyncio.TaskGroup() as group:
        group.create_task(ledger.append(key(0), EVENT))
        await until(lambda: bool(worker.held))
        others = [
            group.create_task(ledger.append(key(number), EVENT))
            for number in range(1, 512)
        ]
        await asyncio.sleep(0)
        worker.let_go()
        await until(lambda: bool(worker.held))
        assert (disk.fsyncs, any(task.done() for task in others)) == (2, False)
        worker.let_go()
        await others[-1]
        assert (disk.fsyncs, on(disk.durable).last_seq) == (3, 513)


async def test_writers_that_go_on_at_once_stay_together():
    disk = FakeDisk()

    async def write(ledger: LedgerFile, number: int) -> None:
        for twin_number in range(10):
            await ledger.append(key(number), twin(twin_number))

    async with opened(disk) as ledger:
        before = disk.fsyncs
        async with asyncio.TaskGroup() as group:
            for number in range(64):
                group.create_task(write(ledger, number))
        assert (disk.fsyncs - before, on(disk.durable).last_seq) == (10, 641)


async def test_lines_stand_in_the_order_of_their_appends():
    disk = FakeDisk(write_at_most_bytes=7)
    async with opened(disk) as ledger, asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(ledger.append(key(number), EVENT))
    assert list(on(disk.durable).records) == [key(number) for number in range(20)]


async def test_line_outlives_a_waiter_that_is_cancelled_twice():
    disk, worker = FakeDisk(), HeldWorker()

    async def stubborn(ledger: LedgerFile) -> str:
        try:
            return await ledger.append(WEB, EVENT)
        except asyncio.CancelledError:
            return await ledger.append(WEB, TO_ACTIVE[1])

    async with opened(disk, worker) as ledger:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(stubborn(ledger))
            await asyncio.sleep(0)  # before its commit has even begun
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
        assert task.cancelled()
        other = asyncio.ensure_future(ledger.append(key(1), EVENT))
        await until(lambda: bool(worker.held))
        worker.let_go()
        await until(lambda: bool(worker.held) or other.done())
    await other
    replay = on(disk.durable)
    assert (replay.last_seq, replay.records[WEB].image_id) == (4, "image-1")


async def test_context_that_is_left_early_writes_what_still_waits():
    """Both the commit under way and the lines behind it: the run was cancelled."""
    disk, worker = FakeDisk(), HeldWorker()
    tasks: list[asyncio.Task[str]] = []
    async with asyncio.TaskGroup() as group:

        async def run() -> None:
            async with opened(disk, worker) as ledger:
                tasks.append(group.create_task(ledger.append(key(0), EVENT)))
                await until(lambda: bool(worker.held))
                tasks.append(group.create_task(ledger.append(key(1), EVENT)))
                await asyncio.sleep(0)
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await run()
        assert (list(on(disk.durable).records), disk.is_closed) == (
            [key(0), key(1)],
            True,
        )
        assert await tasks[0] == "2026-03-04T05:06:07.002Z"
        assert await tasks[1] == "2026-03-04T05:06:07.003Z"


async def test_closed_ledger_takes_nothing():
    async with opened(FakeDisk()) as ledger:
        pass
    with pytest.raises(LedgerError, match="closed already"):
        await ledger.append(WEB, EVENT)


async def test_append_of_nothing_returns():
    disk = FakeDisk()
    async with opened(disk) as ledger:
        await ledger.append(WEB)
    assert on(disk.durable).last_seq == 1


async def test_event_that_cannot_be_written_leaves_no_gap():
    disk = FakeDisk()
    bad = Note(event="cloud.observed", fields={"lag": float("nan")})
    async with opened(disk) as ledger:
        with pytest.raises(ValueError, match="JSON compliant"):
            await ledger.note_many([run_started("1"), bad])
        await ledger.append(WEB, EVENT)
    assert on(disk.durable).last_seq == 2


async def test_run_that_is_cancelled_while_it_reads_lets_go_of_the_ledger():
    disk, worker = FakeDisk(), HeldWorker(at_once=0)

    async def run() -> None:
        async with opened(disk, worker):
            pass

    async with asyncio.TaskGroup() as group:
        task = group.create_task(run())
        await until(lambda: bool(worker.held))
        task.cancel()
    assert (task.cancelled(), disk.is_closed) == (True, True)


# ------------------------------------------------------------ disks that fail


@pytest.mark.fault(3)
@given(st.integers(0, 3_000), st.integers(1, 300))
def test_what_was_acknowledged_is_there_however_little_the_disk_takes(
    capacity_bytes: int, write_at_most_bytes: int
):
    disk = FakeDisk(
        capacity_bytes=capacity_bytes, write_at_most_bytes=write_at_most_bytes
    )
    acknowledged: list[EntryKey] = []

    async def write(ledger: LedgerFile, number: int) -> None:
        with suppress(LedgerError):
            for twin_number in range(3):
                await ledger.append(key(number), twin(twin_number))
                acknowledged.append(key(number))

    async def run() -> None:
        async with opened(disk) as ledger, asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(write(ledger, number))

    with suppress(LedgerError):
        asyncio.run(run())
    records = on(disk.content).records
    found = Counter({k: len(record.duplicates) for k, record in records.items()})
    assert (Counter(acknowledged), bytes(disk.content)) == (found, disk.durable)


@pytest.mark.fault(3, 4)
async def test_full_disk_kills_the_ledger_and_leaves_whole_lines():
    disk = FakeDisk()
    async with opened(disk) as ledger:
        await ledger.append(key(0), EVENT)
        good = bytes(disk.content)
    disk = FakeDisk(content=bytearray(good), capacity_bytes=len(good) + 100)

    async def run() -> None:
        async with opened(disk) as ledger:
            await ledger.append(key(1), EVENT)

    with pytest.raises(LedgerError) as caught:
        await run()
    error = caught.value
    assert (error.message, error.hint, error.exit_code) == (
        "w.jsonl: cannot be written to: No space left on device",
        "free some space, then run again: nothing is lost",
        74,
    )
    assert bytes(disk.content) == good


@pytest.mark.fault(4)
async def test_disk_that_takes_nothing_does_not_hang_the_run():
    disk = FakeDisk()

    async def run() -> None:
        async with opened(disk) as ledger:
            disk.write_at_most_bytes = 0
            await ledger.append(WEB, EVENT)

    with pytest.raises(LedgerError, match="takes nothing more"):
        await run()


@pytest.mark.fault(5)
async def test_failed_fsync_is_never_repeated():
    disk = FakeDisk()
    eio = OSError(errno.EIO, "Input/output error")
    errors: list[BaseException] = []

    async def write(ledger: LedgerFile, number: int) -> None:
        try:
            await ledger.append(key(number), EVENT)
        except LedgerError as error:
            errors.append(error)

    async def run() -> None:
        async with opened(disk) as ledger:
            disk.fsync_errors = [eio]
            async with asyncio.TaskGroup() as group:
                for number in range(3):
                    group.create_task(write(ledger, number))
            await write(ledger, 3)

    with pytest.raises(LedgerError, match="Input/output error"):
        await run()
    assert [str(error) for error in errors] == [
        "w.jsonl: cannot be written to: Input/output error"
    ] * 4
    assert len(set(map(id, errors))) == 4  # each its own: a traceback grows when raised
    assert all(error.__cause__ is eio for error in errors)
    assert (disk.fsyncs, bytes(disk.content)) == (2, disk.durable)


async def test_lines_that_wait_behind_a_failed_commit_fail_too():
    disk, worker = FakeDisk(), HeldWorker()
    outcomes: list[str] = []

    async def write(ledger: LedgerFile, number: int) -> None:
        try:
            await ledger.append(key(number), EVENT)
        except LedgerError as error:
            outcomes.append(str(error))

    async def run() -> None:
        async with opened(disk, worker) as ledger, asyncio.TaskGroup() as group:
            disk.fsync_errors = [OSError(errno.EIO, "Input/output error")]
            group.create_task(write(ledger, 0))
            await until(lambda: bool(worker.held))
            group.create_task(write(ledger, 1))
            await asyncio.sleep(0)
            worker.let_go()
            await until(lambda: bool(worker.held))
            worker.let_go()

    with pytest.raises(LedgerError):
        await run()
    assert outcomes == ["w.jsonl: cannot be written to: Input/output error"] * 2
    assert on(disk.content).last_seq == 1


async def test_fault_that_nobody_waits_for_ends_the_context():
    disk, worker = FakeDisk(), HeldWorker()

    async def run() -> None:
        async with opened(disk, worker) as ledger, asyncio.TaskGroup() as group:
            disk.fsync_errors = [OSError(errno.EIO, "Input/output error")]
            task = group.create_task(ledger.append(WEB, EVENT))
            await asyncio.sleep(0)
            task.cancel()

    with pytest.raises(LedgerError, match="Input/output error"):
        await run()


async def test_fault_while_closing_does_not_hide_what_ended_the_run():
    disk, worker = FakeDisk(), HeldWorker()
    tasks: list[asyncio.Future[str]] = []

    async def run() -> None:
        async with opened(disk, worker) as ledger:
            disk.fsync_errors = [OSError(errno.EIO, "Input/output error")]
            tasks.append(asyncio.ensure_future(ledger.append(WEB, EVENT)))
            await asyncio.sleep(0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run()
    with pytest.raises(LedgerError, match="Input/output error"):
        await tasks[0]
    assert disk.is_closed


async def test_fault_of_the_next_commit_is_not_blamed_on_the_one_before():
    disk, worker = FakeDisk(), HeldWorker()
    tasks: list[asyncio.Future[str]] = []

    async def run() -> None:
        async with opened(disk, worker) as ledger:
            tasks.append(asyncio.ensure_future(ledger.append(key(0), EVENT)))
            await until(lambda: bool(worker.held))
            tasks.append(asyncio.ensure_future(ledger.append(key(1), EVENT)))
            await asyncio.sleep(0)
            disk.fsync_errors = [None, OSError(errno.EIO, "Input/output error")]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run()
    assert await tasks[0] == "2026-03-04T05:06:07.002Z"
    with pytest.raises(LedgerError, match="Input/output error"):
        await tasks[1]
    assert list(on(disk.durable).records) == [key(0)]


async def test_disk_that_can_neither_write_nor_cut_leaves_a_torn_end():
    disk = FakeDisk()

    async def run() -> None:
        async with opened(disk) as ledger:
            disk.capacity_bytes = len(disk.content) + 20
            disk.truncate_error = OSError(errno.EIO, "Input/output error")
            await ledger.append(WEB, EVENT)

    with pytest.raises(LedgerError, match="No space left"):
        await run()
    assert on(disk.content).last_seq == 1


async def test_close_error_is_no_news():
    disk = FakeDisk(close_error=OSError(errno.EIO, "Input/output error"))
    async with opened(disk) as ledger:
        await ledger.append(WEB, EVENT)
    assert on(disk.durable).last_seq == 2


async def test_error_without_a_number_is_told_all_the_same():
    disk = FakeDisk()

    async def run() -> None:
        async with opened(disk) as ledger:
            disk.fsync_errors = [OSError()]
            await ledger.append(WEB, EVENT)

    with pytest.raises(LedgerError, match="cannot be written to: OSError"):
        await run()


async def until(condition) -> None:
    """Let the loop turn until the condition holds."""
    for _ in range(50):
        if condition():
            return
        await asyncio.sleep(0)
    message = "it never came to that"
    raise AssertionError(message)
