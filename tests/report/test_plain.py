"""Foreign text on a screen, and figures in words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from batch_register.report.plain import (
    clip,
    duration_words,
    pad,
    printable,
    size_words,
    width_of,
)

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web-01", "web-01"),
        ("数据库 é", "数据库 é"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\x85c\u2028d", "a\\x0ab\\x85c\\u2028d"),
        ("evil\u202egpj.exe", "evil\\u202egpj.exe"),
        ("\ud800", "\\ud800"),
        ("\ufffe\uffff", "\\ufffe\\uffff"),
    ],
)
def test_what_could_act_on_a_screen_is_shown_as_an_escape(
    text: str, shown: str
) -> None:
    assert printable(text) == shown


@pytest.mark.fault(39)
@given(ANY_TEXT)
def test_printable_text_has_no_control_and_fits_any_file(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert printable(shown) == shown
    shown.encode()


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("数据", 4), ("e\u0301", 1), ("a\u200db", 2)]
)
def test_width_counts_terminal_cells(text: str, width: int) -> None:
    assert width_of(text) == width


@given(ANY_TEXT.map(printable), st.integers(1, 20))
def test_clipped_and_padded_text_takes_exactly_the_cells(text: str, width: int) -> None:
    clipped = clip(text, width)
    assert width_of(pad(clipped, width)) == width
    assert clipped == text or clipped.endswith("…")


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (None, ""),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 << 20, "1.5 GiB"),
        (1 << 50, "1024.0 TiB"),
    ],
)
def test_sizes_in_words(size_bytes: int | None, words: str) -> None:
    assert size_words(size_bytes) == words


@pytest.mark.parametrize(
    ("duration_s", "words"),
    [
        (None, ""),
        (3.25, "3.2s"),
        (59.97, "1m00s"),
        (412.3, "6m52s"),
        (3599.6, "1h00m"),
        (36_061, "10h01m"),
    ],
)
def test_durations_in_words(duration_s: float | None, words: str) -> None:
    assert duration_words(duration_s) == words
