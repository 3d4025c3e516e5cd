"""What is wrong with a manifest, collected while reading goes on.

Decides: the order, the cap and the places of problems. Must not know: the fields of a
manifest, nor how YAML is read.
"""

from __future__ import annotations

import re
from typing import Protocol

from batch_register.errors import ManifestError, ManifestProblem

MAX_PROBLEMS = 100  # more than anybody reads; the rest is counted
_MAX_KEPT = 2_000  # kept for sorting, so that a broken file stays cheap
_MAX_SHOWN = 60  # characters of the file in one sentence
_MAX_SEARCHED = 10_000  # of those that are there
# An address may carry a login, or a signature that opens the file to whoever reads it.
# Every repetition is bounded: text of any length is searched in linear time.
_LOGIN = re.compile(r"(:/{1,2})[^\s/@]{1,500}@")
_SIGNED = re.compile(
    r"(?i)([?&](?:x-(?:amz|obs)-[\w-]{1,64}|(?:aws)?accesskeyid|signature|[\w-]{0,32}token"
    r"|expires)=)[^\s\"']{0,4096}"
)
# Of an address in the web the whole query may be one.
_QUERY = re.compile(r"(?i)(https?://[^\s?#]{1,2048}[?#])[^\s\"']{0,4096}")

_SECRET_MARKS = frozenset("@?&#")  # neither is without one of these


class Mark(Protocol):
    """A place in the file as PyYAML gives it: line and column count from 0."""

    @property
    def line(self) -> int:
        """Return the line, from 0."""
        ...

    @property
    def column(self) -> int:
        """Return the column in characters, from 0."""
        ...


def place(mark: Mark | None) -> tuple[int, int]:
    """Return line and column counted from 1; the file's start where none is known."""
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def without_logins(text: str) -> str:
    """Return text from the file without what opens the addresses in it."""
    return _SIGNED.sub(r"\1...", _QUERY.sub(r"\1...", _LOGIN.sub(r"\1...@", text)))


def shown(text: str) -> str:
    """Return text from the file as a message may hold it: short, without controls."""
    if (
        len(text) <= _MAX_SHOWN
        and text.isprintable()
        and _SECRET_MARKS.isdisjoint(text)
    ):
        return text  # as nearly all are, and every key of a manifest comes here
    text = without_logins(text[:_MAX_SEARCHED])
    cut = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)


class UnreadableError(Exception):
    """Reading cannot go on behind this place; never leaves the package."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.problem = ManifestProblem(line=line, column=column, message=message)


class TooManyProblemsError(Exception):
    """Reading on would only take time: the problems so far are plenty."""


class Problems:
    """Collects problems; the same one at the same place counts once.

    A field of the defaults or of an anchor is met once per image, but is wrong once.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, str], ManifestProblem] = {}
        self._dropped = 0
        self._is_cut_short = False

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, mark: Mark | None, message: str, *, entry: str = "") -> None:
        """Note one problem; `entry` is the key of the image it belongs to."""
        line, column = place(mark)
        problem = ManifestProblem(
            line=line, column=column, message=message, entry=entry
        )
        self.note(problem)

    def note(self, problem: ManifestProblem) -> None:
        """Note one ready problem."""
        where = (problem.line, problem.column, problem.message)
        if len(self._found) < _MAX_KEPT:
            self._found.setdefault(where, problem)
        elif where not in self._found:
            self._dropped += 1

    def give_up_if_many(self) -> None:
        """Stop reading where so much is wrong that nobody needs the rest.

        Raises:
            TooManyProblemsError: reading on would only take time.
        """
        if len(self._found) >= _MAX_KEPT:
            self._is_cut_short = True
            raise TooManyProblemsError

    def error(self, path: str) -> ManifestError:
        """Return everything noted, in file order, cut after `MAX_PROBLEMS`."""
        ordered = sorted(self._found.values(), key=lambda p: (p.line, p.column))
        shown = ordered[:MAX_PROBLEMS]
        more = len(ordered) - len(shown) + self._dropped
        if more:
            first = ordered[MAX_PROBLEMS]
            at_least = "at least " if self._is_cut_short else ""
            rest = f"and {at_least}{more} more: correct the ones above first"
            shown.append(
                ManifestProblem(line=first.line, column=first.column, message=rest)
            )
        return ManifestError(path, tuple(shown), found=len(ordered) + self._dropped)
