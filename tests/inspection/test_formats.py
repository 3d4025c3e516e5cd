"""Disk formats: what each header tells, and what in it makes a file useless by itself."""

from __future__ import annotations

import struct

import pytest

from batch_register.source import DiskFormat
from tests.inspection import made
from tests.inspection.made import DISK_BYTES, KIB, MIB, File, inspected

SIZED = {
    "qcow2": DiskFormat.QCOW2,
    "qcow2 v2": DiskFormat.QCOW2,
    "qcow": DiskFormat.QCOW,
    "qed": DiskFormat.QED,
    "vmdk": DiskFormat.VMDK,
    "vmdk stream": DiskFormat.VMDK,
    "vhd": DiskFormat.VHD,
    "fixed vhd": DiskFormat.VHD,
    "vhdx": DiskFormat.VHDX,
    "vdi": DiskFormat.VDI,
    "raw": DiskFormat.RAW,
}
DATA_FILE = struct.pack(">II", 0x44415441, 6) + b"df.raw\0\0"
FORMAT_NAME = struct.pack(">II", 0xE2792ACA, 5) + b"qcow2\0\0\0"


def problem_of(file: File) -> str:
    return inspected(file).problem


@pytest.mark.parametrize("name", SIZED)
def test_a_whole_disk_has_its_format_its_size_and_no_problem(name):
    found = inspected(made.EVERY[name]())
    assert (found.disk_format, found.virtual_size_bytes) == (SIZED[name], DISK_BYTES)
    assert found.problem == ""


@pytest.mark.parametrize(
    ("name", "most"),
    [("qcow2", 3), ("qcow", 3), ("qed", 3), ("vmdk", 1), ("vhd", 1), ("vhdx", 6),
     ("vdi", 1), ("raw", 2), ("iso", 1), ("tar", 1)],
)  # fmt: skip
def test_few_reads_are_enough(name, most):
    file = made.EVERY[name]()
    inspected(file)
    assert len(file.ranges) <= most


@pytest.mark.parametrize(
    "name", [name for name in SIZED if name not in {"raw", "fixed vhd"}]
)
def test_a_header_that_is_not_whole_keeps_its_format_and_tells_no_size(name):
    found = inspected(made.EVERY[name]().cut(70 if name == "vdi" else 40))
    assert found.disk_format is SIZED[name]
    assert found.virtual_size_bytes is None
    assert found.problem == "its header is cut off"


@pytest.mark.parametrize(
    ("name", "size_bytes", "what"),
    [
        ("qcow2", 6 * 64 * KIB - 64 * KIB, "a block of it lies at 327680"),
        ("qcow2", 5 * 64 * KIB - 1, "a block of it lies at 327680"),
        ("qcow2", 4 * 64 * KIB, "a block of it lies at 262144"),
        ("qcow2", 3 * 64 * KIB, "its tables end at 196768"),
        ("qcow2", 1024, "its reference counts lie at 65536"),
        ("qcow", 48 * KIB, "a block of it lies at 49152"),
        ("qcow", 45 * KIB, "a block of it lies at 49152"),
        ("qcow", 44 * KIB, "a block of it lies at 45056"),
        ("qcow", 4 * KIB, "its tables end at 45056"),
        ("qed", 9 * 64 * KIB, "a block of it lies at 589824"),
        ("qed", 4 * 64 * KIB, "its tables end at 327680"),
        ("vmdk", 65535, "its tables end at 65536"),
        ("vhd", 43 * 512, "a block of it lies at 22016"),
        ("vhd", 4096, "its tables end at 22016"),
        ("vhdx", 4 * MIB, "a block of it lies at 4194304"),
        ("qed", 5 * 64 * KIB, "a block of it lies at 327680"),
        ("vhdx", 3 * MIB, "its tables end at 4194304"),
        ("vdi", 2 * MIB, "its blocks end at 3145728"),
        ("vdi", 40 * KIB, "its tables end at 41472"),
    ],
)
def test_a_file_that_ends_before_what_its_header_tells_of_is_cut_off(
    name, size_bytes, what
):
    found = inspected(made.EVERY[name]().cut(size_bytes))
    assert found.problem == f"it is cut off: it has {size_bytes} bytes, and {what}"
    assert found.virtual_size_bytes == DISK_BYTES


SIZE_FIELDS = [
    ("qcow2", 24, ">Q"), ("qcow2 v2", 24, ">Q"), ("qcow", 24, ">Q"), ("qed", 48, "<Q"),
    ("vhd", 48, ">Q"), ("vhdx", 2 * MIB + 64 * KIB + 8, "<Q"), ("vdi", 368, "<Q"),
]  # fmt: skip


