"""One ledger line: bytes, checksum, damage."""

from __future__ import annotations

import dataclasses
import json
import zlib

import pytest
from hypothesis import given, strategies as st

from batch_register.ledger.line import (
    MAX_LINE_BYTES,
    DamagedLineError,
    Line,
    NewerLineError,
    begins_like_ledger,
    decode,
    encode,
    mend,
)

LINE = Line(
    seq=7,
    run_id="run-1",
    at="2026-03-04T05:06:07.008Z",
    event="image.created",
    key="wéb",
    fields={"image_id": "i-1", "n": 3, "none": None},
)
RAW = encode(LINE)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=5,
)
lines = st.builds(
    Line,
    seq=st.integers(),
    run_id=st.text(max_size=10),
    at=st.text(max_size=10),
    event=st.text(max_size=10),
    key=st.none() | st.text(max_size=10),
    fields=st.dictionaries(st.text(min_size=8, max_size=12), json_values, max_size=4),
)


def sealed(body: str) -> bytes:
    """Return a line with a right checksum over any body."""
    raw = body.encode()
    return raw + b',"crc":"%08x"}\n' % zlib.crc32(raw)


def test_line_is_one_compact_ascii_object_with_the_checksum_last():
    body = (
        rb'{"v":1,"seq":7,"run_id":"run-1","at":"2026-03-04T05:06:07.008Z",'
        rb'"event":"image.created","key":"w\u00e9b","image_id":"i-1","n":3,"none":null'
    )
    assert body + b',"crc":"%08x"}\n' % zlib.crc32(body) == RAW


def test_any_json_reader_can_read_a_line():
    assert json.loads(RAW)["key"] == "wéb"


def test_line_without_a_key_has_no_key_field():
    raw = encode(Line(seq=1, run_id="r", at="t", event="e", key=None, fields={}))
    assert list(json.loads(raw)) == ["v", "seq", "run_id", "at", "event", "crc"]


@given(lines)
def test_every_line_comes_back_as_it_was(line):
    raw = encode(line)
    assert (decode(raw), raw.isascii(), raw.count(b"\n")) == (line, True, 1)


@pytest.mark.parametrize("text", ["\ud800", "\U0001f600", "\x7f", '"\\', "\u2028"])
def test_odd_text_comes_back_as_it_was(text):
    """Half a surrogate pair is what a name of undecodable bytes is made of."""
    odd = dataclasses.replace(LINE, key=text, fields={text + "field": [text]})
    assert decode(encode(odd)) == odd


@pytest.mark.parametrize("number", [0.1, 1e300, -0.0, 10**40, 5e-324])
def test_numbers_come_back_as_they_were(number):
    odd = dataclasses.replace(LINE, fields={"number": number})
    assert repr(decode(encode(odd))) == repr(odd)


@pytest.mark.parametrize(
    "body",
    [
        '{"seq":7,"v":1,"run_id":"r","at":"t","event":"e"',  # in another order
        '{"v":1, "seq":7,"run_id":"r","at":"t","event":"e"',  # not compact
        '{"v":1,"seq":8,"seq":7,"run_id":"r","at":"t","event":"e"',  # twice
        '{"v":1,"seq":7,"run_id":"r","at":"t","event":"e","key":null',
        '{"v":1,"seq":7,"run_id":"r","at":"t","event":"e","crc":"x"',
    ],
)
def test_sound_line_of_another_hand_is_read(body):
    expected = Line(seq=7, run_id="r", at="t", event="e", key=None, fields={})
    assert decode(sealed(body)) == expected


def test_blank_before_a_line_is_damage():
    body = ' {"v":1,"seq":7,"run_id":"r","at":"t","event":"e"'
    with pytest.raises(DamagedLineError, match="not one JSON object"):
        decode(sealed(body))


def test_letters_beyond_ascii_are_damage_though_the_checksum_is_right():
    """This tool escapes them, so that an editor's re-encoding shows as what it is."""
    with pytest.raises(DamagedLineError, match="not one JSON object in ASCII"):
        decode(sealed(RAW[: -len(b',"crc":"00000000"}\n')].decode() + ',"os":"é"'))


def test_every_flipped_bit_is_damage():
    for place in range(len(RAW) * 8):
        flipped = bytearray(RAW)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(DamagedLineError):
            decode(bytes(flipped))


@given(lines, st.data())
def test_any_flipped_bit_of_any_line_is_damage(line, data):
    flipped = bytearray(encode(line))
    place = data.draw(st.integers(0, len(flipped) * 8 - 1))
    flipped[place // 8] ^= 1 << place % 8
    with pytest.raises(DamagedLineError):
        decode(bytes(flipped))


def test_every_cut_line_is_damage():
    for size in range(len(RAW)):
        with pytest.raises(DamagedLineError):
            decode(RAW[:size])


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not a ledger line"),
        (b"hello\n", "not a ledger line"),
        (b'{"v":1}\n', "it does not end in a checksum"),
        (RAW[:-1], "it does not end in a checksum"),
        (RAW[:-1] + b"X", "it does not end in a checksum"),
        (RAW.upper().replace(b'"V"', b'"v"'), "it does not end in a checksum"),
        (RAW.replace(b"i-1", b"i-2"), "its checksum does not match"),
        (b"x" * MAX_LINE_BYTES, "not a ledger line"),
        (b"x" * (MAX_LINE_BYTES + 1), "too long for a ledger line"),
        (sealed("[1"), "not one JSON object in ASCII"),
        (sealed('{"v":1,"é":1'), "not one JSON object in ASCII"),
        (sealed('{"v":1} {"seq":1'), "not one JSON object"),
        (sealed("true"), "not one JSON object"),
        (sealed('{"v":1}, "x'), "not one JSON object"),
        (sealed('{"v":' + "[" * 100_000), "not one JSON object in ASCII"),
    ],
)
def test_damage_is_told_apart(raw, why):
    with pytest.raises(DamagedLineError) as caught:
        decode(raw)
    assert str(caught.value).startswith(why)


