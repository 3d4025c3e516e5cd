"""What a disk image is, told by at most 64 KiB of it.

Decides: format, the size of the disk inside, and what makes the file useless by itself
(its data lie elsewhere, it is cut off, encrypted, packed). Says only what is certain: a
false alarm stops a good image. Must not know: where the bytes come from, which formats a
cloud takes.

One read fetches the first 33 KiB, as far as an ISO's first descriptor; then:

========  ===================================================  ========================
format    further ranges, each cut to what the budget has left  source of the layout
========  ===================================================  ========================
qcow2     16 KiB of the L1 table, the last L2 table            QEMU, docs/interop/qcow2
qcow      likewise                                             QEMU, block/qcow.c
qed       likewise                                             QEMU, docs/interop/qed_spec
vmdk      the descriptor where it is not in the head; the      VMware, "Virtual Disk
          footer (last 1,536 bytes) where the header asks      Format 5.0"
vhd       the block allocation table                           Microsoft, "Virtual Hard
                                                               Disk Image Format
                                                               Specification"
vhdx      region table (4 KiB at 192 KiB), metadata table      Microsoft, [MS-VHDX]
          (4 KiB), two items, block allocation table
vdi       none: the header counts its blocks                   VirtualBox, VDICore.h;
                                                               QEMU, block/vdi.c
raw       the last 512 bytes: a fixed VHD has its footer       as for vhd
          there and nothing else
iso       none                                                 ECMA-119, 8.4
========  ===================================================  ========================

A table of offsets shows a file that was cut off: QEMU reads zeros where one points beyond
the end, so such a file would become an image with holes, without an error. A table longer
than the budget is read as far as it goes. Sparse VMDKs keep theirs at the start, too many
to read: one that is cut off behind them is not seen, unless it should have a footer.

All layouts are read here. `oslo.utils` (the extra `obs`; Glance and Nova use it) has the
last word on qcow2 and vmdk, by its safety checks; it is not asked for the rest, where it
takes a fixed VHD, Parallels and a VMDK descriptor for raw, and a VHD's first size for its
size now. ZVHD and ZVHD2 are Huawei's own, and nothing that is public says how their
first bytes look; QEMU cannot tell them either ("Image Management Service User Guide",
"Converting the Image Format Using qemu-img"). They go by their name alone: `by_name`.

Not told, since nobody need refuse it: qcow2's dirty bit and inner snapshots, QED's
need-check bit, a VHDX's log (its GUID alone does not say that anything is to be replayed).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from batch_register.inspection import foreign, qcow, qed, raw, vdi, vhd, vhdx, vmdk
from batch_register.inspection.window import CutOffError, Read, Window
from batch_register.source import DiskFormat, Inspection

__all__ = ["by_name", "inspect"]

_Parse = Callable[[Window], Awaitable[Inspection]]

_BY_MAGIC: tuple[tuple[int, bytes, DiskFormat, _Parse], ...] = (
    (0, b"QFI\xfb\x00\x00\x00\x01", DiskFormat.QCOW, qcow.read_qcow),
    (0, b"QFI\xfb", DiskFormat.QCOW2, qcow.read_qcow2),
    (0, b"QED\x00", DiskFormat.QED, qed.read_qed),
    (0, b"KDMV", DiskFormat.VMDK, vmdk.read_sparse),
    (0, b"COWD", DiskFormat.VMDK, vmdk.read_delta),
    (0, b"\xbe\xba\xfe\xca\x00\x00\x00\x00", DiskFormat.VMDK, vmdk.read_delta),
    (0, b"conectix", DiskFormat.VHD, vhd.read_vhd),
    (0, b"vhdxfile", DiskFormat.VHDX, vhdx.read_vhdx),
    (64, b"\x7f\x10\xda\xbe", DiskFormat.VDI, vdi.read_vdi),
)


async def inspect(read: Read, size_bytes: int) -> Inspection:
    """Tell what a file of `size_bytes` is, reading at most 64 KiB of it.

    `read(offset, length)` gives that range in bytes, or less of it; what it raises goes
    through. The file's bytes never make this raise.

    Raises:
        SettingsError: the extra `obs` is not installed, and a qcow2 or vmdk needs it.
    """
    if size_bytes <= 0:
        return Inspection(disk_format=None, problem="it is empty")
    window = await Window.open(read, size_bytes)
    if not window.head:
        return Inspection(disk_format=None, problem="nothing of it can be read")
    for offset, magic, disk_format, parse in _BY_MAGIC:
        if window.head.startswith(magic, offset):
            try:
                return await parse(window)
            except CutOffError:
                problem = "its header is cut off"
                return Inspection(disk_format=disk_format, problem=problem)
    return foreign.recognised(window) or await raw.read_raw(window)


def by_name(key: str) -> Inspection | None:
    """Tell what a file is that only its name tells: ZVHD, ZVHD2; else None."""
    for disk_format in (DiskFormat.ZVHD, DiskFormat.ZVHD2):
        if key.lower().endswith(f".{disk_format}"):
            return Inspection(disk_format=disk_format)
    return None
