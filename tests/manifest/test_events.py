from __future__ import annotations

import pytest
from yaml.error import YAMLError

from batch_register.manifest import events
from batch_register.manifest.events import checked_bytes, syntax_error
from batch_register.manifest.problems import UnreadableError


def refusal(data: bytes) -> tuple[int, int, str]:
    with pytest.raises(UnreadableError) as caught:
        checked_bytes(data)
    problem = caught.value.problem
    return problem.line, problem.column, problem.message


def test_a_byte_order_mark_is_dropped():
    assert checked_bytes(b"\xef\xbb\xbfa: 1") == b"a: 1"


@pytest.mark.parametrize(
    "data", [b"", b"a: 1\r\n\tb", "名前: ü".encode(), "a: 😀".encode()]
)
def test_ordinary_text_passes(data):
    assert checked_bytes(data) == data


def test_a_file_over_the_limit_is_refused_unread():
    data = bytes(events.MAX_BYTES + 1)
    assert refusal(data) == (
        1,
        1,
        "the file is larger than 64 MiB, which no manifest needs: check that it is "
        "one, or split the batch",
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_named(encoding):
    data = "version: 1\n".encode(encoding)
    assert refusal(data) == (1, 1, "the file is UTF-16 or UTF-32: save it as UTF-8")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a: \xe9", (1, 4)),
        (b"a: 1\nbc: \xff", (2, 5)),
        ("a: ü\r\nü".encode() + b"\x80", (2, 2)),
        (b"\xef\xbb\xbfa\xff", (1, 2)),
    ],
)
def test_the_first_byte_that_is_not_utf_8_is_shown(data, place):
    line, column, message = refusal(data)
    assert (line, column) == place
    assert message.endswith("is not UTF-8: save the file as UTF-8")


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("a\0b", (1, 2), "a NUL byte"),
        ("a: 1\nb: \x07", (2, 4), "the control character U+0007"),
        ("a: 1\rb: \x1b", (2, 4), "the control character U+001B"),
        ("a: \x7f", (1, 4), "the control character U+007F"),
        ("a: \x85", (1, 4), "the control character U+0085"),
        ("a: 1\u2028b", (1, 5), "the control character U+2028"),
        ("a: \ufeff", (1, 4), "the control character U+FEFF"),
        ("a: \uffff", (1, 4), "the control character U+FFFF"),
    ],
)
def test_characters_without_a_place_in_text_are_refused(text, place, what):
    expected = (*place, f"{what} is not allowed in a manifest: remove it")
    assert refusal(text.encode()) == expected


def test_an_error_without_a_place_is_put_at_the_start():
    problem = syntax_error(YAMLError("odd\nthing"), b"").problem
    expected = (1, 1, "this is not YAML: odd thing")
    assert (problem.line, problem.column, problem.message) == expected
