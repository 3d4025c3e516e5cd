"""Problems of a manifest as text, each with its line and a caret.

Decides: how they look. Must not know: how problems are found, terminals and colours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from batch_register.errors import ManifestError, ManifestProblem
from batch_register.manifest.problems import without_logins
from batch_register.manifest.underline import underlined

Change = Callable[[str], str]

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


def render_problems(
    error: ManifestError, text: str, *, mask: Change = str, paint: Change = str
) -> str:
    """Return every problem with its place, its line and a caret under the place.

    `text` is the file's content, or empty where there is none to show. `mask` takes
    secrets out of a sentence or line, beside those that are known here; `paint` may
    colour the carets. The rest holds no control characters but line breaks.
    """
    lines = _LINE_BREAK.split(text.removeprefix("\ufeff")) if text else []
    blocks = []
    for problem in error.problems:
        blocks.append(_visible(mask(_sentence(error.path, problem))))
        if 0 < problem.line <= len(lines):
            blocks += _quoted(problem, lines[problem.line - 1], mask, paint)
    return "\n".join([*blocks, _visible(str(error)), ""])


def _sentence(path: str, problem: ManifestProblem) -> str:
    """Return what is wrong, where, and with which image."""
    entry = f" (image {problem.entry})" if problem.entry else ""
    return f"{path}:{problem.line}:{problem.column}: {problem.message}{entry}"


def _quoted(
    problem: ManifestProblem, line: str, mask: Change, paint: Change
) -> list[str]:
    """Return the line that a problem stands in, and the one with the caret."""
    if len(line) > _LONGEST_QUOTED:
        return []
    column = problem.column - 1
    # What stands in front is masked alone: the place is then behind it all the same.
    before = _without_secrets(line[:column], mask)
    shown = _without_secrets(line, mask)
    if shown.startswith(before):
        column = len(before)
    length = underlined(shown, column, problem.message)
    excerpt, start, end = _excerpt(shown, column, column + length)
    caret = paint("^" + "~" * (end - start - 1))
    return [f"{problem.line:>6} | {excerpt}", f"{'|':>8} {' ' * start}{caret}"]


def _without_secrets(line: str, mask: Change) -> str:
    return mask(without_logins(_SECRET.sub(r"\1 ...", line)))


def _excerpt(line: str, column: int, end: int) -> tuple[str, int, int]:
    """Return the part of a line around a place, and the columns where it is marked."""
    start = max(0, column - _BEFORE_CARET)
    stop = start + _WIDTH
    before = ("..." if start else "") + _visible(line[start:column])
    marked = _visible(line[column : min(end, stop)])
    cut = "..." if len(line) > stop else ""
    first = _columns(before)
    return (
        f"{before}{marked}{_visible(line[end:stop])}{cut}",
        first,
        first + max(1, _columns(marked)),
    )


def _visible(text: str) -> str:
    """Return text with controls, and what hides or reorders text, written out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _columns(text: str) -> int:
    """Return how many columns a terminal takes: East Asian letters two, accents none."""
    return sum(map(_width, text))


def _width(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
