"""Tables that say where in the file a disk's blocks lie.

Decides: whether one is whole, and whether all that it points to is in the file. Must not
know: which format it is of.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from batch_register.inspection.clauses import ends_early, starts_beyond
from batch_register.inspection.window import Window

_SHARED_BYTES: Final = 16 * 1024  # of a table that leaves something for the one below


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTable:
    """A table of offsets; `place` makes a byte offset of an entry, 0 for none.

    `below` makes the table that such an offset leads to, where there are two levels.
    """

    offset: int
    length_bytes: int
    layout: str  # of one entry, for `struct`
    place: Callable[[int], int]
    below: Callable[[int], BlockTable] | None = None


async def truncation(window: Window, table: BlockTable) -> str:
    """Return the clause where the file ends before what the table tells of, else nothing.

    A table that is longer than the budget is looked at as far as it goes; of those below,
    the last in the file, since files grow at their end.
    """
    end = table.offset + table.length_bytes
    early = ends_early("its tables", end, window.size_bytes)
    return early or await _beyond(window, table)


async def _beyond(window: Window, table: BlockTable) -> str:
    most = _SHARED_BYTES if table.below else table.length_bytes
    entries = await window.at(table.offset, min(table.length_bytes, most))
    whole = len(entries) - len(entries) % struct.calcsize(table.layout)
    found = struct.iter_unpack(table.layout, entries[:whole])
    furthest = max((table.place(entry) for (entry,) in found), default=0)
    problem = starts_beyond("a block of it lies", furthest, window.size_bytes)
    if problem or not furthest or table.below is None:
        return problem
    return await _beyond(window, table.below(furthest))
