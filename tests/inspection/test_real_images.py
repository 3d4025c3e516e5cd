"""Images that QEMU made, of every format and variant: what it and we say of them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from oslo_utils.imageutils import format_inspector

from batch_register.inspection import inspect
from batch_register.source import DiskFormat, Inspection
from tests.inspection.conftest import MakeImage
from tests.inspection.made import BUDGET_BYTES, finished
from tests.inspection.qemu import SOURCE_BYTES, QemuImg

pytestmark = pytest.mark.integration

CONVERT = "convert -f raw {source} {image} -O "
CREATE = "create -q {image} -f "
GOOD = {
    "raw.raw": CONVERT + "raw",
    "v3.qcow2": CONVERT + "qcow2",
    "v2.qcow2": CONVERT + "qcow2 -o compat=0.10",
    "compressed.qcow2": CONVERT + "qcow2 -c",
    "zstd.qcow2": CONVERT + "qcow2 -c -o compression_type=zstd",
    "small-clusters.qcow2": CONVERT + "qcow2 -o cluster_size=512",
    "large-clusters.qcow2": CONVERT + "qcow2 -o cluster_size=2M",
    "out-of-order.qcow2": CONVERT + "qcow2 -W -m 16",
    "lazy.qcow2": CONVERT + "qcow2 -o lazy_refcounts=on",
    "full.qcow2": CONVERT + "qcow2 -o preallocation=full",
    "metadata.qcow2": CREATE + "qcow2 -o preallocation=metadata 100G",
    "huge.qcow2": CREATE + "qcow2 10T",
    "snapshot.qcow2": CONVERT + "qcow2 && snapshot -c one {image}",
    "grown.qcow2": CONVERT + "qcow2 && resize -q -f qcow2 {image} +20G",
    "bitmap.qcow2": CONVERT + "qcow2 && bitmap --add {image} changes",
    "v1.qcow": CONVERT + "qcow",
    "huge.qcow": CREATE + "qcow 100G",
    "one.qed": CONVERT + "qed",
    "huge.qed": CREATE + "qed 1T",
    "dynamic.vdi": CONVERT + "vdi",
    "static.vdi": CONVERT + "vdi -o static=on",
    "huge.vdi": CREATE + "vdi 1T",
    "dynamic.vhd": CONVERT + "vpc",
    "exact.vhd": CONVERT + "vpc -o force_size=on",
    "fixed.vhd": CONVERT + "vpc -o subformat=fixed",
    "fixed-exact.vhd": CONVERT + "vpc -o subformat=fixed,force_size=on",
    "huge.vhd": CREATE + "vpc 1T",
    "dynamic.vhdx": CONVERT + "vhdx",
    "fixed.vhdx": CONVERT + "vhdx -o subformat=fixed",
    "huge.vhdx": CREATE + "vhdx 10T",
    "sparse.vmdk": CONVERT + "vmdk",
    "zeroed.vmdk": CONVERT + "vmdk -o zeroed_grain=on",
    "stream.vmdk": CONVERT + "vmdk -o subformat=streamOptimized",
    "huge.vmdk": CREATE + "vmdk 1T",
}
BAD = {
    "backed.qcow2": (
        CREATE + "qcow2 -b {source} -F raw",
        "it needs the backing file source.raw",
    ),
    "backed.qcow": (
        CREATE + "qcow -b {source} -F raw",
        "it needs the backing file source.raw",
    ),
    "backed.qed": (
        CREATE + "qed -b {source} -F raw",
        "it needs the backing file source.raw",
    ),
    "outside.qcow2": (
        CREATE + "qcow2 -o data_file={folder}/data.raw 64M",
        "its data lie in another file, data.raw",
    ),
    "encrypted.qcow2": (
        CREATE + "qcow2 --object secret,id=s,data=abc "
        "-o encrypt.format=aes,encrypt.key-secret=s 64M",
        "it is encrypted",
    ),
    "key.qcow2": (
        CREATE + "qcow2 --object secret,id=s,data=abc "
        "-o encrypt.format=luks,encrypt.key-secret=s 64M",
        "it is encrypted",
    ),
    "key.luks": (
        CREATE + "luks --object secret,id=s,data=abc -o key-secret=s 64M",
        "it is encrypted with LUKS",
    ),
    "extended.qcow2": (
        CREATE + "qcow2 -o extended_l2=on 64M",
        "Glance and Nova refuse it as unsafe: Unknown QCOW2 features found",
    ),
    "flat.vmdk": (
        CONVERT + "vmdk -o subformat=monolithicFlat",
        "its data lie in another file, flat-flat.vmdk",
    ),
    "split.vmdk": (
        CONVERT + "vmdk -o subformat=twoGbMaxExtentSparse",
        "its data lie in another file, split-s001.vmdk",
    ),
    "layer.vmdk": (
        CREATE + "vmdk -b sparse.vmdk -F vmdk",
        "it needs the parent disk sparse.vmdk",
    ),
    "one.hds": (
        CONVERT + "parallels",
        "it is a Parallels disk, which has to be converted, to qcow2 for one",
    ),
}
BY_LIBRARY = {DiskFormat.QCOW2, DiskFormat.VDI, DiskFormat.VMDK, DiskFormat.VHDX}
BY_SUFFIX = {".vhd": "vpc"}


def look(image: Path, *, size_bytes: int | None = None) -> Inspection:
    """Inspect an image, or its first bytes only, and hold it to its budget."""
    size_bytes = image.stat().st_size if size_bytes is None else size_bytes
    lengths = []
    with image.open("rb") as file:

        async def read(offset: int, length: int) -> bytes:
            lengths.append(length)
            file.seek(offset)
            return file.read(length)

        found = finished(inspect(read, size_bytes))
    assert sum(lengths) <= BUDGET_BYTES
    return found


@pytest.mark.parametrize("name", GOOD)
def test_format_and_size_are_qemus_and_nothing_is_wrong(
    make_image: MakeImage, qemu_img: QemuImg, name: str
):
    image = make_image(name, GOOD[name])
    found = look(image)
    suffix = image.suffix
    told = qemu_img.info(image, BY_SUFFIX.get(suffix, suffix[1:]))
    assert found.disk_format == suffix[1:]
    assert found.virtual_size_bytes == told["virtual-size"]
    assert told["virtual-size"] >= SOURCE_BYTES
    assert found.problem == ""


@pytest.mark.parametrize("name", GOOD)
def test_the_library_agrees_where_it_reads_the_format(make_image: MakeImage, name: str):
    image = make_image(name, GOOD[name])
    found = look(image)
    if found.disk_format not in BY_LIBRARY:
        return
    reader = format_inspector.get_inspector(found.disk_format)
    assert reader.from_file(str(image)).virtual_size == found.virtual_size_bytes


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_disk_by_itself_is_told(make_image: MakeImage, name: str):
    make_image("sparse.vmdk", GOOD["sparse.vmdk"])
    line, problem = BAD[name]
    assert look(make_image(name, line)).problem == problem


def test_a_split_disks_extent_is_one_of_several(make_image: MakeImage):
    split = make_image("split.vmdk", BAD["split.vmdk"][0])
    found = look(split.with_name("split-s001.vmdk"))
    assert found.problem == "it is one of the several files of a disk"


# Of a file that ends early, what is left must tell of more than there is.
SEEN_WHEN_CUT = [
    name
    for name in GOOD
    if not name.startswith(("raw", "fixed.vhd", "fixed-exact", "sparse", "zeroed", "stream"))
    or name == "fixed.vhdx"
]  # fmt: skip


@pytest.mark.parametrize("name", SEEN_WHEN_CUT)
def test_half_a_file_is_seen_to_be_cut_off(make_image: MakeImage, name: str):
    image = make_image(name, GOOD[name])
    found = look(image, size_bytes=image.stat().st_size // 2)
    assert found.disk_format == image.suffix[1:]
    assert found.problem.startswith("it is cut off: ")


@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_a_file_may_end_anywhere(make_image: MakeImage, name: str):
    line = GOOD.get(name) or BAD[name][0]
    make_image("sparse.vmdk", GOOD["sparse.vmdk"])
    image = make_image(name, line)
    for size_bytes in (*range(0, 600, 7), 1024, 4096, 33_000, 33_792, 65_536, 200_000):
        found = look(image, size_bytes=min(size_bytes, image.stat().st_size))
        assert found.problem or found.virtual_size_bytes


def test_a_stream_with_a_footer_as_vmware_writes_it(make_image: MakeImage):
    image = make_image("stream.vmdk", GOOD["stream.vmdk"])
    content = image.read_bytes()
    at_end = struct.pack("<Q", 2**64 - 1)
    marker = struct.pack("<QII", 1, 0, 3).ljust(512, b"\0")
    with_footer = image.with_name("footer.vmdk")
    header = content[:56] + at_end + content[64:]
    with_footer.write_bytes(header + marker + content[:512] + bytes(512))
    found = look(with_footer)
    assert (found.virtual_size_bytes, found.problem) == (SOURCE_BYTES, "")
    cut = look(with_footer, size_bytes=len(content))
    assert cut.problem == "it is cut off: the footer at its end is missing"
