"""Shows how a run is getting on: a live bar, plain lines, log lines, or nothing.

Decides: which of them fits where the run was started. Must not know: how a run works.
Nothing here writes control characters to what is not a terminal.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import TextIO

import structlog

from batch_register.cli.progress import Progress, tidy
from batch_register.cli.tally import IN_FLIGHT, Phase, Standing
from batch_register.settings import Output, ProgressMode

PLAIN_INTERVAL_S = 30.0


class Display(StrEnum):
    """What is really drawn."""

    BAR = "bar"
    PLAIN = "plain"
    LOG = "log"
    NONE = "none"


def choose_display(mode: ProgressMode, output: Output, *, is_terminal: bool) -> Display:
    """Return what to draw where progress goes (standard error).

    Beside NDJSON, which is what the log is when it goes to no terminal, only a log line
    can stand: hence LOG for "auto".
    """
    match mode:
        case ProgressMode.NONE:
            return Display.NONE
        case ProgressMode.PLAIN:
            return Display.PLAIN
        case ProgressMode.BAR:
            return Display.BAR if is_terminal else Display.PLAIN
        case ProgressMode.AUTO if output is Output.QUIET:
            return Display.NONE
        case ProgressMode.AUTO:
            return Display.BAR if is_terminal else Display.LOG


@contextmanager
def shown(
    progress: Progress,
    display: Display,
    stream: TextIO,
    *,
    interval_s: float = PLAIN_INTERVAL_S,
) -> Iterator[None]:
    """Show the progress on the stream while the block runs."""
    match display:
        case Display.NONE:
            yield
        case Display.BAR:
            # Here and not above: rich is imported only where something is drawn.
            from batch_register.cli.bar import live_bar  # noqa: PLC0415

            with live_bar(progress, stream, os.environ):
                yield
        case Display.PLAIN:
            with _every(interval_s, lambda: _say(progress.standing(), stream)):
                yield
            _say(progress.standing(), stream)
        case Display.LOG:
            with _every(interval_s, lambda: _log(progress.standing())):
                yield


@contextmanager
def _every(interval_s: float, tell: Callable[[], None]) -> Iterator[None]:
    """Tell again and again from a thread, even while the run waits for the cloud."""
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(interval_s):
            with suppress(Exception):
                tell()

    teller = threading.Thread(target=go_on, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join(timeout=interval_s)


def plain_line(standing: Standing) -> str:
    """Return counts, pace, the weightiest hold-up and the last trouble in one line."""
    parts = [standing.line(), *(tidy(sentence) for sentence in standing.holdups[:1])]
    if standing.troubles:
        last = standing.troubles[0]
        parts.append(f"last: {tidy(last.key)}: {tidy(last.reason)}")
    return "; ".join(parts)


def _say(standing: Standing, stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        stream.write(f"{plain_line(standing)}\n")
        stream.flush()


def _log(standing: Standing) -> None:
    left = standing.time_left
    structlog.get_logger().info(
        "run.progress",
        total=standing.total,
        settled=standing.settled,
        images_per_hour=round(standing.images_per_hour, 1),
        time_left_s=None if left is None else round(left.total_seconds()),
        unfinished=sum(standing.counts[phase] for phase in IN_FLIGHT),
        **{str(phase): standing.counts[phase] for phase in Phase},
        **({"holdup": standing.holdups[0]} if standing.holdups else {}),
        **({"looking": standing.looking} if standing.looking else {}),
        **_sending(standing),
    )


def _sending(standing: Standing) -> dict[str, object]:
    """Return what a log line says of the uploads under way, nothing of none."""
    sending = standing.sending
    if sending is None:
        return {}
    left = sending.time_left
    return {
        "upload_sent_bytes": sending.sent_bytes,
        "upload_total_bytes": sending.total_bytes,
        "upload_bytes_per_s": round(sending.bytes_per_s),
        "upload_time_left_s": None if left is None else round(left.total_seconds()),
    }
