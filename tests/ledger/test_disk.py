"""The ledger's file: made, locked, and what foreign errors become."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path, PosixPath

import pytest

from batch_register.errors import LedgerError, LedgerLockedError
from batch_register.ledger.disk import FileDisk, held, open_disk, refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wave.ledger.jsonl"


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_disk_adds_at_the_end_reads_from_the_beginning_and_cuts(path: Path):
    path.write_bytes(b"one\n")
    disk = open_disk(path)
    assert list(disk.lines()) == [b"one\n"]
    assert disk.write(memoryview(b"two\nthree")) == 9
    disk.fsync()
    assert list(disk.lines()) == [b"one\n", b"two\n", b"three"]
    disk.truncate(4)
    disk.write(memoryview(b"2\n"))
    disk.close()
    assert path.read_bytes() == b"one\n2\n"


def test_new_file_is_made_and_can_be_read_by_others(path: Path):
    before = os.umask(0o022)
    try:
        open_disk(path).close()
    finally:
        os.umask(before)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"", 0o644)


@pytest.mark.fault(25)
def test_second_opening_is_refused_until_the_first_is_closed(path: Path):
    first = open_disk(path)
    with pytest.raises(LedgerLockedError) as caught:
        open_disk(path)
    assert (caught.value.message, caught.value.hint, caught.value.exit_code) == (
        f"{path}: another run holds this ledger: wait until it has ended, or stop it",
        "",
        7,
    )
    first.close()
    open_disk(path).close()


def test_a_held_ledger_is_locked_unchanged_and_free_again(path: Path):
    path.write_bytes(b"whatever it holds")
    with held(path), pytest.raises(LedgerLockedError):
        open_disk(path)
    open_disk(path).close()
    assert path.read_bytes() == b"whatever it holds"


def test_refused_opening_leaves_no_descriptor_behind(path: Path):
    first = open_disk(path)
    before = open_descriptors()
    with pytest.raises(LedgerLockedError):
        open_disk(path)
    assert open_descriptors() == before
    first.close()


def test_directory_is_refused(tmp_path: Path):
    with pytest.raises(LedgerError) as caught:
        open_disk(tmp_path)
    assert (caught.value.message, caught.value.hint) == (
        f"{tmp_path}: cannot be opened: Is a directory",
        "name a file, not a directory",
    )


def test_missing_directory_is_refused(tmp_path: Path):
    with pytest.raises(LedgerError) as caught:
        open_disk(tmp_path / "none" / "x.jsonl")
    assert caught.value.hint == "make the directory first, or name another ledger"


@pytest.mark.parametrize("device", ["/dev/full", "/dev/null"])
def test_device_is_refused(device: str):
    with pytest.raises(LedgerError, match="is not a regular file"):
        open_disk(Path(device))


def test_pipe_is_refused_without_waiting_for_its_other_end(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LedgerError, match="is not a regular file"):
        open_disk(tmp_path / "pipe")


def test_dangling_link_is_refused(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(LedgerError, match="No such file"):
        open_disk(tmp_path / "link")


def test_link_is_followed_and_locks_the_file_behind_it(path: Path, tmp_path: Path):
    path.touch()
    link = tmp_path / "link"
    link.symlink_to(path)
    first = open_disk(link)
    with pytest.raises(LedgerLockedError):
        open_disk(path)
    first.close()


@pytest.mark.fault(4)
def test_full_device_is_what_a_full_disk_looks_like():
    fd = os.open("/dev/full", os.O_RDWR)
    disk = FileDisk(fd)
    with pytest.raises(OSError, match="No space left") as caught:
        disk.write(memoryview(b"x"))
    disk.close()
    assert refused("w", "cannot be written to", caught.value).hint.startswith("free")


def test_error_without_advice_says_run_again():
    error = refused("w", "cannot be opened", OSError(errno.ENOLCK, "No locks"))
    assert (error.message, error.hint) == (
        "w: cannot be opened: No locks available",
        "run again",
    )


def test_lock_is_advisory_and_on_the_file_itself(path: Path):
    """Whoever asks the kernel for the same lock, in whatever program, is told."""
    disk = open_disk(path)
    with path.open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    disk.close()


class RacingPath(PosixPath):
    """A path where someone else acts just before a chosen call."""

    _call = ""
    _number = 0
    _act: Callable[[], object]

    def at(
        self, call: str, act: Callable[[], object], *, number: int = 1
    ) -> RacingPath:
        self._call, self._act, self._number = call, act, number
        return self

    def _arrive(self, call: str) -> None:
        if call == self._call:
            self._number -= 1
            if self._number == 0:
                self._act()

    def __fspath__(self) -> str:
        self._arrive("open")
        return str(self)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        self._arrive("stat")
        return super().stat(follow_symlinks=follow_symlinks)

    def resolve(self, strict: bool = False) -> RacingPath:
        return RacingPath("/proc/nowhere") if self._call == "resolve" else self


def test_file_that_is_moved_away_before_it_is_locked_is_not_used(path: Path):
    """As an operator does with a damaged ledger, while a run begins."""
    path.write_bytes(b"old\n")
    racing = RacingPath(path).at("stat", lambda: path.rename(path.with_suffix(".old")))
    disk = open_disk(racing)
    disk.write(memoryview(b"new\n"))
    disk.close()
    assert (path.read_bytes(), path.with_suffix(".old").read_bytes()) == (
        b"new\n",
        b"old\n",
    )


def test_file_that_another_run_makes_at_the_same_time_is_shared(path: Path):
    racing = RacingPath(path).at("open", lambda: path.write_bytes(b"x\n"), number=2)
    disk = open_disk(racing)
    assert list(disk.lines()) == [b"x\n"]
    disk.close()


def test_directory_that_cannot_be_flushed_is_no_obstacle(path: Path):
    """Some file systems have no fsync for directories; /proc is one."""
    open_disk(RacingPath(path).at("resolve", bool)).close()
    assert path.exists()
