"""The live view at the foot of a terminal, drawn by rich.

Decides: colours, and how it is drawn anew after a resize. Must not know: what is
counted, which lines there are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, TextIO, cast

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from batch_register.cli.layout import Line, Mark, Screen, lay_out
from batch_register.cli.progress import Progress
from batch_register.report.plain import width_of

_REFRESHES_PER_S = 4
_STYLES = {
    Mark.PLAIN: "",
    Mark.GOOD: "green",
    Mark.BAD: "red",
    Mark.NOTE: "yellow",
    Mark.FAINT: "dim",
}


class ForgivingStream:
    """A terminal that may vanish: what cannot be written is dropped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding

    def write(self, text: str) -> int:
        """Write, or do nothing."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or do nothing."""
        with suppress(OSError, ValueError):
            self._stream.flush()


class LinesAbove:
    """Stands in for standard error: what is written appears above the view, line by line.

    A long line is left to the terminal to wrap: breaks of ours would tear it for
    whoever copies or searches it.
    """

    def __init__(self, console: Console, stream: TextIO) -> None:
        self._console = console
        self._stream = stream
        self._rest = ""  # of a line that has not ended

    def __getattr__(self, name: str) -> object:
        """Return all else as the stream itself has it."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the lines that are whole."""
        *lines, self._rest = (self._rest + text).split("\n")
        if lines:
            self._console.out("\n".join(lines), highlight=False)
        return len(text)

    def flush(self) -> None:
        """Do nothing: lines are shown once they are whole."""

    def end(self) -> None:
        """Write what is left of a line that never ended."""
        if self._rest:
            self.write("\n")


class View:
    """A progress as rich draws it; remembers how wide the lines last were."""

    def __init__(self, progress: Progress, *, is_ascii: bool) -> None:
        self._progress = progress
        self._is_ascii = is_ascii
        self.widths: list[int] = []

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        """Draw for the terminal as it is now, or draw nothing.

        The thread that asks must not die of it.
        """
        lines: list[Line] = []
        with suppress(Exception):
            width, height = options.size
            screen = Screen(width=width, height=height, is_ascii=self._is_ascii)
            lines = lay_out(self._progress.standing(), screen)
        self.widths = [sum(width_of(text) for text, _ in line) for line in lines] or [0]
        for line in lines:
            spans = [(text, _STYLES[mark]) for text, mark in line]
            yield Text.assemble(*spans, no_wrap=True, overflow="crop")
        if not lines:
            yield Text("")


class ReflowingLive(Live):
    """A Live that finds its own lines again after a terminal has folded them.

    Most terminals fold what is on the screen when they become narrower, so that the
    lines to be wiped out take more rows than were drawn.
    """

    def __init__(self, view: View, console: Console, *, folds: bool) -> None:
        """`folds`: whether the terminal is one of those."""
        self._view = view
        self._folds = folds
        super().__init__(
            view,
            console=console,
            refresh_per_second=_REFRESHES_PER_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def process_renderables(
        self, renderables: list[ConsoleRenderable]
    ) -> list[ConsoleRenderable]:
        """Wipe out the rows that came by folding, then do as usual."""
        rows = rows_by_folding(self._view.widths, self.console.width)
        drawn = super().process_renderables(renderables)
        if not self._folds or rows == 0:
            return drawn
        wipe = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
        return [Control(ControlType.CARRIAGE_RETURN, *wipe * rows), *drawn]


def rows_by_folding(widths: list[int], columns: int) -> int:
    """Return how many rows lines of these widths take beyond one each."""
    return sum((max(width, 1) - 1) // max(columns, 1) for width in widths)


def folds_lines(environ: Mapping[str, str]) -> bool:
    """Return whether a terminal that becomes narrower folds its lines.

    xterm, GNU screen and the Linux console cut them off instead; tmux folds, whatever
    it runs in.
    """
    if environ.get("TMUX"):
        return True
    cuts = environ.get("XTERM_VERSION") or environ.get("STY")
    return not cuts and environ.get("TERM") != "linux"


@contextmanager
def live_bar(
    progress: Progress, stream: TextIO, environ: Mapping[str, str]
) -> Iterator[None]:
    """Keep the view at the foot of the terminal while the block runs.

    What is written to `sys.stderr` meanwhile appears above it, whole. Standard output
    is left alone: it may be a file.
    """
    terminal = cast("IO[str]", ForgivingStream(stream))
    console = Console(file=terminal, force_terminal=True, highlight=False)
    view = View(progress, is_ascii=not _can_show(stream, "━─…"))
    with ReflowingLive(view, console, folds=folds_lines(environ)):
        above, usual = LinesAbove(console, stream), sys.stderr
        sys.stderr = cast("TextIO", above)
        try:
            yield
        finally:
            sys.stderr = usual
            above.end()


def _can_show(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
