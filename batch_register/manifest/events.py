"""YAML bytes to PyYAML events, after a look at size, encoding and characters.

Decides: what bytes are looked at at all, and how a syntax error reads. Must not know:
what the events mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import Event
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from batch_register.manifest.problems import UnreadableError, place, shown

EventSource = Callable[[], Event]  # never called again after the stream's end
EventOpener = Callable[[bytes], EventSource]

MAX_DEPTH: Final = 50
TOO_DEEP: Final = f"lists and maps are nested deeper than {MAX_DEPTH} levels"
MAX_BYTES: Final = 64 * 1024 * 1024  # 190,000 entries of ten lines

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16_32_MARKS = (b"\xff\xfe", b"\xfe\xff")
_PLAIN_BYTES = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F)])

# Controls, and what YAML 1.1 takes for a line break and YAML 1.2 does not: with those
# inside, no two programs agree on the number of a line.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
)
_LINE_BREAK = re.compile("\r\n|\r|\n")


class _PureParser(Reader, Scanner, Parser):
    """PyYAML's parser in Python, for where its C library is missing."""

    def __init__(self, data: bytes) -> None:
        Reader.__init__(self, data)
        Scanner.__init__(self)
        Parser.__init__(self)


def open_pure(data: bytes) -> EventSource:
    """Return a source of events that needs no C library; about 20 times slower."""
    return _PureParser(data).get_event


try:
    from yaml import CBaseLoader
except ImportError:  # pragma: no cover - depends on how PyYAML was built
    open_native: EventOpener = open_pure
else:

    def open_native(data: bytes) -> EventSource:
        """Return a source of events from libyaml."""
        return CBaseLoader(data).get_event  # type: ignore[return-value]  # see EventSource


def checked_bytes(data: bytes) -> bytes:
    """Return the bytes to parse: without byte order mark, checked for odd characters.

    Raises:
        UnreadableError: too large, not UTF-8, or a character that YAML does not take.
    """
    if len(data) > MAX_BYTES:
        message = (
            f"the file is larger than {MAX_BYTES // 2**20} MiB, which no manifest "
            "needs: check that it is one, or split the batch"
        )
        raise UnreadableError(1, 1, message)
    if _is_wide(data):
        message = "the file is UTF-16 or UTF-32: save it as UTF-8"
        raise UnreadableError(1, 1, message)
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if data.translate(None, _PLAIN_BYTES):
        _check_characters(_decoded(data))
    return data


def _is_wide(data: bytes) -> bool:
    """Return whether the first bytes are those of UTF-16 or UTF-32 text."""
    begin = data[:4]
    is_half_empty = b"\0\0" in (begin[0::2], begin[1::2]) and any(begin)
    return begin.startswith(_UTF_16_32_MARKS) or is_half_empty


def _decoded(data: bytes) -> str:
    """Return the text, or say where it stops being UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line, column = _position(data[: error.start].decode())
        message = f"byte 0x{data[error.start]:02X} is not UTF-8: save the file as UTF-8"
        raise UnreadableError(line, column, message) from None


def _check_characters(text: str) -> None:
    """Refuse the characters that have no place in a text file."""
    found = _FORBIDDEN.search(text)
    if found is None:
        return
    code = ord(found.group())
    what = "a NUL byte" if code == 0 else f"the control character U+{code:04X}"
    message = f"{what} is not allowed in a manifest: remove it"
    raise UnreadableError(*_position(text[: found.start()]), message)


def _position(before: str) -> tuple[int, int]:
    """Return line and column, from 1, of what follows this text."""
    lines = _LINE_BREAK.split(before)
    return len(lines), len(lines[-1]) + 1


def syntax_error(error: YAMLError, data: bytes) -> UnreadableError:
    """Return a parser's error in plain words, at its place."""
    if not isinstance(error, MarkedYAMLError):
        return UnreadableError(1, 1, f"this is not YAML: {_one_line(str(error))}")
    problem = error.problem or error.context or "unknown trouble"
    mark = error.problem_mark or error.context_mark
    if error.context_mark and re.search(_NOTICED_LATE, problem):
        mark = error.context_mark
    line, column = place(mark)
    lines = _LINE_BREAK.split(data.decode(errors="replace"))
    if "mapping values" in problem and (slip := _missing_blank(lines, line)):
        return UnreadableError(*slip)
    rest = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    return UnreadableError(line, column, _explained(problem, rest))


