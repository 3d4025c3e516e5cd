"""Made-up headers are what readers that others wrote take them for."""

from __future__ import annotations

import pytest
from oslo_utils.imageutils import format_inspector

from batch_register.simulator.disk_headers import content, pieces

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
