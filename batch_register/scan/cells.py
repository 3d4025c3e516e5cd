"""The bytes of a CSV file to its cells, whatever program wrote it.

Decides: encoding, delimiter, how large a table may be. Must not know: what a column
means.

Sources: RFC 4180; Microsoft, "Import or export text (.txt or .csv) files" (Excel writes
the list separator of the locale, "Unicode text" as UTF-16 with tabs, and reads a first
line `sep=;`).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from batch_register.errors import BatchRegisterError

MAX_BYTES: Final = 64 * 2**20
MAX_ROWS: Final = 100_000
MAX_COLUMNS: Final = 1_000
MAX_CELLS: Final = 10_000_000  # of all rows, a blank row as one
_MAX_SHOWN: Final = 20  # problems of one table
_DELIMITERS: Final = ",;\t|"


class TableError(BatchRegisterError):
    """A table cannot be read, or holds values that no manifest takes."""

    reference = "table-invalid"
    exit_code = 65

    def __init__(self, source: str, *problems: str) -> None:
        shown = [f"{source}: {problem}" for problem in problems[:_MAX_SHOWN]]
        if len(problems) > _MAX_SHOWN:
            shown.append(f"{source}: ... and {len(problems) - _MAX_SHOWN} more")
        hint = "mend the table, or name the right columns with --map"
        super().__init__("\n".join(shown), hint=hint)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row; `line` counts from 1, where the row ends."""

    line: int
    cells: tuple[str, ...]

    def cell(self, column: int) -> str:
        """Return one cell without blanks at its ends; empty where the row is short."""
        return self.cells[column].strip() if column < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was written; `source` names it in messages.

    `is_guessed`: nothing says in which encoding it is, and other letters than ASCII's may
    be wrong.
    """

    source: str
    titles: tuple[str, ...]
    rows: tuple[Row, ...]
    is_guessed: bool = False


def read_table(data: bytes, source: str) -> Table:
    """Return the table that these bytes hold; rows without any text are left out.

    Raises:
        TableError: it is too large, no text, or breaks the rules of quoting.
    """
    if len(data) > MAX_BYTES:
        raise TableError(source, f"has more than {MAX_BYTES // 2**20} MiB")
    text, is_guessed = _decoded(data, source)
    delimiter, text = _delimiter(text)
    rows = _rows(text, delimiter, source)
    titles = next(rows, None)
    if titles is None:
        raise TableError(source, "is empty: a first row has to name the columns")
    return Table(
        source=source, titles=titles.cells, rows=tuple(rows), is_guessed=is_guessed
    )


def _decoded(data: bytes, source: str) -> tuple[str, bool]:
    """Return the text, and whether its encoding is guessed.

    What is no UTF-8 is taken for Windows' Western code page.
    """
    encoding, is_guessed = "utf-8-sig", False
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding == "utf-16":
            raise TableError(source, "is no text in UTF-16, as it begins") from None
        text, is_guessed = data.decode("cp1252", errors="replace"), True
    if "\0" in text:
        raise TableError(source, "is no text: save the table as CSV (UTF-8)")
    return text, is_guessed


def _delimiter(text: str) -> tuple[str, str]:
    """Return what parts the columns, and the text without a line that only says so."""
    whole = text.lstrip("\r\n")
    first = re.split("[\r\n]", whole, maxsplit=1)[0]
    rest = whole[len(first) :].lstrip("\r\n")
    told = first.strip().removeprefix("sep=")
    if first.startswith("sep=") and len(told) <= 1:
        return told or "\t", rest
    counts = {each: _width(first, each) for each in _DELIMITERS}
    return max(_DELIMITERS, key=lambda each: counts[each]), text


def _width(line: str, delimiter: str) -> int:
    """Return how many columns a delimiter makes of the first line."""
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0


def _rows(text: str, delimiter: str, source: str) -> Iterator[Row]:
    """Yield the rows that hold any text."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = all_cells = 0
    try:
        for cells in reader:
            all_cells += len(cells) or 1
            if all_cells > MAX_CELLS:
                raise TableError(source, f"has more than {MAX_CELLS} cells")
            if not any(cell.strip() for cell in cells):
                continue
            rows += 1
            _check_bounds(rows, len(cells), source, reader.line_num)
            yield Row(line=reader.line_num, cells=tuple(cells))
    except csv.Error as error:
        message = f"line {reader.line_num}: {error}"
        raise TableError(source, message) from None


def _check_bounds(rows: int, columns: int, source: str, line: int) -> None:
    if rows > MAX_ROWS + 1:  # with the titles
        raise TableError(source, f"has more than {MAX_ROWS} rows")
    if columns > MAX_COLUMNS:
        message = f"line {line}: has {columns} columns, and {MAX_COLUMNS} are allowed"
        raise TableError(source, message)
