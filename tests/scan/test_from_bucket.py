"""Which objects become images, with which values, and what is left out for what."""

from __future__ import annotations

import pytest

from batch_register.ims.profile import HUAWEI, OTC
from batch_register.inspection import by_name
from batch_register.scan.draft import DraftImage
from batch_register.scan.fitting import Wishes
from batch_register.scan.from_bucket import (
    Found,
    images_of,
    partition,
    reason_unread,
)
from batch_register.source import DiskFormat, Inspection
from tests.scan.samples import GIB, inspected, listed, wishes


def drafted(
    key: str,
    inspection: Inspection | None = None,
    *,
    on: Wishes | None = None,
    size_bytes: int = 512 * 1024,
) -> DraftImage:
    found = Found(
        listed=listed(key, size_bytes=size_bytes), inspection=inspection or inspected()
    )
    (image,) = images_of([found], on or wishes())
    return image


def reason(key: str, inspection: Inspection, on: Wishes | None = None) -> str:
    found = Found(listed=listed(key), inspection=inspection)
    _, left_out = partition([found], on or wishes())
    return left_out[0].why if left_out else ""


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("a/", "a folder"),
        ("a.qcow2.sha256", "a checksum"),
        ("a.MF", "a checksum"),
        ("a.vmx", "a machine's description"),
        ("a b.raw", "has a blank"),
        ("a:b.raw", "has a colon"),
        ("web-flat.vmdk", "a part of a disk"),
        ("web-Delta.VMDK", "a part of a disk"),
        ("web-ctk.vmdk", "a part of a disk"),
        ("a/../b.raw", "which addresses lose"),
        ("./b.raw", "which addresses lose"),
        ("a/..", "which addresses lose"),
        ("a\u200bb.raw", "characters that nobody can see"),
        ("a.raw?X-Amz-Signature=abc", "does not take its key"),
        ("k" * 1025, "does not take its key"),
    ],
)
def test_an_object_that_its_name_rules_out_is_not_read(key: str, why: str) -> None:
    assert why in reason_unread(listed(key))


def test_what_the_listing_rules_out_is_not_read() -> None:
    assert reason_unread(listed("a.raw", size_bytes=0)) == "empty"
    assert "is COLD" in reason_unread(listed("a.raw", storage_class="COLD"))
    assert reason_unread(listed("a.raw", size_bytes=128 * GIB)) == ""
    too_large = listed("a.raw", size_bytes=128 * GIB + 1)
    assert "at most 128 GiB" in reason_unread(too_large)


@pytest.mark.parametrize(
    ("inspection", "why"),
    [
        (inspected(None), "its header is damaged"),
        (inspected(None, problem="cut off"), "cut off"),
        (inspected(DiskFormat.TEXT), "text, no disk image"),
        (inspected(DiskFormat.TEXT, problem="a descriptor"), "a descriptor"),
        (inspected(DiskFormat.ARCHIVE), "an archive"),
        (inspected(DiskFormat.LUKS), "encrypted"),
        (inspected(DiskFormat.PARALLELS), "Parallels"),
        (inspected(DiskFormat.ISO), "an ISO file"),
        (inspected(problem="it needs base.qcow2"), "it needs base.qcow2"),
    ],
)
def test_an_object_that_is_no_image_is_left_out(
    inspection: Inspection, why: str
) -> None:
    assert why in reason("a.img", inspection)


def test_a_raw_disk_has_whole_sectors() -> None:
    raw = inspected(DiskFormat.RAW, virtual_size_bytes=1000)
    odd = Found(listed=listed("notes", size_bytes=1000), inspection=raw)
    assert "no whole number of sectors" in partition([odd], wishes())[1][0].why


@pytest.mark.parametrize(
    "disk_format",
    [
        *(DiskFormat.QCOW2, DiskFormat.QCOW, DiskFormat.QED, DiskFormat.RAW),
        *(DiskFormat.VMDK, DiskFormat.VHD, DiskFormat.VHDX, DiskFormat.VDI),
    ],
)
def test_an_image_has_all_that_a_manifest_needs(disk_format: DiskFormat) -> None:
    image = drafted("waves/web-01.img", inspected(disk_format))
    assert {line.field: line.value for line in image.lines} == {
        "name": "web-01",
        "object": "waves/web-01.img",
        "os_version": "Other Linux(64 bit)",
        "min_disk": 12,
        "size_bytes": 512 * 1024,
    }
    assert [line.field for line in image.lines if not line.is_sure] == ["os_version"]
    assert not image.held_back
    assert image.lines[-1].remark == str(disk_format)


@pytest.mark.parametrize(
    ("virtual_size_bytes", "on", "expected"),
    [
        (1, wishes(OTC), 1),
        (40 * GIB, wishes(OTC), 40),
        (40 * GIB + 1, wishes(OTC), 41),
        (1 * GIB, wishes(HUAWEI), 10),
        (11 * GIB, wishes(HUAWEI), 11),
    ],
)
def test_min_disk_holds_the_disk_and_the_clouds_least(
    virtual_size_bytes: int, on: Wishes, expected: int
) -> None:
    image = drafted("a.qcow2", inspected(virtual_size_bytes=virtual_size_bytes), on=on)
    assert image.value_of("min_disk") == expected


def test_a_disk_beyond_the_clouds_most_is_held_back() -> None:
    image = drafted("a.qcow2", inspected(virtual_size_bytes=1025 * GIB))
    assert "min_disk 1025" in image.held_back


@pytest.mark.parametrize("suffix", ["zvhd", "ZVHD2"])
def test_a_format_that_only_its_name_tells_is_marked(suffix: str) -> None:
    known = by_name(f"a.{suffix}")
    assert known is not None
    image = drafted(f"a.{suffix}", known, size_bytes=3 * GIB + 512)
    assert image.value_of("min_disk") == 4
    assert "min_disk" in [line.field for line in image.lines if not line.is_sure]


def test_a_file_that_is_not_what_it_is_called_is_marked() -> None:
    image = drafted("web-01.qcow2", inspected(DiskFormat.RAW))
    assert "taken for a raw disk" in image.lines[-1].remark
    assert not image.lines[-1].is_sure
    assert drafted("web-01", inspected(DiskFormat.RAW)).lines[-1].is_sure


def test_a_system_in_the_file_name_is_taken() -> None:
    image = drafted("waves/centos-7.6-web.qcow2")
    assert image.value_of("os_version") == "CentOS 7.6 64bit"


def test_a_folder_tells_no_system() -> None:
    image = drafted("centos-7.6/web.qcow2")
    assert image.value_of("os_version") == "Other Linux(64 bit)"


def test_an_iso_is_marked_where_the_cloud_takes_it() -> None:
    image = drafted("a.iso", inspected(DiskFormat.ISO), on=wishes(HUAWEI))
    assert image.value_of("disk_format") == "iso"
    assert not image.held_back


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    keys = ["a/web.qcow2", "b/web.qcow2", "b/web.vmdk"]
    found = [Found(listed=listed(key), inspection=inspected()) for key in keys]
    names = [image.value_of("name") for image in images_of(found, wishes())]
    assert names == ["web-a", "web-b", "web-b-2"]