# A parser notices these far behind the place that has to be changed.
_NOTICED_LATE = "found unexpected end of stream|find expected ':'"


# What libyaml (first) and the Python parser (second) say, and what it means.
_MEANINGS: Final[tuple[tuple[str, str], ...]] = (
    (
        r"mapping values are not allowed",
        "a ':' is not expected here: put a value that contains ': ' in quotes, "
        "or correct the indentation",
    ),
    (
        r"sequence entries are not allowed",
        "a '- ' is not expected here: begin a list on a line of its own",
    ),
    (
        r"mapping keys are not allowed",
        "a '? ' is not expected here: put the value in quotes",
    ),
    (r"found unexpected ':'", "a blank is missing after this ':'"),
    (r"find expected ':'", "a ':' is missing: write `key: value` on this line"),
    (
        r"tab character",
        "a tab is used for indentation: YAML takes spaces only",
    ),
    (
        r"unexpected end of stream",
        "a quote is opened here and never closed: close it where the value ends",
    ),
    (r"unexpected document", "a quote is still open where '---' or '...' stands"),
    (
        r"unknown escape character",
        "an unknown escape follows a backslash: use single quotes, or write \\\\",
    ),
    (
        r"hexa?decimal|Unicode character escape",
        "an escape such as \\x41 or \\u0041 is malformed",
    ),
    (
        r"alphabetic or numeric character",
        "'&' begins an anchor and '*' an alias, and a name must follow: "
        "put the value in quotes if it is text",
    ),
    (
        r"',' or '\]'",
        "a ',' or the closing ']' of a list is missing before this place",
    ),
    (
        r"',' or '}'",
        "a ',' or the closing '}' of a map is missing before this place",
    ),
    (
        r"expected key|<block end>|expected '-' indicator",
        "this does not continue what stands above: check the indentation, "
        "and the quotes of the value before it",
    ),
    (r"node content", "a value is missing before this place"),
    (
        r"<document start>",
        "the document has ended before this place: check the indentation",
    ),
    # libyaml from 0.2.6 on has a limit of its own, and refuses before it tells any event
    (r"maximum nesting depth", TOO_DEEP),
    (
        r"directive|incompatible YAML document|tag handle",
        "lines that begin with '%' and tags are not used in a manifest",
    ),
)


def _explained(problem: str, rest: str) -> str:
    """Return what a parser's complaint means for the person who wrote the file.

    `rest` is what stands at the place, up to the end of the line.
    """
    if "cannot start any token" in problem:
        if rest.startswith("\t"):
            return "a tab is used for indentation: YAML takes spaces only"
        return f"a value cannot begin with {rest[:1]!r}: put it in quotes"
    if "find expected ':'" in problem and (key := re.match(r"(\w+):\S", rest)):
        name = shown(key[1])
        return f"a blank is missing behind the ':': write `{name}: ` and then the value"
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, problem):
            return meaning
    return f"this is not YAML: {_one_line(problem)}"


def _missing_blank(lines: list[str], line: int) -> tuple[int, int, str] | None:
    """Return place and sentence where a list item above lacks the blank behind its '-'.

    `-name: x` is a key of that name, so that only the line below it looks wrong.
    """
    above = lines[line - 2] if 1 < line <= len(lines) else ""
    found = re.match(r"(\s*)-(\w+):(?:\s|$)", above)
    if found is None:
        return None
    message = f"a blank is missing behind the '-': write `- {shown(found[2])}: `"
    return line - 1, len(found[1]) + 1, message


def _one_line(text: str) -> str:
    """Return foreign text without line breaks and controls."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
