"""Made-up headers are what readers that others wrote take them for."""

from __future__ import annotations

import pytest
from oslo_utils.imageutils import format_inspector

from batch_register.inspection import inspect
from batch_register.simulator.disk_headers import _PIECES, content, pieces
from batch_register.source import DiskFormat

SIZE = 7 << 30


@pytest.mark.parametrize(
    ("disk_format", "theirs"),
    [
        ("qcow2", "qcow2"),
        ("vmdk", "vmdk"),
        ("vhd", "vhd"),
        ("vhdx", "vhdx"),
        ("vdi", "vdi"),
    ],
)
def test_a_format_and_its_size_are_recognised(disk_format: str, theirs: str) -> None:
    inspector = format_inspector.ALL_FORMATS[theirs]()
    parts = pieces(disk_format, SIZE)
    for first in range(0, 3 << 20, 1 << 16):
        inspector.eat_chunk(content(parts, first, first + (1 << 16) - 1))
    assert inspector.format_match
    assert inspector.virtual_size == SIZE


@pytest.mark.parametrize("size", [1 << 30, SIZE, 500 << 30])
@pytest.mark.parametrize(
    "disk_format", [each for each in DiskFormat if each in _PIECES and each != "iso"]
)
async def test_a_reader_that_looks_at_all_tables_finds_them_whole(
    disk_format: DiskFormat, size: int
) -> None:
    parts = pieces(disk_format, size)

    async def read(offset: int, length: int) -> bytes:
        return content(parts, offset, min(offset + length, size) - 1)

    found = await inspect(read, size)
    assert (found.disk_format, found.virtual_size_bytes) == (disk_format, size)
    assert found.problem == ""


@pytest.mark.parametrize(
    ("disk_format", "offset", "mark"),
    [
        ("qcow", 0, b"QFI\xfb\0\0\0\x01"),
        ("qed", 0, b"QED\0"),
        ("iso", 32769, b"CD001"),
        ("raw", 510, b"\x55\xaa"),
    ],
)
def test_others_have_their_mark(disk_format: str, offset: int, mark: bytes) -> None:
    parts = pieces(disk_format, SIZE)
    assert content(parts, offset, offset + len(mark) - 1) == mark


def test_a_range_shows_the_same_as_the_whole() -> None:
    parts = {2: b"abc", 10: b"de"}
    whole = content(parts, 0, 12)
    assert whole == b"\0\0abc\0\0\0\0\0de\0"
    for first in range(12):
        for last in range(first, 12):
            assert content(parts, first, last) == whole[first : last + 1]


def test_the_end_of_a_large_file_costs_no_memory() -> None:
    assert content(pieces("zvhd2", SIZE), SIZE - 512, SIZE - 1) == bytes(512)