@pytest.mark.parametrize("size", [0, 2**63, 2**64 - 1])
@pytest.mark.parametrize(("name", "offset", "layout"), SIZE_FIELDS)
def test_an_absurd_disk_size_is_told_and_not_passed_on(name, offset, layout, size):
    file = made.EVERY[name]().patched(offset, struct.pack(layout, size))
    found = inspected(file)
    assert found.virtual_size_bytes is None
    assert found.problem == f"its header tells of a disk of {size} bytes"


def test_a_vmdk_counts_sectors_so_that_its_size_may_be_beyond_64_bits():
    file = made.vmdk(header=made.vmdk_header(capacity=2**64 - 1))
    assert (
        problem_of(file) == f"its header tells of a disk of {(2**64 - 1) * 512} bytes"
    )


# ---------------------------------------------------------------- qcow2 and qcow


def with_backing(file: File, name: bytes) -> File:
    place = struct.pack(">QI", 512, len(name))
    start = file.patched(8, place).pieces[0].ljust(2048, b"\0")
    return File(file.size_bytes, file.pieces | {0: start}).patched(512, name)


@pytest.mark.parametrize("name", ["qcow2", "qcow2 v2", "qcow"])
def test_a_qcow_with_a_backing_file_needs_it(name):
    file = with_backing(made.EVERY[name](), b"/srv/images/base.qcow2")
    assert problem_of(file) == "it needs the backing file base.qcow2"


def test_a_backing_file_whose_name_is_nowhere_is_needed_all_the_same():
    file = made.qcow2().patched(8, struct.pack(">QI", 2**63, 2**32 - 1))
    assert problem_of(file) == "it needs the backing file"


@pytest.mark.parametrize(
    ("extensions", "shown"),
    [
        (FORMAT_NAME + DATA_FILE, ", df.raw"),
        (FORMAT_NAME, ""),
        (struct.pack(">II", 0x44415441, 2**32 - 1) + b"df.raw", ""),
        (b"", ""),
    ],
)
def test_a_qcow2_with_an_external_data_file_has_no_data(extensions, shown):
    file = made.qcow2(features=1 << 2, extensions=extensions)
    assert problem_of(file) == f"its data lie in another file{shown}"


def test_a_header_longer_than_the_file_has_no_extensions():
    file = made.qcow2(features=1 << 2, extensions=DATA_FILE)
    assert problem_of(file.patched(100, b"\xff" * 4)) == "its data lie in another file"


@pytest.mark.parametrize(
    ("name", "offset", "value"),
    [
        ("qcow2", 32, b"\0\0\0\1"),
        ("qcow2 v2", 32, b"\0\0\0\2"),
        ("qcow", 36, b"\0\0\0\1"),
    ],
)
def test_an_encrypted_qcow_is_told(name, offset, value):
    assert problem_of(made.EVERY[name]().patched(offset, value)) == "it is encrypted"


@pytest.mark.parametrize(
    ("features", "problem"),
    [
        (1 << 0, ""),  # dirty: QEMU reads it
        (1 << 1, "it is marked as corrupt"),
        (1 << 3, ""),  # another compression
        (1 << 5, "its qcow2 features 0x20 are unknown"),
        (1 << 63, "its qcow2 features 0x8000000000000000 are unknown"),
    ],
)
def test_features_that_a_reader_must_know(features, problem):
    assert problem_of(made.qcow2(features=features)) == problem


def test_the_library_has_the_last_word():
    file = made.qcow2(features=1 << 4, size=64 * MIB)  # of them it knows no reader
    problem = "Glance and Nova refuse it as unsafe: Unknown QCOW2 features found"
    assert problem_of(file) == problem


def test_an_extended_table_covers_half_as_much():
    def told(features: int, l1_length: int) -> str:
        file = made.qcow2(features=features)
        return problem_of(file.patched(36, struct.pack(">I", l1_length)))

    short = f"its header is damaged: its L1 table is too short for {DISK_BYTES} bytes"
    assert (told(0, 19), told(0, 20)) == (short, "")
    assert (told(1 << 4, 39), told(1 << 4, 40)[:9]) == (short, "Glance an")


