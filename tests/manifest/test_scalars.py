from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from batch_register.manifest.scalars import SUSPECT_FIRST, resolve


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nULL", "nULL"),
        ("true", True),
        ("TRUE", True),
        ("False", False),
        ("no", "no"),
        ("Yes", "Yes"),
        ("off", "off"),
        ("y", "y"),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("0123", 123),
        ("-000", 0),
        ("0o17", 15),
        ("0o8", "0o8"),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("2026-01-31", "2026-01-31"),
        ("1.5", 1.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5e3", -1500.0),
        ("1234e56", 1.234e59),
        ("1e999", math.inf),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        (".", "."),
        ("-", "-"),
        ("1.2.3", "1.2.3"),
        ("22.04 LTS", "22.04 LTS"),
        ("team", "team"),
        ("٣", "٣"),
        ("9" * 30, int("9" * 30)),
        ("9" * 31, 10**30),
        ("-" + "9" * 100_000, -(10**30)),
        ("0" * 100_000 + "7", 7),
    ],
)
def test_a_plain_scalar_means_what_the_core_schema_says(text, value):
    found = resolve(text)
    assert (type(found), found) == (type(value), value)


def test_not_a_number_is_a_number():
    assert math.isnan(float(resolve(".NaN") or 0))


@given(st.text(max_size=20))
def test_text_that_begins_otherwise_stays_text(text):
    """The builder asks only for scalars that begin with one of these."""
    if text and text[0] not in SUSPECT_FIRST:
        assert resolve(text) == text


@given(st.integers(min_value=-(10**29), max_value=10**29))
def test_whole_numbers_are_read_back(number):
    assert resolve(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_fractions_are_read_back(number):
    assert resolve(repr(number)) == number
