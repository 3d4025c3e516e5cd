"""Real processes and a real disk: locks after SIGKILL, a file that may not grow."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from batch_register.errors import LedgerLockedError
from batch_register.ledger import LedgerFile, read_ledger
from tests.ledger.disks import TARGET, TickingClock

pytestmark = pytest.mark.integration

WRITER = """
import asyncio, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from batch_register.errors import LedgerError
from batch_register.event import DuplicateSeen
from batch_register.ledger import LedgerFile
from batch_register.model import EntryKey, ImageId, ImageStatus, Target

class Clock:
    def now(self):
        return datetime.now(UTC)

async def write(ledger, writer):
    for number in range(int(sys.argv[2])):
        image_id = ImageId(f"{writer}-{number}")
        event = DuplicateSeen(image_id=image_id, status=ImageStatus.QUEUED)
        await ledger.append(EntryKey(f"k{writer}"), event)
        print(image_id, flush=True)

async def main():
    target = Target(endpoint="https://ims.example.com", project_id="p1", region="eu-1")
    async with LedgerFile.open(
        Path(sys.argv[1]), manifest_name="wave-07", target=target, run_id="run-1",
        clock=Clock(),
    ) as ledger, asyncio.TaskGroup() as group:
        print("open", flush=True)
        for writer in range(5):
            group.create_task(write(ledger, writer))

if len(sys.argv) > 3:
    size = int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    asyncio.run(main())
except* LedgerError as group:
    error = group.exceptions[0]
    print(f"{error.exit_code} {error.message}", flush=True)
"""


@contextmanager
def writer(
    path: Path, *options: str, under: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """Run a process with five writers; its lines tell what was acknowledged."""
    command = [*under, sys.executable, "-c", WRITER, str(path), *options]
    # A process that is killed would leave a broken coverage file behind.
    env = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=env
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def images_in(path: Path) -> set[str]:
    records = read_ledger(path).records.values()
    return {str(image_id) for record in records for image_id in record.duplicates}


async def open_and_close(path: Path) -> None:
    async with LedgerFile.open(
        path,
        manifest_name="wave-07",
        target=TARGET,
        run_id="run-2",
        clock=TickingClock(),
    ):
        pass


@pytest.mark.fault(1, 26)
def test_kill_frees_the_lock_and_loses_nothing_acknowledged(tmp_path: Path):
    path = tmp_path / "wave.ledger.jsonl"
    with writer(path, "1000000") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        acknowledged = {process.stdout.readline().strip() for _ in range(500)}
        with pytest.raises(LedgerLockedError):
            asyncio.run(open_and_close(path))
        assert acknowledged <= images_in(path)  # readers take no lock
        process.kill()
        acknowledged |= set(process.communicate()[0].split("\n")[:-1])
    asyncio.run(open_and_close(path))
    assert acknowledged <= images_in(path)


@pytest.mark.fault(3)
def test_file_that_may_not_grow_ends_in_whole_lines(tmp_path: Path):
    path = tmp_path / "wave.ledger.jsonl"
    with writer(path, "1000000", "20000") as process:
        first, *images, last = process.communicate()[0].splitlines()
    assert first == "open"
    assert last == f"74 {path}: cannot be written to: File too large"
    assert path.read_bytes().endswith(b"}\n")
    assert images_in(path) == set(images)


needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")


def failing_fsync(path: Path, number: int) -> tuple[list[str], list[str]]:
    """Return output and system calls of a writer whose nth fsync, by thread, fails."""
    trace = path.with_suffix(".trace")
    inject = f"--inject=fsync:error=EIO:when={number}"
    strace = ("strace", "-f", "-qq", "-o", str(trace), "--trace=fsync", inject)
    with writer(path, "5", under=strace) as process:
        output = process.communicate()[0].splitlines()
    if not output:
        pytest.skip("strace may not trace here")
    return output, trace.read_text().splitlines()


@pytest.mark.fault(5)
@needs_strace
def test_failing_fsync_of_a_commit_ends_the_ledger_at_once(tmp_path: Path):
    path = tmp_path / "wave.ledger.jsonl"
    (first, *images, last), calls = failing_fsync(path, 3)  # the second commit
    assert (first, last) == (
        "open",
        f"74 {path}: cannot be written to: Input/output error",
    )
    assert [call for call in calls if "EIO" in call] == calls[-1:]
    assert images_in(path) == set(images)


@needs_strace
def test_failing_fsync_of_the_directory_ends_the_run_before_it_begins(tmp_path: Path):
    path = tmp_path / "wave.ledger.jsonl"
    output, calls = failing_fsync(path, 1)
    assert output == [f"74 {path}: cannot be opened: Input/output error"]
    assert (len(calls), path.read_bytes()) == (1, b"")
