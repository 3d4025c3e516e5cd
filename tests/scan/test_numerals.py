"""Amounts are read as they were meant, or not at all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings, strategies as st

from batch_register.scan.numerals import Unit, amount_bytes, ceil_gib

MIB, GIB = 2**20, 2**30


@pytest.mark.parametrize(
    ("text", "usual", "expected"),
    [
        ("102400", Unit.MIB, 102400 * MIB),
        ("102,400", Unit.MIB, 102400 * MIB),
        ("102.400", Unit.MIB, 102400 * MIB),
        ("102 400", Unit.MIB, 102400 * MIB),
        ("102\u00a0400", Unit.MIB, 102400 * MIB),
        ("1\u2019024", Unit.MIB, 1024 * MIB),
        ("1,024,000", Unit.MIB, 1024000 * MIB),
        ("1,024.5", Unit.MIB, int(1024.5 * MIB)),
        ("1.024,5", Unit.MIB, int(1024.5 * MIB)),
        ("40", Unit.GIB, 40 * GIB),
        ("40.5", Unit.GIB, int(40.5 * GIB)),
        ("40,5", Unit.GIB, int(40.5 * GIB)),
        ("100 GB", Unit.MIB, 100 * GIB),
        ("100GiB", Unit.BYTE, 100 * GIB),
        ("2 TB", Unit.GIB, 2048 * GIB),
        ("1,024,000 GB", Unit.MIB, 1024000 * GIB),
        ("512 b", Unit.GIB, 512),
        (" 7 ", Unit.KIB, 7 * 1024),
    ],
)
def test_an_amount_is_read(text: str, usual: Unit, expected: int) -> None:
    assert amount_bytes(text, usual) == expected


@pytest.mark.parametrize("text", ["40.125", "40,125"])
def test_an_amount_of_gib_that_can_be_read_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"can be read as 40125 and as 40\.125"):
        amount_bytes(text, Unit.GIB)


@pytest.mark.parametrize(
    "text",
    [
        *("", "-5", "1e9", "0x10", "n/a", "12 parsec", "1,02,400", "1.2.3"),
        *("9" * 41, "\u0661\u0662", "1,024 400", "5 GB x", "nan", "inf", "."),
        "1,024.5.6",
    ],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        amount_bytes(text, Unit.MIB)


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(Unit))
def test_no_text_does_more_than_be_refused(text: str, usual: Unit) -> None:
    with suppress(ValueError):
        assert amount_bytes(text, usual) >= 0


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_grouping_by_commas_changes_nothing(number: int) -> None:
    assert amount_bytes(f"{number:,}", Unit.MIB) == number * MIB


@pytest.mark.parametrize(
    ("size_bytes", "expected"), [(0, 0), (1, 1), (GIB, 1), (GIB + 1, 2)]
)
def test_gib_are_rounded_up(size_bytes: int, expected: int) -> None:
    assert ceil_gib(size_bytes) == expected
