"""Image files made from bytes, one of each format: small headers, large holes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

from batch_register.inspection import inspect
from batch_register.source import Inspection

T = TypeVar("T")

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
DISK_BYTES = 10 * GIB
BUDGET_BYTES = 64 * KIB


class File:
    """A file of some size that is zero but for its pieces; notes the ranges read."""

    def __init__(self, size_bytes: int, pieces: dict[int, bytes] | None = None) -> None:
        self.size_bytes = size_bytes
        self.pieces = dict(pieces or {})
        self.ranges: list[tuple[int, int]] = []

    async def read(self, offset: int, length: int) -> bytes:
        """Give a range, less of it at the file's end."""
        self.ranges.append((offset, length))
        return self.content(offset, min(length, max(self.size_bytes - offset, 0)))

    def content(self, offset: int, length: int) -> bytes:
        """Return a range's bytes."""
        found = bytearray(length)
        for at, piece in self.pieces.items():
            low, high = max(at, offset), min(at + len(piece), offset + length)
            if low < high:
                found[low - offset : high - offset] = piece[low - at : high - at]
        return bytes(found)

    def patched(self, offset: int, value: bytes) -> File:
        """Return a file that has other bytes at one place."""
        patched = File(self.size_bytes, self.pieces)
        for at, piece in self.pieces.items():
            if at <= offset < at + len(piece):
                start = offset - at
                end = start + len(value)
                patched.pieces[at] = piece[:start] + value + piece[end:]
                return patched
        patched.pieces[offset] = value
        return patched

    def cut(self, size_bytes: int) -> File:
        """Return a file that ends sooner."""
        return File(size_bytes, self.pieces)


def of_bytes(content: bytes) -> File:
    """Return a file of exactly these bytes."""
    return File(len(content), {0: content})


def inspected(file: File) -> Inspection:
    """Inspect a file; no loop is needed, since nothing here waits."""
    found = finished(inspect(file.read, file.size_bytes))
    assert sum(length for _, length in file.ranges) <= BUDGET_BYTES
    return found


