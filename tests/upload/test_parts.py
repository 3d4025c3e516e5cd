"""Parts and ETags: the bounds of the stores, and what proves that a part is there."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batch_register.source import StoredPart
from batch_register.upload.parts import (
    LARGEST_PART_BYTES,
    LEAST_PART_BYTES,
    MIB,
    MOST_PARTS,
    PART_BYTES,
    candidates,
    combined_etags,
    cut,
    is_in_doubt,
    misfits,
    part_bytes_for,
    part_sizes_behind,
)

A, B, C = ("a" * 32, "b" * 32, "c" * 32)


@given(st.integers(1, 48 * 10**12), st.integers(1, LARGEST_PART_BYTES))
def test_parts_are_within_the_bounds_of_the_stores(size: int, wanted: int) -> None:
    part_bytes = part_bytes_for(size, wanted)
    assert LEAST_PART_BYTES <= part_bytes <= LARGEST_PART_BYTES
    assert -(-size // part_bytes) <= MOST_PARTS


@given(st.integers(1, 200 * MIB), st.integers(5 * MIB, 64 * MIB))
def test_parts_cover_the_file_once(size: int, part_bytes: int) -> None:
    parts = cut(size, part_bytes)
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    ends = [0] + [part.offset + part.length for part in parts]
    assert ends[:-1] == [part.offset for part in parts]
    assert ends[-1] == size
    assert all(part.length == part_bytes for part in parts[:-1])
    assert 0 < parts[-1].length <= part_bytes


def test_parts_have_the_usual_size_as_long_as_they_can() -> None:
    assert part_bytes_for(MOST_PARTS * PART_BYTES) == PART_BYTES
    assert part_bytes_for(MOST_PARTS * PART_BYTES + 1) == PART_BYTES + MIB
    with pytest.raises(ValueError, match="more than 10000 parts"):
        part_bytes_for(51 * 10**12)


def test_an_object_of_parts_has_an_etag_of_their_digests() -> None:
    """The values are those that Ceph's RGW and moto give for 5 MiB, 5 MiB and 8 bytes."""
    digests = [
        "5f363e0e58a95f06cbe9bbc662c5dfb6",  # 5 MiB of NUL
        "5f363e0e58a95f06cbe9bbc662c5dfb6",
        "40daa2b2f3643c504f24ce2a1721c11d",  # "the rest"
    ]
    found = combined_etags(digests)
    assert "e6717155352dc431c72800644224841f-3" in found
    assert len(found) == 2  # and the one over the digests as text


def stored(number: int, etag: str = A, size: int = 10) -> StoredPart:
    return StoredPart(number=number, etag=etag, size_bytes=size)


def test_only_what_may_be_the_files_is_worth_reading() -> None:
    parts = cut(25, 10)
    found = candidates(
        parts, [stored(1), stored(2, size=9), stored(3, "opaque", 5), stored(4)]
    )
    assert found == [(parts[0], A)]


@pytest.mark.parametrize(
    ("there", "lost"),
    [
        ([stored(1, A), stored(2, B), stored(3, C, 5)], []),
        ([stored(1, A), stored(3, C, 5)], [2]),
        ([stored(1, A), stored(2, B, 9), stored(3, C, 5)], [2]),
        ([stored(1, A), stored(2, A), stored(3, C, 5)], [2]),
        ([stored(1, "x"), stored(2, "y"), stored(3, "z", 5)], []),  # no MD5s at all
        ([stored(1, "x"), stored(2, "y")], [3]),
    ],
)
def test_what_was_sent_has_to_be_there(
    there: list[StoredPart], lost: list[int]
) -> None:
    assert misfits(cut(25, 10), [A, B, C], there) == lost


def test_part_sizes_are_tried_where_the_number_fits() -> None:
    size = 80 * MIB
    assert list(part_sizes_behind(f"{A}-10", size, [16 * MIB])) == [8 * MIB]
    assert list(part_sizes_behind(f"{A}-5", size, [16 * MIB, 16 * MIB])) == [16 * MIB]
    assert list(part_sizes_behind(f"{A}-16", size, [])) == [5 * MIB]
    assert list(part_sizes_behind(A, size, [16 * MIB])) == []


@pytest.mark.parametrize(
    ("etag", "encryption", "doubt"),
    [
        (A, "", False),
        (f"{A}-12", "AES256", False),
        (A, "aws:kms", True),
        (f"{A}-12", "kms", True),
        (A.upper(), "", True),
        (f"{A}-0", "", True),
        ("", "", True),
    ],
)
def test_some_etags_say_nothing(etag: str, encryption: str, *, doubt: bool) -> None:
    assert is_in_doubt(etag, encryption) is doubt
