"""What of a run's standing is shown on a screen of some size.

Decides: which lines there are, what gives way where they do not fit, which words are
marked how. Must not know: terminals, colours, rich. No mark says what words do not.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from batch_register.cli.lasting import format_age
from batch_register.cli.progress import tidy
from batch_register.cli.tally import Phase, Slow, Standing, Trouble
from batch_register.report.plain import clip, pad, width_of

_LEAST_BAR = 8  # cells; a shorter one shows nothing
_LONGEST_BAR = 80  # a longer one shows no more, and folds where a window is made narrow
_MOST_HOLDUP_ROWS = 2
_WHOLE = 2  # parts up to this rank are shown whole, the others line by line
_RANKS = 3  # parts that are shown line by line
_LABEL = 9  # cells of the word before a list's first row


class Mark(Enum):
    """How a word is marked, for whoever has colours."""

    PLAIN = auto()
    GOOD = auto()
    BAD = auto()
    NOTE = auto()
    FAINT = auto()


Span = tuple[str, Mark]
Line = tuple[Span, ...]

_MARKS = {
    Phase.ACTIVE: Mark.GOOD,
    Phase.FAILED: Mark.BAD,
    Phase.CONFLICT: Mark.BAD,
    Phase.UNKNOWN: Mark.NOTE,
    Phase.DEFERRED: Mark.NOTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """A terminal: its size in cells, and whether it can show more than ASCII."""

    width: int
    height: int
    is_ascii: bool = False

    @property
    def columns(self) -> int:
        """Return how wide a line may be: behind it a terminal may echo `^C`."""
        return max(self.width - len("^C") - 1, 1)

    @property
    def rows(self) -> int:
        """Return how many lines there may be: the upper half is the log's."""
        return max(self.height // 2, 1)


def lay_out(standing: Standing, screen: Screen) -> list[Line]:
    """Return the lines to show, at most the screen's rows and columns.

    What matters most stays: the bar, why nothing moves, the counts, the look at the
    sources, the uploads, the pace, the last failure, the slowest image, then the others of each.
    """
    kept = sorted(
        sorted(_ranked(standing, screen), key=lambda ranked: ranked[0])[: screen.rows],
        key=lambda ranked: ranked[1],
    )
    lines = [_clipped(line, screen.columns) for _, _, line in kept]
    return [_in_ascii(line) for line in lines] if screen.is_ascii else lines


def _ranked(standing: Standing, screen: Screen) -> Iterator[tuple[int, int, Line]]:
    """Yield every line after its rank (0 stays longest) and its place (0 is on top)."""
    parts: list[tuple[int, Iterable[Line]]] = [
        (0, [_bar(standing, screen)]),
        (2, _counts(standing, screen.columns)),
        (2, _source_side(standing, screen.columns)),
        (3, _pace(standing, screen.columns)),
        (1, _first_holdup(standing, screen.columns)),
        (5, [((sentence, Mark.NOTE),) for sentence in map(tidy, standing.holdups[1:])]),
        (5, _slowest(standing.slowest)),
        (4, _troubles(standing.troubles, screen.columns)),
    ]
    place = 0
    for rank, lines in parts:
        for number, line in enumerate(lines):
            # what is wrapped is shown whole; a list's first line outweighs the others
            yield rank + (_RANKS * number if rank > _WHOLE else 0), place, line
            place += 1


def _bar(standing: Standing, screen: Screen) -> Line:
    total = max(standing.total, 1)
    percent = 100 * standing.settled // total
    figures = f"{standing.settled}/{standing.total}  {percent} %"
    room = min(screen.columns - len(figures) - 2, _LONGEST_BAR)
    if room < _LEAST_BAR:
        return ((figures, Mark.PLAIN),)
    done = room * standing.settled // total
    full, empty = ("#", "-") if screen.is_ascii else ("━", "─")
    return (
        (full * done, Mark.GOOD),
        (empty * (room - done), Mark.FAINT),
        (f"  {figures}", Mark.PLAIN),
    )


def _counts(standing: Standing, columns: int) -> list[Line]:
    spans = [
        (f"{count} {phase}", _MARKS.get(phase, Mark.PLAIN))
        for phase, count in standing.counted().items()
    ]
    return _packed(spans, columns)


def _source_side(standing: Standing, columns: int) -> Iterator[Line]:
    if standing.looking:
        yield ((standing.looking, Mark.PLAIN),)
    if standing.sending is not None:
        yield ((standing.sending.words(columns), Mark.PLAIN),)


def _pace(standing: Standing, columns: int) -> list[Line]:
    words = [*standing.pace(), f"{format_age(standing.elapsed)} elapsed"]
    return _packed([(word, Mark.PLAIN) for word in words], columns)


def _first_holdup(standing: Standing, columns: int) -> list[Line]:
    if not standing.holdups:
        return []
    rows = textwrap.wrap(tidy(standing.holdups[0]), columns)[:_MOST_HOLDUP_ROWS]
    return [((row, Mark.NOTE),) for row in rows]


def _slowest(slowest: tuple[Slow, ...]) -> Iterator[Line]:
    for number, slow in enumerate(slowest):
        label = pad("slowest" if number == 0 else "", _LABEL)
        figures = f"{slow.phase} {format_age(slow.age)}  "
        yield (label, Mark.FAINT), (figures, Mark.PLAIN), (tidy(slow.key), Mark.PLAIN)


def _troubles(troubles: tuple[Trouble, ...], columns: int) -> Iterator[Line]:
    longest_key = max(columns // 3, 1)
    for trouble in troubles:
        key = clip(tidy(trouble.key), longest_key)
        label = pad(trouble.phase, _LABEL)
        yield (label, Mark.BAD), (f"{key}: {tidy(trouble.reason)}", Mark.PLAIN)


def _packed(spans: list[Span], columns: int) -> list[Line]:
    """Return the spans in as few lines as they need, with commas between them."""
    lines: list[list[Span]] = []
    used = 0
    for text, mark in spans:
        if lines and used + len(", ") + width_of(text) <= columns:
            lines[-1] += [(", ", Mark.PLAIN), (text, mark)]
            used += len(", ") + width_of(text)
            continue
        lines.append([(text, mark)])
        used = width_of(text)
    return [tuple(line) for line in lines]


def _clipped(line: Line, columns: int) -> Line:
    """Return the line in at most so many cells."""
    spans: list[Span] = []
    for text, mark in line:
        room = columns - sum(width_of(kept) for kept, _ in spans)
        if room <= 0:
            break
        spans.append((clip(text, room), mark))
    return tuple(spans)


def _in_ascii(line: Line) -> Line:
    """Return the line with a question mark for all that is not ASCII."""
    return tuple(
        (text.encode("ascii", "replace").decode(), mark) for text, mark in line
    )
