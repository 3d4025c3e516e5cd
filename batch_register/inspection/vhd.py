"""VHD, Virtual PC's and early Hyper-V's format.

A dynamic disk begins with a copy of its footer; a fixed one has only the footer, in its
last 512 bytes (`raw` looks there). Source: Microsoft, "Virtual Hard Disk Image Format
Specification". All numbers are big endian.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from batch_register.inspection.clauses import damaged, ends_early, judged, needs
from batch_register.inspection.tables import BlockTable, truncation
from batch_register.inspection.window import Window
from batch_register.source import DiskFormat, Inspection

FOOTER_BYTES: Final = 512
COOKIE: Final = b"conectix"
_FIXED: Final = 2
_DYNAMIC: Final = 3
_DIFFERENCING: Final = 4
_UNUSED: Final = 0xFFFF_FFFF  # a block that is not in the file
_SECTOR_BYTES: Final = 512


class _Footer(NamedTuple):
    """The footer as far as it matters; sizes and offsets in bytes."""

    header_offset: int
    size: int  # as it is now; "original size" is what it was made with
    kind: int


class _Dynamic(NamedTuple):
    """The header of a disk whose blocks are listed in a table."""

    cookie: bytes
    data_offset: int
    table_offset: int
    version: int
    blocks: int
    block_bytes: int


async def read_vhd(window: Window) -> Inspection:
    """Tell of a VHD with a footer at its start; raises CutOffError likewise."""
    footer = _footer(await window.whole(0, FOOTER_BYTES))
    if footer.kind not in {_DYNAMIC, _DIFFERENCING}:
        problem = damaged(f"a VHD of type {footer.kind}")
        return judged(DiskFormat.VHD, footer.size, problem)
    header = await window.whole(footer.header_offset, 1024)
    dynamic = _Dynamic._make(struct.unpack_from(">8sQQIII", header))
    parent = header[64:576].decode("utf-16-be", errors="replace").partition("\0")[0]
    problem = (
        _of_kind(footer.kind, parent)
        or _misshapen(dynamic, footer.size)
        or await truncation(window, _table(dynamic))
    )
    return judged(DiskFormat.VHD, footer.size, problem)


def fixed_vhd(tail: bytes, size_bytes: int) -> Inspection | None:
    """Tell of a fixed VHD by its last bytes; None where they are no such footer.

    Footers that Virtual PC wrote before 2004 have 511 bytes.
    """
    start = tail.rfind(COOKIE, 0, len(COOKIE) + 1)
    footer = tail[max(start, 0) :].ljust(FOOTER_BYTES, b"\0")
    if start < 0 or _footer(footer).kind != _FIXED:
        return None
    size = _footer(footer).size
    room = size_bytes - (len(tail) - start)
    return judged(DiskFormat.VHD, size, ends_early("its data", size, room))


def _footer(footer: bytes) -> _Footer:
    header_offset, _, _, _, _, _, size, _, kind = struct.unpack_from(
        ">QIIIIQQII", footer, 16
    )
    return _Footer(header_offset, size, kind)


def _of_kind(kind: int, parent: str) -> str:
    return needs("the parent disk", parent) if kind == _DIFFERENCING else ""


def _misshapen(dynamic: _Dynamic, size: int) -> str:
    if dynamic.cookie != b"cxsparse":
        return damaged("there is no table of blocks")
    room = dynamic.blocks * dynamic.block_bytes
    return damaged(f"{room} bytes of blocks for {size}") if room < size else ""


def _table(dynamic: _Dynamic) -> BlockTable:
    return BlockTable(
        offset=dynamic.table_offset,
        length_bytes=dynamic.blocks * 4,
        layout=">I",
        place=lambda sector: 0 if sector == _UNUSED else sector * _SECTOR_BYTES,
    )
