"""The command in a process that dies, or whose disk fails, at a chosen moment.

`python -m tests.processes.mortal FATE NUMBER LEDGER AUDIT_URL run MANIFEST ...` runs the
command as `python -m batch_register` would; at the ledger's write or fsync of that number
its fate comes true. A disk that fails first takes its time, so that whatever the run had
already decided to send is sent; how many requests the service counted until then goes to
standard error.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from batch_register.__main__ import main

# A disk that failed must not be asked again: its answer would be worth nothing.
ASKED_AGAIN = 99
COUNTED = "requests counted when the disk failed: "
_FAILING_TAKES_S = 0.2


class Fate(StrEnum):
    """What happens at the chosen write or fsync."""

    DIE_WITHIN_WRITE = "die-within-write"
    DIE_BEFORE_FSYNC = "die-before-fsync"
    DIE_AFTER_FSYNC = "die-after-fsync"
    FULL_AT_WRITE = "full-at-write"
    EIO_AT_FSYNC = "eio-at-fsync"

    @property
    def is_death(self) -> bool:
        """Return whether the process does not survive it."""
        return self.value.startswith("die")


class Mortal:
    """Stands between the ledger and the system; counts, and strikes once."""

    def __init__(self, fate: Fate, number: int, ledger: Path, audit_url: str) -> None:
        self._fate = fate
        self._number = number
        self._ledger = ledger
        self._audit_url = audit_url
        self._counts = {"write": 0, "fsync": 0}
        self._has_failed = False
        self._real_write, self._real_fsync = os.write, os.fsync

    def write(self, fd: int, data: memoryview) -> int:
        """Write, unless this is the moment."""
        if not self._is_ledger(fd):
            return self._real_write(fd, data)
        is_moment = self._count("write")
        half = data[: len(data) // 2]
        if is_moment and self._fate is Fate.DIE_WITHIN_WRITE:
            self._real_write(fd, half)
            _die()
        if is_moment and self._fate is Fate.FULL_AT_WRITE:
            self._real_write(fd, half)
            self._fail(errno.ENOSPC)
        return self._real_write(fd, data)

    def fsync(self, fd: int) -> None:
        """Flush, unless this is the moment."""
        if not self._is_ledger(fd):
            self._real_fsync(fd)
            return
        is_moment = self._count("fsync")
        if is_moment and self._fate is Fate.DIE_BEFORE_FSYNC:
            _die()
        if is_moment and self._fate is Fate.EIO_AT_FSYNC:
            self._fail(errno.EIO)
        self._real_fsync(fd)
        if is_moment and self._fate is Fate.DIE_AFTER_FSYNC:
            _die()

    def _count(self, call: str) -> bool:
        """Count a call of the ledger; return whether it is the chosen one."""
        if self._has_failed:
            os._exit(ASKED_AGAIN)
        self._counts[call] += 1
        return self._counts[call] == self._number and self._fate.value.endswith(call)

    def _fail(self, number: int) -> NoReturn:
        self._has_failed = True
        time.sleep(_FAILING_TAKES_S)
        with urllib.request.urlopen(self._audit_url, timeout=10) as answer:  # noqa: S310
            print(f"{COUNTED}{json.load(answer)['requests']}", file=sys.stderr)
        raise OSError(number, os.strerror(number))

    def _is_ledger(self, fd: int) -> bool:
        """Return whether this is the ledger, or the directory that names it."""
        found = os.fstat(fd)
        return any(
            place.exists() and os.path.samestat(found, place.stat())
            for place in (self._ledger, self._ledger.parent)
        )


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def live(arguments: list[str], command: Callable[[], int]) -> int:
    """Run the command line that follows the fate; return its exit code."""
    fate, number, ledger, audit_url, *rest = arguments
    mortal = Mortal(Fate(fate), int(number), Path(ledger).absolute(), audit_url)
    os.write, os.fsync = mortal.write, mortal.fsync  # type: ignore[assignment]
    sys.argv = [sys.argv[0], *rest]
    return command()


if __name__ == "__main__":
    sys.exit(live(sys.argv[1:], main))
