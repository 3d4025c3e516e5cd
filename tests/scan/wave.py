"""Fifty disk images of all formats that QEMU makes, and what lies beside them.

Each is made by a line of qemu-img's arguments; the sizes are those of the disks inside.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.inspection.qemu import QemuImg
from tests.integration.conftest import Cloud

MIB, GIB = 1 << 20, 1 << 30


@dataclass(frozen=True, kw_only=True)
class Disk:
    """One image: its key in the bucket, its format, the size of the disk inside."""

    key: str
    disk_format: str
    size_bytes: int
    qemu: str  # what qemu-img calls the format, and its options

    def make(self, tool: QemuImg, folder: Path) -> bytes:
        """Return the file."""
        name, *options = self.qemu.split()
        place = folder / "image"
        tool.do("create", "-q", "-f", name, *options, place, str(self.size_bytes))
        content = place.read_bytes()
        place.unlink()
        return content


# Suffix, format, arguments; what follows stores nothing of an empty disk.
_THIN = (
    ("qcow2", "qcow2", "qcow2"),
    ("qcow2", "qcow2", "qcow2 -o compat=0.10"),
    ("qcow2", "qcow2", "qcow2 -o cluster_size=2M"),
    ("img", "qcow2", "qcow2 -o lazy_refcounts=on"),
    ("qcow", "qcow", "qcow"),
    ("qed", "qed", "qed"),
    ("vdi", "vdi", "vdi"),
    ("vhd", "vhd", "vpc -o force_size=on"),
    ("vmdk", "vmdk", "vmdk"),
    ("VMDK", "vmdk", "vmdk -o subformat=streamOptimized"),
)
_THICK = (
    ("raw", "raw", "raw"),
    ("vhd", "vhd", "vpc -o subformat=fixed,force_size=on"),
    ("vdi", "vdi", "vdi -o static=on"),
    ("vhdx", "vhdx", "vhdx"),
    ("vhdx", "vhdx", "vhdx -o subformat=fixed"),
)
_THIN_SIZES = (3 * GIB, 40 * GIB, 40 * GIB + MIB, 500 * GIB)
_THICK_SIZES = (2 * MIB, 5 * MIB)


def disks() -> list[Disk]:
    """Return all fifty; some have one name in several folders."""
    found = [
        Disk(key=f"wave/{name}", disk_format=each[1], size_bytes=size, qemu=each[2])
        for variants, sizes in ((_THIN, _THIN_SIZES), (_THICK, _THICK_SIZES))
        for size in sizes
        for number, each in enumerate(variants)
        for name in [f"{size // MIB}/disk {number:02}.{each[0]}".replace(" ", "-")]
    ]
    assert len(found) == 50
    return found


def beside() -> Iterator[tuple[str, bytes, str]]:
    """Yield what is no image: its key, its content, a word of why it is left out."""
    yield "wave/notes.txt", b"look at web-01 first\n", "text"
    yield "wave/SHA256SUMS", b"0" * 64 + b"  web-01.qcow2\n", "text"
    yield "wave/web-01.vmdk.md5", b"0" * 32, "checksum"
    yield "wave/app.ovf", b'<?xml version="1.0"?><Envelope/>', "description"
    yield "wave/app.tar.gz", b"\x1f\x8b\x08" + bytes(600), "gzip"
    yield "wave/luks.img", b"LUKS\xba\xbe\0\x02" + bytes(4096), "LUKS"
    yield "wave/web-flat.vmdk", bytes(4096), "part of a disk"
    yield "wave/web 01.raw", bytes(4096), "blank"
    yield "wave/half.qcow2", b"QFI\xfb\0\0\0\x03" + bytes(8), "header"
    yield "wave/empty.raw", b"", "empty"
    yield "wave/odd.raw", bytes(range(256)) * 3, "sectors"


def furnish(cloud: Cloud, what: str, things: list[dict[str, object]]) -> None:
    """Put things into the simulated cloud: `objects` or `buckets`."""
    request = urllib.request.Request(  # noqa: S310 - own server
        f"{cloud.url}/_simulator/{what}", json.dumps(things).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        assert json.load(answer) == {what: len(things)}
