"""Files without a header: raw disks, and fixed VHDs, which have theirs at the end.

Decides: which of the two it is. A raw disk's size is the file's.
"""

from __future__ import annotations

from typing import Final

from batch_register.inspection.clauses import judged
from batch_register.inspection.vhd import FOOTER_BYTES, fixed_vhd
from batch_register.inspection.window import Window
from batch_register.source import DiskFormat, Inspection

_SMALLEST_BYTES: Final = 512  # a sector


async def read_raw(window: Window) -> Inspection:
    """Tell of a file that begins like no other format."""
    size_bytes = window.size_bytes
    tail = await window.at(max(size_bytes - FOOTER_BYTES, 0), FOOTER_BYTES)
    if found := fixed_vhd(tail, size_bytes):
        return found
    is_tiny = size_bytes < _SMALLEST_BYTES
    problem = f"it has {size_bytes} bytes, less than a sector" if is_tiny else ""
    return judged(DiskFormat.RAW, size_bytes, problem)
