"""Looks at one file again whenever it changes, until interrupted.

Decides: when it has changed. Must not know: what is checked, how it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NoReturn

LOOK_EVERY_S = 0.25

Stamp = tuple[int, int, int]  # mtime in ns, inode, bytes
_NEVER: Final = (-1, -1, -1)


def changes(stamps: Iterator[Stamp | None]) -> Iterator[bool]:
    """Yield for each look at a file whether it is to be read now.

    It is where it has changed and then stood still for one look: editors replace a
    file or write it in pieces, and in between it is gone or half there. A file that
    stays away is a change as well.
    """
    read: Stamp | None = _NEVER
    last: Stamp | None = _NEVER
    for stamp in stamps:
        is_due = stamp != read and stamp == last
        if is_due:
            read = stamp
        last = stamp
        yield is_due


def watch(
    path: Path, check: Callable[[], None], pause: Callable[[float], None]
) -> NoReturn:
    """Call `check` for the file as it is and after every change; never return.

    `pause` takes seconds.
    """
    due = changes(_stamps(path))
    while True:
        if next(due):
            check()
        else:
            pause(LOOK_EVERY_S)


def _stamps(path: Path) -> Iterator[Stamp | None]:
    """Yield what the file system tells of the file now; None where it is not there."""
    while True:
        try:
            found = path.stat()
        except OSError:
            yield None
        else:
            yield found.st_mtime_ns, found.st_ino, found.st_size
