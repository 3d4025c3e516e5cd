"""What a caret's tail covers: the key or value that begins at the place."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batch_register.manifest.underline import underlined


@pytest.mark.parametrize(
    ("line", "marked"),
    [
        ("min_disk: 40 GB", "40 GB"),
        ("min_disk: 40 GB   # of which", "40 GB"),
        ('name: "a # b" # c', '"a # b"'),
        ('name: "a \\" b"', '"a \\" b"'),
        ("name: 'it''s' # c", "'it''s'"),
        ("name: a, b", "a, b"),
        ("{name: a b, key: c}", "a b"),
        ("{name: 'x{', key: [c d]}", "c d"),
        ("image_url: bkt:a#b.raw", "bkt:a#b.raw"),
        ("priority: -12x", "-12x"),
        ("name: 'open", "'open"),
        ("name: {a: b}", "{"),
        ("name: *.vmdk", "*"),
    ],
)
def test_a_value_is_underlined_to_its_end(line, marked):
    column = line.index(marked)
    assert underlined(line, column, "wrong") == len(marked)


@pytest.mark.parametrize(
    ("message", "length"),
    [("`min_dsik` is no field", 8), ("`min_disk` is missing", 1), ("min_dsik", 1)],
)
def test_a_key_is_underlined_only_where_the_message_names_it(message, length):
    assert underlined("  - min_dsik : 40", 4, message) == length


@given(st.text(), st.integers(0, 30), st.text())
def test_what_is_underlined_lies_in_the_line(line, column, message):
    length = underlined(line, column, message)
    assert length >= 1
    assert length == 1 or column + length <= len(line)


def test_a_long_line_takes_no_time_worth_naming():
    line = "a: " + "x \t" * 3_000 + "#"
    assert underlined(line, 3, "wrong") == len(line[3:-1].rstrip())