def test_the_offset_of_a_compressed_cluster_has_fewer_bits():
    size_and_place = (1 << 62) | (63 << 54) | 5 * 64 * KIB + 100
    place = 4 * 64 * KIB
    whole = made.qcow2().patched(place, struct.pack(">Q", size_and_place))
    assert problem_of(whole) == ""
    assert "a block of it lies at 327780" in problem_of(whole.cut(5 * 64 * KIB))


@pytest.mark.parametrize("version", [0, 4, 2**32 - 1])
def test_a_qcow2_of_an_unknown_version(version):
    found = inspected(made.qcow2().patched(4, struct.pack(">I", version)))
    assert found.problem == f"its qcow2 version {version} is unknown"
    assert found.virtual_size_bytes is None


@pytest.mark.parametrize(
    ("name", "offset", "value"),
    [
        ("qcow2", 20, b"\0\0\0\x08"),
        ("qcow2", 20, b"\xff\xff\xff\xff"),
        ("qcow2", 40, struct.pack(">Q", 3 * 64 * KIB + 1)),
        ("qcow", 32, b"\x08"),
        ("qcow", 33, b"\xff"),
        ("qed", 4, b"\0\0\0\0"),
        ("qed", 4, struct.pack("<I", 65537)),
        ("qed", 8, b"\0\0\0\0"),
        ("vmdk", 20, bytes(8)),
        ("vmdk", 44, bytes(4)),
        ("vmdk", 44, struct.pack("<I", 513)),
        ("vhd", 60, b"\0\0\0\0"),
        ("vhd", 60, b"\0\0\0\2"),
        ("vhd", 512, b"cxsparsf"),
        ("vhd", 512 + 28, b"\0\0\0\1"),
        ("vhdx", 192 * KIB, b"regy"),
        ("vhdx", 192 * KIB + 16, bytes(16)),
        ("vhdx", 2 * MIB, b"METADATA"),
        ("vhdx", 2 * MIB + 32, bytes(16)),
        ("vhdx", 2 * MIB + 64, bytes(16)),
        ("vdi", 76, b"\5"),
        ("vdi", 384, b"\1\0\0\0"),
    ],
)
def test_a_header_that_contradicts_itself_is_damaged(name, offset, value):
    found = inspected(made.EVERY[name]().patched(offset, value))
    assert found.disk_format is SIZED[name]
    assert found.problem.startswith("its header is damaged: ")


# ---------------------------------------------------------------- QED


def test_a_qed_with_a_backing_file_needs_it():
    file = made.qed(features=1, backing=b"base.qed")
    assert problem_of(file) == "it needs the backing file base.qed"


def test_a_qed_may_ask_for_a_check_and_no_more():
    assert problem_of(made.qed(features=2)) == ""
    assert problem_of(made.qed(features=8)) == "its QED features 0x8 are unknown"


# ---------------------------------------------------------------- VMDK


def descriptor(old: bytes, new: bytes) -> bytes:
    assert old in made.DESCRIPTOR
    return made.DESCRIPTOR.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"monolithicSparse", b"monolithicFlat", "its data lie in another file, web-01.vmdk"),
        (b'"web-01.vmdk"', b'"a.vmdk"\nRW 5 FLAT "b.vmdk"', "its data lie in another file, a.vmdk"),
        (b"parentCID=ffffffff", b"parentCID=1234abcd", "it needs the parent disk"),
        (
            b"parentCID=ffffffff",
            b'parentCID=1234abcd\nparentFileNameHint="/vmfs/base.vmdk"',
            "it needs the parent disk base.vmdk",
        ),
        (
            b'"web-01.vmdk"',
            b'"/etc/passwd"',
            "Glance and Nova refuse it as unsafe: Invalid extent filenames found",
        ),
        (b"parentCID=ffffffff", b"PARENTCID=FFFFFFFF", ""),
        (b"web-01", "网站".encode(), ""),
        (b"\n", b"\r\n", ""),
    ],
)  # fmt: skip
def test_what_the_descriptor_in_a_sparse_file_says(old, new, problem):
    assert problem_of(made.vmdk(descriptor(old, new))) == problem


def test_a_sparse_file_without_a_descriptor_is_one_of_several():
    header = made.vmdk_header()
    bare = header[:28] + bytes(16) + header[44:]
    assert (
        problem_of(made.vmdk(header=bare)) == "it is one of the several files of a disk"
    )


def test_a_descriptor_may_lie_anywhere():
    header = made.vmdk_header()
    far = header[:28] + struct.pack("<Q", 1000) + header[36:]
    pieces = {0: far, 1000 * 512: descriptor(b"monolithicSparse", b"vmfs")}
    assert "web-01.vmdk" in problem_of(File(MIB, pieces))


