"""Bodies are decoded as they arrive and never grow beyond the limit."""

from __future__ import annotations

import gzip
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from batch_register.transport.body import (
    BodyTooLargeError,
    BodyUndecodableError,
    body_reader,
)


def read(encoding: str, pieces: list[bytes], limit_bytes: int = 1000) -> bytes:
    reader = body_reader(encoding, limit_bytes=limit_bytes)
    for piece in pieces:
        reader.feed(piece)
    return reader.finish()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(bounds)]


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=5))
def test_any_body_comes_back_however_it_is_cut_and_packed(body, places):
    assert read("", cut(body, places)) == body
    assert read("gzip", cut(gzip.compress(body), places)) == body


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_no_encoding_and_identity_are_the_same(encoding):
    assert read(encoding, [b"ab", b"c"]) == b"abc"


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_an_empty_body_that_claims_to_be_packed_is_empty(encoding):
    """HEAD, 204 and some gateways: the header without a body."""
    assert read(encoding, []) == b""
    assert read(encoding, [b""]) == b""


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "nonsense"])
def test_an_encoding_we_did_not_ask_for_is_undecodable(encoding):
    with pytest.raises(BodyUndecodableError):
        body_reader(encoding, limit_bytes=10)


@pytest.mark.fault(17)
def test_the_limit_is_exact_in_both_forms():
    assert read("", [b"a" * 10], limit_bytes=10) == b"a" * 10
    assert read("gzip", [gzip.compress(b"a" * 10)], limit_bytes=10) == b"a" * 10
    with pytest.raises(BodyTooLargeError):
        read("", [b"a" * 10, b"a"], limit_bytes=10)
    with pytest.raises(BodyTooLargeError):
        read("gzip", [gzip.compress(b"a" * 11)], limit_bytes=10)


@pytest.mark.fault(15)
@pytest.mark.parametrize("cut_off_bytes", [1, 8, 12])
def test_a_packed_body_that_is_cut_off_shows(cut_off_bytes):
    with pytest.raises(BodyUndecodableError):
        read("gzip", [gzip.compress(b"some text")[:-cut_off_bytes]])


@pytest.mark.parametrize("more", [b"x", gzip.compress(b"second")])
def test_what_follows_the_first_member_is_refused(more):
    with pytest.raises(BodyUndecodableError):
        read("gzip", [gzip.compress(b"first") + more])
    with pytest.raises(BodyUndecodableError):
        read("gzip", [gzip.compress(b"first"), more])


def test_bytes_that_are_not_packed_are_undecodable():
    with pytest.raises(BodyUndecodableError):
        read("gzip", [b"<html>not packed</html>"])
