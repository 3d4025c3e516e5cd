"""VMDK, VMware's format: sparse files, and the pieces of disks that are no image alone.

A disk of one file is `monolithicSparse` or `streamOptimized`: a sparse extent that has
the disk's descriptor inside. All else is a descriptor or an extent of a disk of several
files. Source: VMware, "Virtual Disk Format 5.0". All numbers are little endian.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from batch_register.inspection import descriptor
from batch_register.inspection.clauses import damaged, ends_early, judged
from batch_register.inspection.library import objection
from batch_register.inspection.window import Window
from batch_register.source import DiskFormat, Inspection

_SECTOR_BYTES: Final = 512
_NEWEST: Final = 3
_AT_END: Final = 0xFFFF_FFFF_FFFF_FFFF
_FOOTER_BYTES: Final = 3 * _SECTOR_BYTES  # its marker, itself, the end-of-stream marker
_FOOTER_MARKER: Final = 3
_MOST_ENTRIES: Final = 512  # of a grain table
_LONGEST_DESCRIPTOR: Final = 20 * 1024  # bytes that are looked at; usual are 10 KiB


class _Header(NamedTuple):
    """The header of a sparse extent; sizes and offsets in sectors."""

    magic: bytes
    version: int
    flags: int
    capacity: int
    grain: int
    descriptor_offset: int
    descriptor_length: int
    table_entries: int
    spare_directory_offset: int
    directory_offset: int
    overhead: int


_HEADER: Final = struct.Struct("<4sIIQQQQIQQQ")


async def read_sparse(window: Window) -> Inspection:
    """Tell of a sparse extent; raises CutOffError where its header is not whole."""
    header = _Header._make(_HEADER.unpack(await window.whole(0, _HEADER.size)))
    if header.version > _NEWEST:
        problem = f"its VMDK version {header.version} is unknown"
        return Inspection(disk_format=DiskFormat.VMDK, problem=problem)
    text = await _descriptor(window, header)
    tail = b""
    if header.directory_offset == _AT_END:
        start = max(window.size_bytes - _FOOTER_BYTES, 0)
        tail = await window.at(start, _FOOTER_BYTES)
        header = _footer(tail) or header
    problem = (
        _described(text)
        or _misshapen(header)
        or _truncated(header, window.size_bytes)
        # It reads ASCII only, and a name may have other letters.
        or (objection("vmdk", window.head, tail) if text.isascii() else "")
    )
    return judged(DiskFormat.VMDK, header.capacity * _SECTOR_BYTES, problem)


async def read_delta(_window: Window) -> Inspection:
    """Tell of an ESXi sparse extent, as its snapshots are made of."""
    problem = "it is a part of a snapshot: the other parts lie in other files"
    return Inspection(disk_format=DiskFormat.VMDK, problem=problem)


async def _descriptor(window: Window, header: _Header) -> bytes:
    if not header.descriptor_offset:
        return b""
    length = min(header.descriptor_length * _SECTOR_BYTES, _LONGEST_DESCRIPTOR)
    text = await window.at(header.descriptor_offset * _SECTOR_BYTES, length)
    return text.partition(b"\0")[0]


def _described(text: bytes) -> str:
    """Judge the descriptor inside a sparse extent, which one of several does not have."""
    if not text:
        return "it is one of the several files of a disk"
    return descriptor.problem_of(text.decode(errors="replace"))


def _footer(tail: bytes) -> _Header | None:
    """Return the header that a stream ends with; None where it is not there."""
    if len(tail) < _FOOTER_BYTES:
        return None
    value, kind = struct.unpack_from("<II", tail, 8)
    header = _Header._make(_HEADER.unpack_from(tail, _SECTOR_BYTES))
    ends = not any(tail[2 * _SECTOR_BYTES : 2 * _SECTOR_BYTES + 16])
    is_footer = (value, kind, header.magic) == (0, _FOOTER_MARKER, b"KDMV")
    return header if is_footer and ends else None


def _misshapen(header: _Header) -> str:
    if header.grain and 0 < header.table_entries <= _MOST_ENTRIES:
        return ""
    return damaged(f"tables of {header.table_entries} grains of {header.grain} sectors")


def _truncated(header: _Header, size_bytes: int) -> str:
    if header.directory_offset == _AT_END:
        return "it is cut off: the footer at its end is missing"
    tables = -(-header.capacity // (header.grain * header.table_entries))
    directory_end = header.directory_offset * _SECTOR_BYTES + tables * 4
    overhead = header.overhead * _SECTOR_BYTES
    return ends_early("its tables", max(directory_end, overhead), size_bytes)
