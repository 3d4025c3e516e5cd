"""A CSV file is read whatever wrote it, and a hostile one ends in a clear error."""

from __future__ import annotations

import codecs
from contextlib import suppress

import pytest
from hypothesis import given, settings, strategies as st

from batch_register.scan.cells import MAX_BYTES, TableError, read_table
from tests.scan.samples import V_INFO

ROWS = [["VM", "Memory"], ["b\u00fcro-1", "4,096"]]


def as_csv(delimiter: str) -> str:
    return "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in ROWS)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("cp1252", b""),
    ],
)
def test_every_usual_encoding_and_delimiter_gives_the_same_table(
    delimiter: str, encoding: str, mark: bytes
) -> None:
    table = read_table(mark + as_csv(delimiter).encode(encoding), "t.csv")
    assert [list(table.titles), *(list(row.cells) for row in table.rows)] == ROWS


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "sep=;"])
def test_every_line_end_is_one(end: str, start: str) -> None:
    text = end.join(
        ["", start, "VM;A;B", "x;y", ""] if start else ["VM;A;B", "x;y", ""]
    )
    table = read_table(text.encode(), "t.csv")
    assert table.titles == ("VM", "A", "B")
    assert [row.cells for row in table.rows] == [("x", "y")]


def test_an_encoding_that_nothing_tells_is_said_to_be_guessed() -> None:
    assert read_table("VM\nb\u00fcro".encode("cp1252"), "t.csv").is_guessed
    assert not read_table("VM\nb\u00fcro".encode(), "t.csv").is_guessed


def test_excels_line_about_the_delimiter_is_heeded() -> None:
    table = read_table(b"sep=;\r\nVM;A,B,C,D\r\nx;y\r\n", "t.csv")
    assert table.titles == ("VM", "A,B,C,D")


def test_rows_without_text_are_left_out_and_short_ones_filled() -> None:
    table = read_table(b"\nVM,A\n,\n\nx\n", "t.csv")
    assert [(row.line, row.cell(0), row.cell(1)) for row in table.rows] == [
        (5, "x", "")
    ]


def test_a_cell_may_hold_line_ends_and_delimiters() -> None:
    table = read_table(b'VM,A\n"x","1,2\n3"\n', "t.csv")
    assert table.rows[0].cells == ("x", "1,2\n3")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n\n , \n", "is empty"),
        (b"VM\n" + b"x\n" * 100_001, "more than 100000 rows"),
        (b"VM\nx" + b"," * 1_001, "1002 columns"),
        (b"VM\n" + (b"x" + b"," * 999 + b"\n") * 10_001, "more than 10000000 cells"),
        (b"VM\n" + b"," * 10_000_000, "more than 10000000 cells"),
        (b'VM,A\n"x', "line 2: unexpected end of data"),
        (b'VM,A\n"x"y,z', "line 2"),
        (b'VM\n"' + b"x" * 200_000 + b'"', "line 2: field larger than"),
        (b"VM\nx\0y\n", "is no text"),
        (b"PK\3\4\0\0\0\0", "is no text"),  # a workbook
        (b'"' + b"x" * 200_000 + b'"', "line 1: field larger than"),
        (codecs.BOM_UTF16_LE + b"\xd8", "is no text in UTF-16"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table(data, "t.csv")


def test_a_table_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(TableError, match="more than 64 MiB"):
        read_table(bytes(MAX_BYTES + 1), "t.csv")


def test_rvtools_layout_is_read() -> None:
    table = read_table(V_INFO.encode(), "vInfo.csv")
    assert len(table.rows) == 6
    assert {len(row.cells) for row in table.rows} == {len(table.titles)}


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with suppress(TableError):
        assert read_table(data, "t.csv").titles
