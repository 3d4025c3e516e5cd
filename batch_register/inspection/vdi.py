"""VDI, VirtualBox's disk image.

Sources: VirtualBox, VDICore.h; QEMU, block/vdi.c. All numbers are little endian.
"""

from __future__ import annotations

import struct
from typing import Final

from batch_register.inspection.clauses import damaged, ends_early, judged, needs
from batch_register.inspection.window import Window
from batch_register.source import DiskFormat, Inspection

_LAYOUT: Final = 0x0001  # the upper half of the version: 1.x
_SIMPLE: Final = (1, 2)  # dynamic and fixed
_LAYERED: Final = (3, 4)  # undo and differencing


async def read_vdi(window: Window) -> Inspection:
    """Tell of a VDI; raises CutOffError where its header is not whole."""
    head = await window.whole(0, 392)
    version, _, kind = struct.unpack_from("<III", head, 68)
    if version >> 16 != _LAYOUT:
        return Inspection(
            disk_format=DiskFormat.VDI
        )  # older than 2006: no more is known
    map_offset, data_offset = struct.unpack_from("<II", head, 340)
    size, block_bytes, _, blocks, allocated = struct.unpack_from("<QIIII", head, 368)
    # The last block may be shorter than the others.
    data_end = data_offset + (allocated - 1) * block_bytes if allocated else 0
    problem = (
        _of_kind(kind)
        or _short_of_room(size, blocks * block_bytes)
        or ends_early("its tables", map_offset + blocks * 4, window.size_bytes)
        or ends_early("its blocks", data_end, window.size_bytes)
    )
    return judged(DiskFormat.VDI, size, problem)


def _of_kind(kind: int) -> str:
    if kind in _LAYERED:
        return needs("the disk that it holds the changes of", "")
    return "" if kind in _SIMPLE else damaged(f"a VDI of type {kind}")


def _short_of_room(size: int, room: int) -> str:
    return damaged(f"{room} bytes of blocks for {size}") if room < size else ""
