"""What people upload by mistake, and disks that could be taken for it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from batch_register.inspection import by_name
from batch_register.source import DiskFormat, Inspection
from tests.inspection import made
from tests.inspection.made import DISK_BYTES, KIB, MIB, File, inspected, of_bytes


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("disk.raw", bytes(KIB))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "packer"),
    [
        (gzip.compress(bytes(KIB)), "gzip"),
        (bz2.compress(bytes(KIB)), "bzip2"),
        (bz2.compress(b""), "bzip2"),
        (lzma.compress(bytes(KIB)), "xz"),
        (zipped(), "zip"),
        (b"\x28\xb5\x2f\xfd" + bytes(KIB), "zstd"),
        (b"\x04\x22\x4d\x18" + bytes(KIB), "lz4"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(KIB), "7z"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(KIB), "rar"),
    ],
)
def test_a_packed_disk_is_to_be_unpacked(content, packer):
    problem = f"it is packed with {packer}: unpack it first"
    expected = Inspection(disk_format=DiskFormat.ARCHIVE, problem=problem)
    assert inspected(of_bytes(content)) == expected


def test_an_ova_is_a_tar_archive():
    found = inspected(made.tar())
    assert found.disk_format is DiskFormat.ARCHIVE
    assert "OVA" in found.problem


@pytest.mark.parametrize("checksum", [b"not octl", b"000000\0 "])
def test_the_letters_of_a_tar_in_a_boot_sector_make_no_tar(checksum):
    assert inspected(made.tar().patched(148, checksum)).disk_format is DiskFormat.RAW


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<!DOCTYPE html><html>no</html>", "it is an HTML page, and no disk"),
        ("\ufeff\n <HTML>no</HTML>", "it is an HTML page, and no disk"),
        ("<Error><Code>NoSuchKey</Code></Error>", "it is an XML document, and no disk"),
        ('{"error": "no"}', "it is a JSON document, and no disk"),
        ("[1]", "it is a JSON document, and no disk"),
        ("version https://git-lfs.example/spec/v1\n", "it is a text, and no disk"),
        ("网站" * 300, "it is a text, and no disk"),  # a letter is cut at 1,024 bytes
        (
            '<?xml version="1.0"?>\n<Envelope xmlns="x">',
            "it is an OVF description: the disks lie in other files",
        ),
        (
            '<ovf:Envelope xmlns:ovf="x">',
            "it is an OVF description: the disks lie in other files",
        ),
    ],
)
def test_a_text_is_no_disk(text, problem):
    expected = Inspection(disk_format=DiskFormat.TEXT, problem=problem)
    assert inspected(of_bytes(text.encode())) == expected


@pytest.mark.parametrize("padding", [0, 100, 20 * KIB])
@pytest.mark.parametrize("title", [b"# Disk DescriptorFile", b"# disk descriptor file"])
def test_a_vmdk_descriptor_alone_has_no_data(title, padding):
    text = made.DESCRIPTOR.replace(b"# Disk DescriptorFile", title)
    found = inspected(of_bytes(text + bytes(padding)))
    problem = "its data lie in another file, web-01.vmdk"
    assert found == Inspection(disk_format=DiskFormat.TEXT, problem=problem)


def test_a_descriptor_whose_extents_have_no_files():
    text = b'# Disk DescriptorFile\ncreateType="custom"\nRW 100 ZERO\n'
    assert inspected(of_bytes(text)).problem == "its data lie in another file"


@pytest.mark.parametrize(
    "content",
    [
        b"MARK" + bytes(KIB),  # a text that goes on in zeros
        b"\xff\xfe\xfd" * KIB,  # no UTF-8
        bytes(32 * KIB) + b"\x01CD002" + bytes(KIB),
        b"BZh9" + bytes(KIB),
        b"\x1f\x8b\x08\xff" + bytes(KIB),
        b"WithoutFreeSpac" + bytes(KIB),
        bytes(KIB),
    ],
)
def test_what_only_resembles_something_else_is_raw(content):
    expected = Inspection(disk_format=DiskFormat.RAW, virtual_size_bytes=len(content))
    assert inspected(of_bytes(content)) == expected


@pytest.mark.parametrize("signature", [b"EFI PART", b""])
def test_a_disk_with_a_partition_table_is_raw(signature):
    found = inspected(made.raw().patched(512, signature))
    assert found.disk_format is DiskFormat.RAW
    assert (found.virtual_size_bytes, found.problem) == (DISK_BYTES, "")


def test_luks_is_encrypted_and_tells_no_size():
    problem = "it is encrypted with LUKS"
    found = inspected(File(MIB, {0: b"LUKS\xba\xbe\0\2"}))
    assert found == Inspection(disk_format=DiskFormat.LUKS, problem=problem)


@pytest.mark.parametrize("magic", [b"WithouFreSpacExt", b"WithoutFreeSpace"])
def test_a_parallels_disk_has_a_size_and_has_to_be_converted(magic):
    found = inspected(made.parallels(magic=magic))
    assert found.disk_format is DiskFormat.PARALLELS
    assert found.virtual_size_bytes == DISK_BYTES
    assert "converted" in found.problem


def test_an_iso_is_as_large_as_its_file():
    found = inspected(made.iso())
    expected = Inspection(disk_format=DiskFormat.ISO, virtual_size_bytes=4 * MIB)
    assert found == expected


def test_an_iso_that_lacks_more_than_padding_is_cut_off():
    assert inspected(made.iso(size_bytes=3 * MIB)).problem == ""
    assert "cut off" in inspected(made.iso(size_bytes=3 * MIB - 1)).problem


@pytest.mark.parametrize("size_bytes", [4 * MIB, 32 * KIB + 6])
def test_an_iso_that_begins_with_another_descriptor_tells_no_size(size_bytes):
    found = inspected(made.iso(kind=0, blocks=2**32 - 1, size_bytes=size_bytes))
    assert (found.disk_format, found.problem) == (DiskFormat.ISO, "")


@pytest.mark.parametrize("size_bytes", [0, -1])
def test_an_empty_file_is_nothing(size_bytes):
    file = File(size_bytes)
    assert inspected(file) == Inspection(disk_format=None, problem="it is empty")
    assert file.ranges == []


def test_a_file_of_less_than_a_sector_is_no_disk():
    assert (
        inspected(of_bytes(b"\0" * 511)).problem
        == "it has 511 bytes, less than a sector"
    )
    assert inspected(of_bytes(b"\0" * 512)).problem == ""


@pytest.mark.parametrize(
    ("key", "disk_format"),
    [("a/web-01.zvhd", DiskFormat.ZVHD), ("WEB.ZVHD2", DiskFormat.ZVHD2)],
)
def test_huaweis_own_formats_go_by_their_name(key, disk_format):
    assert by_name(key) == Inspection(disk_format=disk_format)


@pytest.mark.parametrize("key", ["web.vhd", "zvhd2", "web.zvhd2.gz", ""])
def test_every_other_name_tells_nothing(key):
    assert by_name(key) is None
