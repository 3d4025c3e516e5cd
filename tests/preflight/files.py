"""Small disk images, and files that are none, byte by byte.

Layout of qcow2: QEMU, docs/interop/qcow2.
"""

from __future__ import annotations

import struct

CLUSTER_BYTES = 65_536
_HEADER_BYTES = 104
_L2_ENTRIES = CLUSTER_BYTES // 8


def qcow2(virtual_size_bytes: int, *, backing: bytes = b"") -> bytes:
    """Return a whole qcow2 without data: header, tables of references, L1 table."""
    l1_entries = -(-virtual_size_bytes // (CLUSTER_BYTES * _L2_ENTRIES))
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb",
        3,
        _HEADER_BYTES + 8 if backing else 0,
        len(backing),
        16,  # bits of a cluster's size
        virtual_size_bytes,
        0,
        l1_entries,
        3 * CLUSTER_BYTES,
        CLUSTER_BYTES,
        1,
        *(0, 0, 0, 0, 0),
        4,  # bits of a reference count's order
        _HEADER_BYTES,
    )
    head = (header + bytes(8) + backing).ljust(CLUSTER_BYTES, b"\0")
    counts_at = struct.pack(">Q", 2 * CLUSTER_BYTES).ljust(CLUSTER_BYTES, b"\0")
    counts = struct.pack(">4H", 1, 1, 1, 1).ljust(CLUSTER_BYTES, b"\0")
    return head + counts_at + counts + bytes(CLUSTER_BYTES)


VMDK_DESCRIPTOR = b"""# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"
RW 131072 FLAT "web-01-flat.vmdk" 0
"""
HTML = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>"
GZIP = b"\x1f\x8b\x08\x00" + bytes(4096)
LUKS = b"LUKS\xba\xbe\x00\x02" + bytes(8192)