def test_a_vmdk_of_an_unknown_version():
    header = made.vmdk_header()
    found = inspected(made.vmdk(header=header[:4] + b"\4\0\0\0" + header[8:]))
    assert found.problem == "its VMDK version 4 is unknown"


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (MIB - 1024, b"KDMW"),
        (MIB - 1528, b"\1"),
        (MIB - 1524, b"\0"),
        (MIB - 512, b"\1"),
    ],
)
def test_a_stream_without_its_footer_is_cut_off(offset, value):
    header = made.vmdk_header(directory=2**64 - 1)
    stream = made.vmdk_stream()
    told = File(MIB, stream.pieces | {0: header + stream.pieces[0][512:]})
    problem = "it is cut off: the footer at its end is missing"
    assert problem_of(told) == ""
    assert problem_of(told.patched(offset, value)) == problem
    assert problem_of(told.cut(1100)) == problem


@pytest.mark.parametrize("magic", [b"COWD\1\0\0\0", b"\xbe\xba\xfe\xca\0\0\0\0"])
def test_a_snapshots_file_is_a_part(magic):
    found = inspected(File(MIB, {0: magic}))
    assert found.disk_format is DiskFormat.VMDK
    assert (
        found.problem
        == "it is a part of a snapshot: the other parts lie in other files"
    )


# ---------------------------------------------------------------- VHD, VHDX, VDI


def test_a_vhd_that_has_grown_has_its_size_of_now():
    assert made.vhd_footer(kind=3, made_with=7)[40:48] != made.vhd_footer(kind=3)[48:56]
    assert inspected(made.vhd()).virtual_size_bytes == DISK_BYTES


@pytest.mark.parametrize(
    ("parent", "shown"), [("C:\\vm\\base.vhd", " base.vhd"), ("", "")]
)
def test_a_differencing_vhd_needs_its_parent(parent, shown):
    file = made.vhd(kind=4, parent=parent)
    assert problem_of(file) == f"it needs the parent disk{shown}"


def test_a_fixed_vhd_of_before_2004_ends_with_511_bytes():
    found = inspected(made.fixed_vhd(footer_bytes=511))
    assert (found.disk_format, found.virtual_size_bytes) == (DiskFormat.VHD, DISK_BYTES)
    assert found.problem == ""


def test_a_fixed_vhd_with_less_data_than_its_footer_tells():
    file = File(MIB + 512, {MIB: made.vhd_footer(kind=2)})
    assert problem_of(file).startswith(
        f"it is cut off: it has {MIB} bytes, and its data"
    )


def test_a_disk_that_ends_with_another_vhds_footer_is_raw():
    found = inspected(File(MIB + 512, {MIB: made.vhd_footer(kind=3)}))
    assert found.disk_format is DiskFormat.RAW
    assert found.virtual_size_bytes == MIB + 512


def test_a_differencing_vhdx_needs_its_parent():
    assert problem_of(made.vhdx(flags=2)) == "it needs the parent disk"
    assert problem_of(made.vhdx(flags=1)) == ""  # keeps its blocks: a fixed one


def test_a_vhdx_that_ends_before_its_metadata_is_cut_off():
    found = inspected(made.vhdx().cut(2 * MIB))
    problem = "it is cut off: it has 2097152 bytes, and its metadata lie at 2097152"
    assert (found.virtual_size_bytes, found.problem) == (None, problem)


@pytest.mark.parametrize("size_bytes", [192 * KIB + 5, 192 * KIB + 20])
def test_a_vhdx_that_ends_in_its_first_table_has_no_header(size_bytes):
    assert problem_of(made.vhdx().cut(size_bytes)) == "its header is cut off"


def test_the_second_region_table_stands_in_for_the_first():
    found = inspected(made.vhdx(region_table=256 * KIB))
    assert (found.virtual_size_bytes, found.problem) == (DISK_BYTES, "")


@pytest.mark.parametrize("kind", [3, 4])
def test_a_vdi_of_changes_needs_what_it_changes(kind):
    file = made.vdi(kind=kind)
    assert problem_of(file) == "it needs the disk that it holds the changes of"


def test_a_vdi_without_blocks_is_whole():
    assert problem_of(made.vdi().patched(388, bytes(4)).cut(MIB)) == ""


def test_a_vdi_from_before_2006_tells_nothing_more():
    found = inspected(made.vdi(version=2))
    assert found.disk_format is DiskFormat.VDI
    assert (found.virtual_size_bytes, found.problem) == (None, "")
