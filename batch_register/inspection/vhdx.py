"""VHDX, Hyper-V's format since Windows Server 2012.

Source: Microsoft, [MS-VHDX]: regions are found by a table at 192 KiB (a copy at 256 KiB),
the disk's size by a table in the metadata region. All numbers are little endian; a GUID's
first three parts, too.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from batch_register.inspection.clauses import damaged, judged, needs, starts_beyond
from batch_register.inspection.tables import BlockTable, truncation
from batch_register.inspection.window import CutOffError, Window
from batch_register.source import DiskFormat, Inspection

_REGION_TABLES: Final = (192 * 1024, 256 * 1024)
_TABLE_BYTES: Final = 4096  # 127 entries; the format has two regions and six items
_BLOCKS: Final = UUID("2dc27766-f623-4200-9d64-115e9bfd4a08").bytes_le
_METADATA: Final = UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e").bytes_le
_FILE_PARAMETERS: Final = UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b").bytes_le
_DISK_SIZE: Final = UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8").bytes_le
_HAS_PARENT: Final = 1 << 1
_IN_FILE: Final = (6, 7)  # states of a block: fully and partially present
_MB: Final = 1 << 20

_Table = Mapping[bytes, tuple[int, int]]  # offset and length in bytes, by GUID


async def read_vhdx(window: Window) -> Inspection:
    """Tell of a VHDX; raises CutOffError where its tables are not whole."""
    regions = await _regions(window)
    items_at, _ = regions.get(_METADATA, (0, 0))
    items = _entries(await window.at(items_at, _TABLE_BYTES), b"metadata", 32)
    if _DISK_SIZE not in items:
        beyond = starts_beyond("its metadata lie", items_at, window.size_bytes)
        problem = beyond or damaged("it does not tell the disk's size")
        return Inspection(disk_format=DiskFormat.VHDX, problem=problem)
    (size,) = struct.unpack("<Q", await _item(window, items_at, items[_DISK_SIZE]))
    problem = await _layered(window, items_at, items) or await _truncated(
        window, *regions.get(_BLOCKS, (0, 0))
    )
    return judged(DiskFormat.VHDX, size, problem)


async def _regions(window: Window) -> _Table:
    """Return the regions by the first of the two tables that holds any."""
    for offset in _REGION_TABLES:
        table = await window.at(offset, _TABLE_BYTES)
        if regions := _entries(table, b"regi", 16):
            return regions
    if window.size_bytes < _REGION_TABLES[-1]:
        raise CutOffError
    return {}


def _entries(table: bytes, signature: bytes, header_bytes: int) -> _Table:
    """Read a table of regions (`header_bytes` 16) or of items (32)."""
    if not table.startswith(signature) or len(table) < header_bytes:
        return {}
    wide = header_bytes == 16  # noqa: PLR2004 - regions have longer offsets
    layout = struct.Struct("<16sQI4x" if wide else "<16sII8x")
    (count,) = struct.unpack_from("<I" if wide else "<H", table, 8 if wide else 10)
    rows = (len(table) - header_bytes) // layout.size
    found = (
        layout.unpack_from(table, header_bytes + row * layout.size)
        for row in range(min(count, rows))
    )
    return {guid: (offset, length) for guid, offset, length in found}


async def _item(window: Window, items_at: int, place: tuple[int, int]) -> bytes:
    return await window.whole(items_at + place[0], 8)


async def _layered(window: Window, items_at: int, items: _Table) -> str:
    if _FILE_PARAMETERS not in items:
        return damaged("its file parameters are missing")
    parameters = await _item(window, items_at, items[_FILE_PARAMETERS])
    _, flags = struct.unpack("<II", parameters)
    return needs("the parent disk", "") if flags & _HAS_PARENT else ""


async def _truncated(window: Window, offset: int, length: int) -> str:
    if not offset:
        return damaged("there is no table of blocks")
    table = BlockTable(offset=offset, length_bytes=length, layout="<Q", place=_place)
    return await truncation(window, table)


def _place(entry: int) -> int:
    return (entry >> 20) * _MB if entry & 7 in _IN_FILE else 0
