"""Problems of a manifest as plain text, each with its line and a caret.

Decides: how they look. Must not know: how problems are found, terminals and colours.
"""

from __future__ import annotations

import re
import unicodedata

from batch_register.errors import ManifestError, ManifestProblem
from batch_register.manifest.problems import without_logins

_WIDTH = 96  # columns of a line of the file that are shown
_BEFORE_CARET = 60  # of those, at most so many in front of the place
_LINE_BREAK = re.compile("\r\n|\r|\n")
# A manifest holds no secret, but one that does by mistake must not end up in a log.
# Every repetition is bounded: a line of any length is searched in linear time.
_SECRET = re.compile(
    r"""(?i)((?:pass(?:word|wd|phrase)|secret|token|credential|api[_-]?key"""
    r"""|access[_-]?key|\b[as]k)[\w-]{0,64}["']?\s{0,64}:).*"""
)
_LONGEST_QUOTED = 10_000  # characters; nobody wrote a longer line to be read


def render_problems(error: ManifestError, text: str) -> str:
    """Return every problem with its place, its line and a caret under the place.

    `text` is the file's content, or empty where there is none to show. The result
    holds no control characters but line breaks.
    """
    lines = _LINE_BREAK.split(text.removeprefix("\ufeff")) if text else []
    blocks = [_block(error.path, problem, lines) for problem in error.problems]
    return "\n".join([*blocks, _visible(str(error)), ""])


def _block(path: str, problem: ManifestProblem, lines: list[str]) -> str:
    """Return one problem: a sentence, and two lines of context where there are any."""
    where = f"{path}:{problem.line}:{problem.column}"
    entry = f" (image {problem.entry})" if problem.entry else ""
    head = _visible(f"{where}: {problem.message}{entry}")
    if not 0 < problem.line <= len(lines):
        return head
    if len(lines[problem.line - 1]) > _LONGEST_QUOTED:
        return head
    shown = without_logins(_SECRET.sub(r"\1 ...", lines[problem.line - 1]))
    line, caret = _excerpt(shown, problem.column - 1)
    gutter = f"{problem.line:>6} | "
    return f"{head}\n{gutter}{line}\n{'|':>8} {' ' * caret}^"


def _excerpt(line: str, column: int) -> tuple[str, int]:
    """Return the part of a line around a place, and the columns in front of it."""
    start = max(0, column - _BEFORE_CARET)
    before, behind = line[start:column], line[column : start + _WIDTH]
    before = ("..." if start else "") + _visible(before)
    cut = "..." if len(line) > start + _WIDTH else ""
    return f"{before}{_visible(behind)}{cut}", _columns(before)


def _visible(text: str) -> str:
    """Return text with controls, and what hides or reorders text, written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _columns(text: str) -> int:
    """Return how many columns a terminal takes; East Asian letters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
