"""The live bar on a terminal, drawn by rich.

Decides: how a standing looks as a bar. Must not know: what is counted, and how.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, TextIO, cast

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from batch_register.cli.progress import Progress, tidy
from batch_register.cli.tally import Standing

_REFRESHES_PER_S = 4


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


@contextmanager
def live_bar(progress: Progress, stream: TextIO) -> Iterator[None]:
    """Keep a bar at the foot of the terminal while the block runs.

    What is written to `sys.stderr` meanwhile appears above it, whole. Standard output
    is left alone: it may be a file.
    """
    terminal = cast("IO[str]", ForgivingStream(stream))
    live = Live(
        get_renderable=lambda: _draw_safely(progress),
        console=Console(file=terminal, force_terminal=True, highlight=False),
        refresh_per_second=_REFRESHES_PER_S,
        transient=True,
        redirect_stdout=False,
    )
    with live:
        yield


def _draw_safely(progress: Progress) -> RenderableType:
    """Draw, or draw nothing: the thread that asks must not die of it."""
    with suppress(Exception):
        return draw(progress.standing())
    return Text("")


def draw(standing: Standing) -> RenderableType:
    """Return the standing as rich shows it: bar, words, and the last trouble."""
    bar = Table.grid(padding=(0, 1), expand=True)
    bar.add_column(ratio=1)
    bar.add_column(no_wrap=True)
    total = max(standing.total, 1)
    bar.add_row(
        ProgressBar(total=total, completed=standing.settled),
        Text(f"{standing.settled}/{standing.total}"),
    )
    lines: list[RenderableType] = [bar, _one_line(standing.words(), style="")]
    if standing.last_trouble:
        lines.append(_one_line(tidy(standing.last_trouble), style="red"))
    return Group(*lines)


def _one_line(text: str, *, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
