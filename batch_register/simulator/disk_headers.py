"""What a disk file begins with, made up from its format and sizes; the rest is zeros.

Sources: QEMU's docs/interop/qcow2.rst, qed_spec.rst and its block/qcow.c and block/vdi.c;
VMware, "Virtual Disk Format 5.0"; Microsoft, "Virtual Hard Disk Image Format
Specification" and [MS-VHDX]; ECMA-119 for ISO files.
"""

from __future__ import annotations

import struct
from uuid import UUID

_SECTOR_BYTES = 512
_MIB = 1 << 20
_CLUSTER_BYTES = 1 << 16
_UNUSED = b"\xff\xff\xff\xff"  # a block that is not in the file
_VHDX_REGIONS_AT = 192 << 10
_VHDX_METADATA_AT = 2 * _MIB
_VHDX_BLOCKS_AT = 3 * _MIB
_VHDX_BLOCKS = UUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
_VHDX_FILE_PARAMETERS = UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_VHDX_METADATA = UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_VHDX_DISK_SIZE = UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_VMDK_DESCRIPTOR = b"""# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicSparse"

RW %d SPARSE "disk.vmdk"
"""


def pieces(disk_format: str, virtual_bytes: int) -> dict[int, bytes]:
    """Return what stands where, by offsets in bytes, in a file of this format."""
    make = _PIECES.get(disk_format)
    return make(virtual_bytes) if make else {}


def content(parts: dict[int, bytes], first: int, last: int) -> bytes:
    """Return the bytes from `first` to `last`, that one included, zeros between pieces."""
    body = bytearray(last - first + 1)
    for offset, piece in parts.items():
        begins, ends = max(offset, first), min(offset + len(piece), last + 1)
        if begins < ends:
            body[begins - first : ends - first] = piece[begins - offset : ends - offset]
    return bytes(body)


def _qcow2(virtual_bytes: int) -> dict[int, bytes]:
    """Lay the L1 table, all of it empty, behind the header's cluster."""
    entries = -(-virtual_bytes // (_CLUSTER_BYTES * _CLUSTER_BYTES // 8))
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 0, 0, 16, virtual_bytes)
    tables = struct.pack(">IIQQI", 0, entries, _CLUSTER_BYTES, 2 * _CLUSTER_BYTES, 1)
    return {0: head + tables, 96: struct.pack(">II", 4, 104)}  # refcounts, header


def _qcow(virtual_bytes: int) -> dict[int, bytes]:
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", 1, 0, 0, 0, virtual_bytes)
    return {0: head + struct.pack(">BBHIQ", 12, 9, 0, 0, 48)}  # no L1 entry is used


def _qed(virtual_bytes: int) -> dict[int, bytes]:
    head = struct.pack("<4sIII", b"QED\0", 65536, 4, 1)
    return {0: head, 40: struct.pack("<QQ", 65536, virtual_bytes)}


def _raw(_virtual_bytes: int) -> dict[int, bytes]:
    return {510: b"\x55\xaa"}  # of a boot sector


def _vmdk(virtual_bytes: int) -> dict[int, bytes]:
    sectors = virtual_bytes // _SECTOR_BYTES
    head = struct.pack("<4sIIQQQQ", b"KDMV", 1, 3, sectors, 128, 1, 20)
    tables = struct.pack("<IQQQ", 512, 21, 26, 128)
    return {0: head + tables, _SECTOR_BYTES: _VMDK_DESCRIPTOR % sectors}


def _vhd(virtual_bytes: int) -> dict[int, bytes]:
    footer = bytearray(_SECTOR_BYTES)
    struct.pack_into(">8sIIQ", footer, 0, b"conectix", 2, 0x10000, _SECTOR_BYTES)
    struct.pack_into(">QQ", footer, 40, virtual_bytes, virtual_bytes)
    struct.pack_into(">I", footer, 60, 3)  # dynamic
    struct.pack_into(">I", footer, 64, ~sum(footer) & 0xFFFFFFFF)
    blocks, table_at = -(-virtual_bytes // (2 * _MIB)), 1536
    table = (b"cxsparse", 2**64 - 1, table_at, 0x10000, blocks, 2 * _MIB)
    head = bytearray(1024)
    struct.pack_into(">8sQQIII", head, 0, *table)
    struct.pack_into(">I", head, 36, ~sum(head) & 0xFFFFFFFF)
    return {
        0: bytes(footer),
        _SECTOR_BYTES: bytes(head),
        table_at: _UNUSED * blocks,
    }


def _vhdx(virtual_bytes: int) -> dict[int, bytes]:
    """Lay two regions behind the headers: what the disk is, and which blocks it has."""
    regions = b"".join(
        struct.pack("<16sQII", region.bytes_le, place, _MIB, 1)
        for region, place in (
            (_VHDX_METADATA, _VHDX_METADATA_AT),
            (_VHDX_BLOCKS, _VHDX_BLOCKS_AT),
        )
    )
    items = b"".join(
        struct.pack("<16sIII4x", item.bytes_le, place, 8, flags)
        for item, place, flags in (
            (_VHDX_DISK_SIZE, 65536, 6),
            (_VHDX_FILE_PARAMETERS, 65544, 4),
        )
    )
    return {
        0: b"vhdxfile",
        _VHDX_REGIONS_AT: struct.pack("<4sIII", b"regi", 0, 2, 0) + regions,
        _VHDX_METADATA_AT: struct.pack("<8sHH20x", b"metadata", 0, 2) + items,
        _VHDX_METADATA_AT + 65536: struct.pack("<QII", virtual_bytes, 32 * _MIB, 0),
    }


def _vdi(virtual_bytes: int) -> dict[int, bytes]:
    head = struct.pack("<IIII", 0xBEDA107F, 0x00010001, 400, 1)
    blocks, map_at = -(-virtual_bytes // _MIB), 512
    data_at = -(-(map_at + 4 * blocks) // _MIB) * _MIB
    return {
        0: b"<<< QEMU VM Virtual Disk Image >>>\n",
        64: head,
        340: struct.pack("<II", map_at, data_at),
        360: struct.pack("<I", _SECTOR_BYTES),
        368: struct.pack("<QIIII", virtual_bytes, _MIB, 0, blocks, 0),
        map_at: _UNUSED * blocks,
    }


def _iso(_virtual_bytes: int) -> dict[int, bytes]:
    return {32768: b"\x01CD001\x01"}


_PIECES = {
    "qcow2": _qcow2,
    "qcow": _qcow,
    "qed": _qed,
    "raw": _raw,
    "vmdk": _vmdk,
    "vhd": _vhd,
    "vhdx": _vhdx,
    "vdi": _vdi,
    "iso": _iso,
}
