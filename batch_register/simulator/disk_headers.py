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
_VHDX_REGIONS_AT = 192 << 10
_VHDX_METADATA_AT = 2 * _MIB
_VHDX_METADATA = UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_VHDX_DISK_SIZE = UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_VMDK_DESCRIPTOR = b"""# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicSparse"
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
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 0, 0, 16, virtual_bytes)
    return {0: head, 96: struct.pack(">II", 4, 104)}  # of refcounts, of this header


def _qcow(virtual_bytes: int) -> dict[int, bytes]:
    return {0: struct.pack(">4sIQIIQ", b"QFI\xfb", 1, 0, 0, 0, virtual_bytes)}


def _qed(virtual_bytes: int) -> dict[int, bytes]:
    head = struct.pack("<4sIII", b"QED\0", 65536, 4, 1)
    return {0: head, 40: struct.pack("<QQ", 65536, virtual_bytes)}


def _raw(_virtual_bytes: int) -> dict[int, bytes]:
    return {510: b"\x55\xaa"}  # of a boot sector


def _vmdk(virtual_bytes: int) -> dict[int, bytes]:
    sectors = virtual_bytes // _SECTOR_BYTES
    head = struct.pack("<4sIIQQQQ", b"KDMV", 1, 3, sectors, 128, 1, 20)
    return {0: head, _SECTOR_BYTES: _VMDK_DESCRIPTOR}


def _vhd(virtual_bytes: int) -> dict[int, bytes]:
    head = bytearray(_SECTOR_BYTES)
    struct.pack_into(">8sIIQ", head, 0, b"conectix", 2, 0x10000, _SECTOR_BYTES)
    struct.pack_into(">QQ", head, 40, virtual_bytes, virtual_bytes)
    struct.pack_into(">I", head, 60, 3)  # dynamic
    struct.pack_into(">I", head, 64, ~sum(head) & 0xFFFFFFFF)
    return {0: bytes(head), _SECTOR_BYTES: b"cxsparse"}


def _vhdx(virtual_bytes: int) -> dict[int, bytes]:
    region = struct.pack("<16sQII", _VHDX_METADATA.bytes_le, _VHDX_METADATA_AT, _MIB, 1)
    item = struct.pack("<16sIII", _VHDX_DISK_SIZE.bytes_le, 65536, 8, 6)
    return {
        0: b"vhdxfile",
        _VHDX_REGIONS_AT: struct.pack("<4sIII", b"regi", 0, 1, 0) + region,
        _VHDX_METADATA_AT: struct.pack("<8sHH20x", b"metadata", 0, 1) + item,
        _VHDX_METADATA_AT + 65536: struct.pack("<Q", virtual_bytes),
    }


def _vdi(virtual_bytes: int) -> dict[int, bytes]:
    head = struct.pack("<IIII", 0xBEDA107F, 0x00010001, 400, 1)
    return {
        0: b"<<< QEMU VM Virtual Disk Image >>>\n",
        64: head,
        368: struct.pack("<Q", virtual_bytes),
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
