"""QEMU's copy-on-write formats: qcow2 (versions 2 and 3) and the first qcow.

Sources: QEMU, docs/interop/qcow2 for qcow2; block/qcow.c for qcow. All numbers are big
endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

from batch_register.inspection.clauses import (
    damaged,
    elsewhere,
    judged,
    needs,
    starts_beyond,
)
from batch_register.inspection.library import objection
from batch_register.inspection.tables import BlockTable, truncation
from batch_register.inspection.window import Window
from batch_register.source import DiskFormat, Inspection

_CLUSTER_BITS: Final = range(9, 22)  # QEMU opens no others
_L2_BITS: Final = range(6, 14)  # of qcow
_OFFSET: Final = 0x00FF_FFFF_FFFF_FE00  # the bits of a table's entry that are an offset
_LONGEST_NAME: Final = 1023  # bytes, by the specification
_COMPRESSED: Final = 1 << 62

_CORRUPT: Final = 1 << 1
_DATA_FILE: Final = 1 << 2
_EXTENDED_L2: Final = 1 << 4
_KNOWN: Final = (1 << 5) - 1
_DATA_FILE_NAME: Final = 0x44415441


class _Header(NamedTuple):
    """What both versions begin with; offsets and the size in bytes."""

    magic: bytes
    version: int
    backing_offset: int
    backing_length: int
    cluster_bits: int
    size: int
    crypt_method: int
    l1_length: int
    l1_offset: int
    counts_offset: int


_HEADER: Final = struct.Struct(">4sIQIIQIIQQ")
_HEADER_BYTES: Final = {2: 72, 3: 104}  # by version, at least


async def read_qcow2(window: Window) -> Inspection:
    """Tell of a qcow2; raises CutOffError where its header is not whole."""
    header = _Header._make(_HEADER.unpack(await window.whole(0, _HEADER.size)))
    if header.version not in _HEADER_BYTES:
        problem = f"its qcow2 version {header.version} is unknown"
        return Inspection(disk_format=DiskFormat.QCOW2, problem=problem)
    whole = await window.whole(0, _HEADER_BYTES[header.version])
    features, extensions = _extended(whole, window.head)
    problem = (
        await _backing(window, header.backing_offset, header.backing_length)
        or _featured(features, extensions)
        or _encrypted(header.crypt_method)
        or _misshapen_qcow2(header, features)
        or starts_beyond(
            "its reference counts lie", header.counts_offset, window.size_bytes
        )
        or await truncation(window, _l1_table(header, features))
        or objection("qcow2", window.head)
    )
    return judged(DiskFormat.QCOW2, header.size, problem)


async def read_qcow(window: Window) -> Inspection:
    """Tell of a qcow, the format before qcow2; raises CutOffError likewise."""
    found = struct.unpack(">4sIQIIQBBHIQ", await window.whole(0, 48))
    backing_offset, backing_length, _, size, cluster_bits, l2_bits = found[2:8]
    crypt_method, l1_offset = found[9:]
    problem = (
        await _backing(window, backing_offset, backing_length)
        or _encrypted(crypt_method)
        or _misshapen_qcow(cluster_bits, l2_bits)
        or await truncation(window, _qcow_table(l1_offset, size, cluster_bits, l2_bits))
    )
    return judged(DiskFormat.QCOW, size, problem)


async def _backing(window: Window, offset: int, length: int) -> str:
    if not offset:
        return ""
    name = await window.at(offset, min(length, _LONGEST_NAME))
    return needs("the backing file", name.decode(errors="replace"))


def _extended(header: bytes, head: bytes) -> tuple[int, bytes]:
    """Return incompatible features and header extensions; version 2 has neither."""
    if len(header) == _HEADER_BYTES[2]:
        return 0, b""
    (features,) = struct.unpack_from(">Q", header, 72)
    (length,) = struct.unpack_from(">I", header, 100)
    return features, head[length:]


def _featured(features: int, extensions: bytes) -> str:
    """Judge the incompatible features of version 3."""
    if features & _DATA_FILE:
        names = (data for kind, data in _walk(extensions) if kind == _DATA_FILE_NAME)
        return elsewhere(next(names, b"").decode(errors="replace"))
    if features & ~_KNOWN:
        return f"its qcow2 features {features & ~_KNOWN:#x} are unknown"
    return "it is marked as corrupt" if features & _CORRUPT else ""


def _walk(extensions: bytes) -> Iterator[tuple[int, bytes]]:
    """Give type and data of each header extension; ends at the first that is not whole."""
    offset = 0
    while len(extensions) - offset >= 8:  # noqa: PLR2004 - type and length
        kind, length = struct.unpack_from(">II", extensions, offset)
        data = extensions[offset + 8 : offset + 8 + length]
        if not kind or len(data) < length:
            return
        yield kind, data
        offset += 8 + -(-length // 8) * 8


def _encrypted(crypt_method: int) -> str:
    return "it is encrypted" if crypt_method else ""


def _misshapen_qcow2(header: _Header, features: int) -> str:
    if header.cluster_bits not in _CLUSTER_BITS:
        return damaged(f"clusters of 2^{header.cluster_bits} bytes")
    entry_bits = 4 if features & _EXTENDED_L2 else 3  # of an L2 table, log2 of bytes
    if header.l1_length < -(-header.size >> (2 * header.cluster_bits - entry_bits)):
        return damaged(f"its L1 table is too short for {header.size} bytes")
    if header.l1_offset % (1 << header.cluster_bits):
        return damaged("its L1 table does not begin at a cluster")
    return ""


def _misshapen_qcow(cluster_bits: int, l2_bits: int) -> str:
    if cluster_bits in _CLUSTER_BITS and l2_bits in _L2_BITS:
        return ""
    return damaged(f"clusters of 2^{cluster_bits} bytes, tables of 2^{l2_bits}")


def _l1_table(header: _Header, features: int) -> BlockTable:
    return BlockTable(
        offset=header.l1_offset,
        length_bytes=header.l1_length * 8,
        layout=">Q",
        place=_OFFSET.__and__,
        below=lambda offset: _l2_table(offset, header, features),
    )


def _l2_table(offset: int, header: _Header, features: int) -> BlockTable:
    data_offset = (1 << (70 - header.cluster_bits)) - 1  # of a compressed cluster

    def place(entry: int) -> int:
        return entry & (data_offset if entry & _COMPRESSED else _OFFSET)

    return BlockTable(
        offset=offset,
        length_bytes=1 << header.cluster_bits,
        layout=">Q8x" if features & _EXTENDED_L2 else ">Q",
        place=place,
    )


def _qcow_table(offset: int, size: int, cluster_bits: int, l2_bits: int) -> BlockTable:
    """Return the L1 table of a qcow, which does not tell its length."""
    l2_table = partial(
        BlockTable,
        length_bytes=8 << l2_bits,
        layout=">Q",
        place=((1 << (63 - cluster_bits)) - 1).__and__,
    )
    return BlockTable(
        offset=offset,
        length_bytes=-(-size >> (cluster_bits + l2_bits)) * 8,
        layout=">Q",
        place=int,
        below=lambda at: l2_table(offset=at),
    )
