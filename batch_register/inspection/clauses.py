"""What is wrong with a file, in clauses that begin with "it" or "its".

Decides: the words, and how much of a name out of a file is shown. Must not know: formats'
layouts.
"""

from __future__ import annotations

import re
from typing import Final

from batch_register.source import DiskFormat, Inspection

LARGEST_BYTES: Final = 2**63 - 1  # no tool counts further
_ELSEWHERE: Final = "its data lie in another file"
_LONGEST: Final = 60  # characters of a name that are shown
# A name with one of these may be an address with a password or a signature in it.
_DOUBTFUL: Final = re.compile(r"[@?=&{}]|^\w{2,}:|://")


def judged(disk_format: DiskFormat, size_bytes: int, *problems: str) -> Inspection:
    """Return a disk of that size (in bytes, of any value) with the first of its problems."""
    is_sane = 0 < size_bytes <= LARGEST_BYTES
    absurd = "" if is_sane else f"its header tells of a disk of {size_bytes} bytes"
    return Inspection(
        disk_format=disk_format,
        virtual_size_bytes=size_bytes if is_sane else None,
        problem=next(filter(None, (absurd, *problems)), ""),
    )


def needs(what: str, name: str) -> str:
    """Return the clause for a file that is only a part; `name` may be hostile."""
    shown = _shown(name)
    return f"it needs {what} {shown}" if shown else f"it needs {what}"


def elsewhere(name: str) -> str:
    """Return the clause for a file without the data; `name` may be hostile."""
    shown = _shown(name)
    return f"its data lie in another file, {shown}" if shown else _ELSEWHERE


def damaged(why: str) -> str:
    """Return the clause for a header that contradicts itself."""
    return f"its header is damaged: {why}"


def ends_early(what: str, end_byte: int, size_bytes: int) -> str:
    """Return the clause for something that ends behind the file's end, else nothing."""
    if end_byte <= size_bytes:
        return ""
    return f"it is cut off: it has {size_bytes} bytes, and {what} end at {end_byte}"


def starts_beyond(what: str, start_byte: int, size_bytes: int) -> str:
    """Return the clause for something that starts behind the file's end, else nothing."""
    if start_byte < size_bytes:
        return ""
    return f"it is cut off: it has {size_bytes} bytes, and {what} at {start_byte}"


def _shown(name: str) -> str:
    """Return a name's last part for a person, short and printable; or nothing."""
    if _DOUBTFUL.search(name):
        return ""
    last = re.split(r"[\\/]", name)[-1]
    clean = "".join(char if char.isprintable() else "?" for char in last)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"