def finished(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine that never waits comes to."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    message = "it waited for something else than a read"
    raise AssertionError(message)


# ---------------------------------------------------------------- QEMU's formats


def qcow2(
    *, size: int = DISK_BYTES, features: int = 0, extensions: bytes = b""
) -> File:
    """A version 3 with one L2 table at 4 and data at 5 clusters (64 KiB)."""
    cluster = 64 * KIB
    entries = max(-(-size // (512 * MIB)), 1)
    header = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, 0, 0, 16, size, 0, entries, 3 * cluster,
        cluster, 1, 0, 0,
    )  # fmt: skip
    extended = struct.pack(">QQQIIQ", features, 0, 0, 4, 112, 0)
    start = (header + extended + extensions).ljust(1024, b"\0")
    used = 1 << 63
    l1_table = struct.pack(f">{entries}Q", used | 4 * cluster, *[0] * (entries - 1))
    l2_table = struct.pack(">2Q", used | 5 * cluster, 0)
    return File(6 * cluster, {0: start, 3 * cluster: l1_table, 4 * cluster: l2_table})


def qcow2_v2() -> File:
    """The same in version 2, whose header ends at 72 bytes."""
    file = qcow2()
    return File(
        file.size_bytes,
        file.pieces | {0: file.patched(4, b"\0\0\0\2").pieces[0][:72]},
    )


def qcow(*, size: int = DISK_BYTES) -> File:
    """A qcow with clusters of 4 KiB and L2 tables of 512 entries."""
    entries = -(-size >> (12 + 9))
    header = struct.pack(
        ">4sIQIIQBBHIQ", b"QFI\xfb", 1, 0, 0, 0, size, 12, 9, 0, 0, 4096
    )
    tables_end = 4096 + -(-entries * 8 // 4096) * 4096
    l1_table = struct.pack(">Q", tables_end).ljust(entries * 8, b"\0")
    l2_table = struct.pack(">Q", tables_end + 4096).ljust(4096, b"\0")
    pieces = {0: header, 4096: l1_table, tables_end: l2_table}
    return File(tables_end + 8192, pieces)


def qed(*, features: int = 0, backing: bytes = b"") -> File:
    """A QED with clusters of 64 KiB and tables of four of them."""
    cluster = 64 * KIB
    header = struct.pack(
        "<4sIIIQQQQQII", b"QED\0", cluster, 4, 1, features, 0, 0, cluster, DISK_BYTES,
        64, len(backing),
    )  # fmt: skip
    l1_table, l2_table = struct.pack("<Q", 5 * cluster), struct.pack("<Q", 9 * cluster)
    pieces = {0: header + backing, cluster: l1_table, 5 * cluster: l2_table}
    return File(10 * cluster, pieces)


# ---------------------------------------------------------------- VMware's

DESCRIPTOR = b"""# Disk DescriptorFile
version=1
CID=7dca39a1
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW 20971520 SPARSE "web-01.vmdk"

ddb.adapterType = "ide"
"""


def vmdk_header(*, directory: int = 30, capacity: int = DISK_BYTES // 512) -> bytes:
    """The header of a sparse extent; offsets and sizes in sectors."""
    fields = (b"KDMV", 1, 3, capacity, 128, 1, 20, 512, 21, directory, 128)
    return struct.pack("<4sIIQQQQIQQQ", *fields).ljust(512, b"\0")


def vmdk(descriptor: bytes = DESCRIPTOR, *, header: bytes = b"") -> File:
    """A sparse extent with its descriptor."""
    start = (header or vmdk_header()) + descriptor.ljust(10 * KIB, b"\0")
    return File(MIB, {0: start})


def vmdk_stream() -> File:
    """A stream whose true header is the footer, a sector before its end."""
    text = DESCRIPTOR.replace(b"monolithicSparse", b"streamOptimized")
    file = vmdk(text, header=vmdk_header(directory=2**64 - 1, capacity=0))
    marker = struct.pack("<QII", 1, 0, 3).ljust(512, b"\0")
    footer = marker + vmdk_header() + bytes(512)
    return File(MIB, file.pieces | {MIB - 1536: footer})


# ---------------------------------------------------------------- Microsoft's


def vhd_footer(*, kind: int, size: int = DISK_BYTES, made_with: int = GIB) -> bytes:
    """The 512 bytes that end a VHD; `made_with` is the size before it grew."""
    fields = (
        b"conectix",
        2,
        0x10000,
        512,
        0,
        b"win ",
        0,
        b"Wi2k",
        made_with,
        size,
        0,
        kind,
    )
    return struct.pack(">8sIIQI4sI4sQQII", *fields).ljust(512, b"\0")


def vhd(*, kind: int = 3, parent: str = "") -> File:
    """A dynamic or differencing VHD with one block of 2 MiB."""
    blocks = DISK_BYTES // (2 * MIB)
    header = struct.pack(
        ">8sQQIII", b"cxsparse", 2**64 - 1, 1536, 0x10000, blocks, 2 * MIB
    )
    header = header.ljust(64, b"\0") + parent.encode("utf-16-be").ljust(512, b"\0")
    data = -(-(1536 + blocks * 4) // 512)  # sectors
    table = struct.pack(">I", data).ljust(blocks * 4, b"\xff")
    footer = vhd_footer(kind=kind)
    end = data * 512 + 512 + 2 * MIB
    start = footer + header.ljust(1024, b"\0") + table
    return File(end + 512, {0: start, end: footer})


def fixed_vhd(*, footer_bytes: int = 512) -> File:
    """A fixed VHD, whose footer before 2004 had a byte less."""
    footer = vhd_footer(kind=2)[:footer_bytes]
    return File(DISK_BYTES + footer_bytes, {DISK_BYTES: footer})


BLOCKS = UUID("2dc27766-f623-4200-9d64-115e9bfd4a08").bytes_le
METADATA = UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e").bytes_le
FILE_PARAMETERS = UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b").bytes_le
DISK_SIZE = UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8").bytes_le


def vhdx(*, flags: int = 0, region_table: int = 192 * KIB) -> File:
    """A VHDX with one block of 8 MiB at 4 MiB."""
    regions = struct.pack("<4sIII", b"regi", 0, 2, 0)
    regions += struct.pack("<16sQII", BLOCKS, 3 * MIB, MIB, 1)
    regions += struct.pack("<16sQII", METADATA, 2 * MIB, MIB, 1)
    items = struct.pack("<8sHH20x", b"metadata", 0, 2)
    items += struct.pack("<16sIIII", FILE_PARAMETERS, 64 * KIB, 8, 4, 0)
    items += struct.pack("<16sIIII", DISK_SIZE, 64 * KIB + 8, 8, 6, 0)
    pieces = {
        0: b"vhdxfile",
        region_table: regions,
        2 * MIB: items,
        2 * MIB + 64 * KIB: struct.pack("<IIQ", 8 * MIB, flags, DISK_BYTES),
        3 * MIB: struct.pack("<3Q", (4 << 20) | 6, 99 << 20, 2),
    }
    return File(12 * MIB, pieces)


def vdi(*, kind: int = 1, version: int = 0x0001_0001) -> File:
    """A VDI of which three blocks of 1 MiB are in the file."""
    header = bytearray(512)
    header[:32] = b"<<< Oracle VM VirtualBox Disk Im"
    struct.pack_into("<IIII", header, 64, 0xBEDA107F, version, 0x190, kind)
    blocks = DISK_BYTES // MIB
    struct.pack_into("<II", header, 340, 512, MIB)
    struct.pack_into("<QIIII", header, 368, DISK_BYTES, MIB, 0, blocks, 3)
    return File(4 * MIB, {0: bytes(header)})


# ---------------------------------------------------------------- others


def parallels(*, magic: bytes = b"WithouFreSpacExt") -> File:
    """A Parallels disk; the older magic's size has 32 bits, and rubbish behind them."""
    rest = 0 if magic.endswith(b"Ext") else 0xDEAD_0000_0000
    header = struct.pack(
        "<16sIIIIIQ", magic, 2, 16, 100, 2048, 5, DISK_BYTES // 512 | rest
    )
    return File(MIB, {0: header})


def tar(name: str = "web-01.ovf") -> File:
    """A tar archive with one member, its checksum right."""
    block = bytearray(512)
    block[: len(name)] = name.encode()
    block[148:156] = b" " * 8
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"%06o\0 " % sum(block)
    return of_bytes(bytes(block) + bytes(20 * KIB))


def iso(*, blocks: int = 2048, size_bytes: int = 4 * MIB, kind: int = 1) -> File:
    """An ISO of `blocks` blocks of 2 KiB, by its primary descriptor or another one."""
    volume = bytearray(2048)
    volume[:6] = bytes([kind]) + b"CD001"
    struct.pack_into("<I", volume, 80, blocks)
    struct.pack_into("<H", volume, 128, 2048)
    return File(size_bytes, {0: b"\xeb\x63", 32 * KIB: bytes(volume)})


def raw() -> File:
    """A disk with a boot sector and nothing else."""
    return File(DISK_BYTES, {0: b"\xeb\x63\x90", 510: b"\x55\xaa"})


EVERY: dict[str, Callable[[], File]] = {
    "qcow2": qcow2,
    "qcow2 v2": qcow2_v2,
    "qcow": qcow,
    "qed": qed,
    "vmdk": vmdk,
    "vmdk stream": vmdk_stream,
    "vhd": vhd,
    "fixed vhd": fixed_vhd,
    "vhdx": vhdx,
    "vdi": vdi,
    "parallels": parallels,
    "tar": tar,
    "iso": iso,
    "raw": raw,
    "descriptor": lambda: of_bytes(DESCRIPTOR),
}
