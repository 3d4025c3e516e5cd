"""Text from outside is fit to be shown, whatever it was."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from batch_register.transport.text import REASON_LIMIT, plain_text


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("The image\r\n\tis  gone. ", "The image is gone."),
        ("\x1b[2Jcleared\x00", "\\x1b[2Jcleared\\x00"),
        ("a\u202eb", "a\\u202eb"),
        ("lone \ud800", "lone \\ud800"),
        ("größe 大", "größe 大"),
        ("a\xa0b", "a b"),
    ],
)
def test_control_characters_are_escaped_and_white_space_is_one_blank(raw, plain):
    assert plain_text(raw) == plain


def test_a_long_text_ends_with_a_sign_that_it_was_cut():
    assert plain_text("a" * 301) == "a" * 299 + "…"
    assert plain_text("a" * 300) == "a" * 300
    assert plain_text(" " * 5000 + "end") == "end"


def test_secrets_are_masked_before_anything_is_cut_through_them():
    text = "a" * 295 + "secret-token"
    assert plain_text(text, secrets=["secret-token"]) == "a" * 295 + "***"
    assert plain_text("as is", secrets=["", "is"]) == "as is"


@given(st.text(alphabet=st.characters(exclude_categories=())), st.integers(1, 400))
def test_any_text_becomes_one_printable_line_within_the_limit(text, limit):
    plain = plain_text(text, limit=limit)
    assert plain.isprintable()
    assert len(plain) <= limit <= max(limit, REASON_LIMIT)
