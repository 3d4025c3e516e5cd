"""Reading a ledger from its beginning to its end, damage reported by line.

Decides: what a reader makes of each ending of the file, and which ledger error a bad
line is. Must not know: locks, appends, the loop.

Readers take no lock: a ledger only grows, so what they see is a beginning of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from batch_register.collector import paused
from batch_register.errors import LedgerDamagedError, LedgerVersionError
from batch_register.ledger.disk import READ_BYTES, lines_in, refused
from batch_register.ledger.line import (
    MAX_LINE_BYTES,
    DamagedLineError,
    Line,
    NewerLineError,
    begins_like_ledger,
    decode,
    mend,
)
from batch_register.ledger.replay import Replay
from batch_register.model import EntryKey

_T = TypeVar("_T")

_BEGIN_BYTES = 16  # of a file: enough to tell what it is


class Scan:
    """One pass over a ledger; once it is through, it knows how the file ends."""

    def __init__(
        self, path: str, lines: Iterable[bytes], *, takes_tail: bool = False
    ) -> None:
        self._path = path  # for messages
        self._lines = lines
        self._takes_tail = takes_tail  # a whole last line counts without its newline
        self.good_bytes = 0  # what was taken so far
        self.torn_bytes = 0  # what follows that
        self.lacks_newline = False  # the last line taken does

    def through(self, take: Callable[[bytes], _T]) -> Iterator[_T]:
        """Yield what `take` makes of each line.

        Raises:
            LedgerDamagedError: a line is damaged.
            LedgerVersionError: a newer version wrote a line.
            LedgerError: the file cannot be read.
        """
        number, raw = 0, b""
        try:
            for raw in self._lines:
                number += 1
                if raw.endswith(b"\n") or len(raw) > MAX_LINE_BYTES:
                    yield take(raw)
                    self.good_bytes += len(raw)
                else:
                    yield from self._last(raw, take)
        except DamagedLineError as error:
            is_none = number == 1 and not begins_like_ledger(raw)
            raise LedgerDamagedError(
                self._path, number, str(error), is_none=is_none
            ) from error
        except NewerLineError as error:
            message = f"line {number}: {error}"
            hint = "use the newer tool that wrote it"
            raise LedgerVersionError(self._path, message, hint=hint) from error
        except OSError as error:
            raise refused(self._path, "cannot be read", error) from error

    def _last(self, tail: bytes, take: Callable[[bytes], _T]) -> Iterator[_T]:
        """Take an unterminated last line, where it is whole and wanted."""
        if self.good_bytes == 0 and not begins_like_ledger(tail):
            message = "not a ledger line"
            raise DamagedLineError(message)
        line = mend(tail)
        if line and self._takes_tail:
            yield take(line)
            self.lacks_newline = True
            self.good_bytes += len(line) - 1
            self.torn_bytes = len(tail) - len(line) + 1
        else:
            self.torn_bytes = len(tail)


def is_ledger(path: Path) -> bool:
    """Return whether what a file holds begins as a ledger does; unreadable: no."""
    try:
        with path.open("rb") as file:
            begin = file.read(_BEGIN_BYTES)
    except OSError:
        return False
    return len(begin) == _BEGIN_BYTES and begins_like_ledger(begin)


def read_ledger(path: Path) -> Replay:
    """Return what the ledger holds now; an unterminated last line is left out.

    Raises:
        LedgerError: it cannot be read, is damaged, or is of a newer version.
    """
    replay = Replay()
    with paused():
        for _ in Scan(str(path), _lines_of(path)).through(replay.take):
            pass
    return replay


def read_history(path: Path, key: EntryKey) -> Iterator[Line]:
    """Yield every line of one entry, over all runs, in order.

    Raises:
        LedgerError: as for `read_ledger`.
    """
    return (line for line in read_lines(path) if line.key == key)


def read_lines(path: Path) -> Iterator[Line]:
    """Yield every line, in order; an unterminated last one is left out.

    Raises:
        LedgerError: as for `read_ledger`.
    """
    return Scan(str(path), _lines_of(path)).through(decode)


def raw_lines(path: Path) -> Iterator[bytes]:
    """Yield a ledger's lines as they stand there, a torn one included.

    For whoever searches a ledger and must rather see too much than too little.

    Raises:
        LedgerError: it cannot be read.
    """
    try:
        yield from _lines_of(path)
    except OSError as error:
        raise refused(str(path), "cannot be read", error) from error


def torn_tail(path: Path) -> bytes:
    """Return what follows the last newline, which whoever writes next will cut off.

    Raises:
        LedgerError: it cannot be read.
    """
    if not path.is_file():  # opening says what is wrong with it
        return b""
    try:
        with path.open("rb") as file:
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(max(0, size_bytes - MAX_LINE_BYTES))
            return file.read().rpartition(b"\n")[2]
    except OSError as error:
        raise refused(str(path), "cannot be read", error) from error


def _lines_of(path: Path) -> Iterator[bytes]:
    """Yield the file's lines; open it no earlier than the first is asked for."""
    with path.open("rb", READ_BYTES) as file:
        yield from lines_in(file)