def test_line_that_is_no_object_is_damage():
    with pytest.raises(DamagedLineError, match="not one JSON object"):
        decode(sealed('["crc"'))


@pytest.mark.parametrize(
    "change",
    [
        {"v": 0},
        {"v": True},
        {"v": "2"},
        {"v": None},
        {"seq": "7"},
        {"seq": True},
        {"seq": 7.0},
        {"run_id": 1},
        {"at": None},
        {"event": []},
        {"key": 5},
    ],
)
def test_wrong_envelope_is_damage(change):
    whole = {"v": 1, "seq": 7, "run_id": "r", "at": "t", "event": "e"} | change
    with pytest.raises(DamagedLineError, match="missing or of the wrong type"):
        decode(sealed(json.dumps(whole)[:-1]))


@pytest.mark.parametrize("name", ["v", "seq", "run_id", "at", "event"])
def test_line_without_a_part_of_its_envelope_is_damage(name):
    whole = {"v": 1, "seq": 7, "run_id": "r", "at": "t", "event": "e"}
    del whole[name]
    with pytest.raises(DamagedLineError) as caught:
        decode(sealed(json.dumps(whole)[:-1]))
    expected = "v, seq, run_id, at, event or key is missing or of the wrong type"
    assert str(caught.value) == expected


def test_newer_version_is_no_damage():
    with pytest.raises(NewerLineError, match=r"^version 2, this tool reads up to 1$"):
        decode(sealed('{"v":2,"anything":1'))


@pytest.mark.parametrize("name", ["v", "seq", "run_id", "at", "event", "key", "crc"])
def test_field_with_an_envelope_name_is_refused(name):
    line = Line(seq=1, run_id="r", at="t", event="e", key=None, fields={name: 1})
    with pytest.raises(ValueError, match=r"^e: a field has the name of an envelope"):
        encode(line)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "x" * MAX_LINE_BYTES])
def test_what_no_reader_would_take_is_not_written(value):
    line = Line(seq=1, run_id="r", at="t", event="e", key=None, fields={"f": value})
    with pytest.raises(ValueError, match=r"JSON compliant|^e: longer than 16777216 "):
        encode(line)


def test_longest_line_that_is_written_can_be_read():
    """By every version: whoever makes lines shorter cannot read older ledgers."""
    assert MAX_LINE_BYTES == 16 * 2**20

    def line(size):
        return Line(
            seq=1, run_id="", at="", event="", key=None, fields={"f": "x" * size}
        )

    size = MAX_LINE_BYTES - len(encode(line(0)))
    raw = encode(line(size))
    assert (len(raw), decode(raw)) == (MAX_LINE_BYTES, line(size))
    with pytest.raises(ValueError, match="longer than"):
        encode(line(size + 1))


def test_only_a_whole_tail_is_mended():
    mended = {size: mend(RAW[:size]) for size in range(len(RAW))}
    assert {size: line for size, line in mended.items() if line} == {len(RAW) - 1: RAW}


def test_zeros_after_a_power_cut_belong_to_the_torn_write():
    assert mend(RAW[:-1] + b"\0" * 5) == RAW
    assert mend(RAW[:40] + b"\0" * 5) == b""


def test_newline_that_lost_a_bit_is_damage_and_no_torn_write():
    for bit in range(8):
        tail = RAW[:-1] + bytes([ord("\n") ^ 1 << bit])
        for torn in (b"", RAW[:30]):
            with pytest.raises(DamagedLineError) as caught:
                mend(tail + torn)
            expected = "something other than a newline follows the checksum"
            assert str(caught.value) == expected


def test_letters_after_a_whole_tail_are_no_zeros():
    with pytest.raises(DamagedLineError):
        mend(RAW[:-1] + b"X")


def test_tail_with_a_wrong_checksum_is_torn():
    assert mend(RAW[:-1].replace(b"i-1", b"i-2")) == b""


@pytest.mark.parametrize(
    ("raw", "does"),
    [(b"", True), (b'{"', True), (b'{"v":1', True), (b"\0\0", True), (b"X", False)],
)
def test_beginning_of_a_ledger_is_known(raw, does):
    assert begins_like_ledger(raw) is does


@pytest.mark.parametrize("line", [LINE, dataclasses.replace(LINE, key=None)])
def test_what_encode_writes_takes_the_short_way(monkeypatch, line):
    """The careful reader gives the same result, in many times the time."""

    def never(raw):
        raise AssertionError(raw)

    monkeypatch.setattr("batch_register.ledger.line._opened_with_care", never)
    assert decode(encode(line)) == line
