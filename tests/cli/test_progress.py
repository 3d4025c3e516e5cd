"""Progress: the display that fits the place, and never a reason to stop a run."""

from __future__ import annotations

import io
import re
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, TextIO, cast

import pytest
import structlog
from rich.console import Console
from structlog.testing import capture_logs
from structlog.typing import EventDict, WrappedLogger

from batch_register.cli.bar import ForgivingStream, LinesAbove
from batch_register.cli.display import Display, choose_display, plain_line, shown
from batch_register.cli.progress import Progress
from batch_register.entry import EntryRecord, EntryState
from batch_register.event import ImageFailed, SourceUploaded
from batch_register.logs import LogPlan, configured
from batch_register.model import Action, EntryKey, Fault, FaultKind, ImageId
from batch_register.settings import Output, ProgressMode
from batch_register.stage import Active, Failed

FAULT = Fault(
    kind=FaultKind.JOB_FAILED,
    code="IMG.0100",
    reason="bad \x1b[31mfile\r\n token=abc123abc123",
    action=Action.FIX_SOURCE,
)
EVENT = ImageFailed(error=FAULT, stage="job")
FAILED = EntryRecord(key=EntryKey("web-02"), stage=Failed(fault=FAULT))
ACTIVE = EntryRecord(
    key=EntryKey("web-01"),
    stage=Active(image_id=ImageId("i"), job_id=None, size_bytes=1),
)
SHOWN_TROUBLE = r"web-02: IMG.0100: bad \x1b[31mfile\x0d\x0a token=***"


def now() -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC)


class Witness(io.StringIO):
    """A stream that says when somebody wrote to it."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self.was_written = threading.Event()
        self._is_terminal = is_terminal

    def write(self, text: str) -> int:
        count = super().write(text)
        self.was_written.set()
        return count

    def isatty(self) -> bool:
        return self._is_terminal


class Gone(Witness):
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        self.was_written.set()
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


def play(progress: Progress) -> None:
    progress.start([replace(ACTIVE, key=EntryKey("web-00"))])
    progress.entry_moved(ACTIVE, EVENT)
    progress.entry_moved(FAILED, EVENT)
    progress.noticed("service.throttled", code="APIGW.0308", wait_s=1.5)


# ------------------------------------------------------------ which display


@pytest.mark.parametrize(
    ("mode", "output", "terminal", "elsewhere"),
    [
        ("auto", "table", Display.BAR, Display.LOG),
        ("auto", "json", Display.BAR, Display.LOG),
        ("auto", "quiet", Display.NONE, Display.NONE),
        ("bar", "quiet", Display.BAR, Display.PLAIN),
        ("plain", "table", Display.PLAIN, Display.PLAIN),
        ("none", "table", Display.NONE, Display.NONE),
    ],
)
def test_the_display_fits_the_place(
    mode: str, output: str, terminal: Display, elsewhere: Display
) -> None:
    for is_terminal, expected in ((True, terminal), (False, elsewhere)):
        found = choose_display(
            ProgressMode(mode), Output(output), is_terminal=is_terminal
        )
        assert found is expected


# ------------------------------------------------------------ plain and log


@pytest.mark.fault(37, 39)
def test_plain_lines_carry_no_control_characters_and_no_secret() -> None:
    stream = Witness()
    progress = Progress(4, now)
    with shown(progress, Display.PLAIN, stream):
        play(progress)
    assert stream.getvalue() == (
        "3/4: 2 active, 1 failed, 1 pending; 3600 images/h; "
        f"next call in 2 s: throttled (APIGW.0308); last: {SHOWN_TROUBLE}\n"
    )


def test_a_plain_line_says_how_far_looks_and_uploads_are() -> None:
    stream = Witness()
    progress = Progress(4, now)
    with shown(progress, Display.PLAIN, stream):
        progress.noticed("preflight.progress", done=120, total=1000)
        progress.noticed("upload.progress", key="a", sent_bytes=0, total_bytes=2048)
        progress.noticed("upload.progress", key="a", sent_bytes=1024, total_bytes=2048)
    assert stream.getvalue() == (
        "0/4: sources looked at 120/1000; 1 uploading, 3 pending; "
        "uploading 1 file: 1.0 KiB of 2.0 KiB, 1.0 KiB/s, about 1 min left\n"
    )


def test_a_look_that_is_over_and_an_upload_that_is_complete_leave_the_line() -> None:
    progress = Progress(1, now)
    progress.noticed("preflight.progress", done=1, total=1)
    progress.noticed("preflight.done", line="1 source looked at")
    progress.noticed("upload.progress", key="web-01", sent_bytes=1, total_bytes=2)
    pending = EntryRecord(key=EntryKey("web-01"))
    complete = SourceUploaded(etag="e", size_bytes=2, sent_bytes=1)
    progress.entry_moved(pending, complete)
    assert plain_line(progress.standing()) == "0/1: 1 pending"


def test_beside_a_log_uploads_are_figures() -> None:
    said = threading.Event()

    def note(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        said.set()
        return event

    progress = Progress(1, now)
    progress.noticed("upload.progress", key="a", sent_bytes=0, total_bytes=2048)
    progress.noticed("upload.progress", key="a", sent_bytes=1024, total_bytes=2048)
    with (
        capture_logs(processors=[note]) as lines,
        shown(progress, Display.LOG, sys.stderr, interval_s=0.001),
    ):
        assert said.wait(timeout=10)
    figures = {name: value for name, value in lines[0].items() if "upload_" in name}
    assert figures == {
        "upload_sent_bytes": 1024,
        "upload_total_bytes": 2048,
        "upload_bytes_per_s": 1024,
        "upload_time_left_s": 1,
    }


def test_plain_lines_appear_while_nothing_moves() -> None:
    stream = Witness()
    progress = Progress(4, now)
    with shown(progress, Display.PLAIN, stream, interval_s=0.001):
        assert stream.was_written.wait(timeout=10)
    assert stream.getvalue().splitlines()[0] == "0/4: 4 pending"


def test_beside_a_log_progress_is_a_log_line() -> None:
    said = threading.Event()

    def note(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        said.set()
        return event

    progress = Progress(4, now)
    with (
        capture_logs(processors=[note]) as lines,
        shown(progress, Display.LOG, sys.stderr, interval_s=0.001),
    ):
        play(progress)
        for _ in range(2):  # the first may have been counted before the moves
            said.clear()
            assert said.wait(timeout=10)
    assert lines[-1] == {
        "event": "run.progress",
        "log_level": "info",
        "total": 4,
        "settled": 3,
        "images_per_hour": 3600.0,
        "time_left_s": None,
        "active": 2,
        "failed": 1,
        "conflict": 0,
        "unknown": 0,
        "unfinished": 0,
        "creating": 0,
        "registering": 0,
        "waiting": 0,
        "replacing": 0,
        "uploading": 0,
        "deferred": 0,
        "pending": 1,
        "holdup": "next call in 2 s: throttled (APIGW.0308)",
    }


def test_no_progress_writes_nothing() -> None:
    stream = Witness()
    progress = Progress(4, now)
    with shown(progress, Display.NONE, stream):
        play(progress)
    assert stream.getvalue() == ""
    assert progress.standing().settled == 3


# ------------------------------------------------------------ the bar


def test_a_log_line_stands_whole_above_the_bar() -> None:
    stream = Witness(is_terminal=True)
    progress = Progress(4, now)
    usual, sys.stderr = sys.stderr, stream
    try:
        with (
            configured(LogPlan(is_terminal=True)),
            shown(progress, Display.BAR, stream),
        ):
            structlog.get_logger().warning("image.failed", key="web-02 " * 40)
            play(progress)
    finally:
        sys.stderr = usual
    line = next(
        line for line in stream.getvalue().split("\n") if "image.failed" in line
    )
    assert line.count("web-02") == 40  # far wider than the terminal, and not broken
    assert re.search(r"\[warning  \] image.failed +key='web-02 ", line)
    assert "─" not in line


def test_what_comes_in_parts_is_shown_line_by_line_and_the_rest_at_the_end() -> None:
    stream = Witness(is_terminal=True)
    console = Console(file=cast("IO[str]", ForgivingStream(stream)))
    above = LinesAbove(console, stream)
    above.write("one\ntw")
    above.flush()
    assert stream.getvalue() == "one\n"
    above.write("o")
    above.end()
    above.end()
    assert stream.getvalue() == "one\ntwo\n"
    assert cast("TextIO", above).isatty()


@pytest.mark.fault(38)
@pytest.mark.parametrize("display", Display)
def test_a_terminal_that_vanishes_stops_nothing(display: Display) -> None:
    stream = Gone(is_terminal=True)
    progress = Progress(4, now)
    with shown(progress, display, stream, interval_s=0.001):
        play(progress)
        if display is Display.PLAIN:
            assert stream.was_written.wait(timeout=10)
    assert progress.standing().settled == 3


class Unreadable(EntryRecord):
    """A record whose state cannot be told."""

    @property
    def state(self) -> EntryState:
        message = "a bug"
        raise RuntimeError(message)


def test_a_bug_in_the_display_does_not_reach_the_run() -> None:
    progress = Progress(1, now)
    progress.entry_moved(Unreadable(key=EntryKey("a")), EVENT)
    assert progress.standing().line() == "0/1: 1 pending"


def test_a_clock_that_fails_leaves_the_bar_empty() -> None:
    times = iter([now()])
    stream = Witness(is_terminal=True)
    progress = Progress(4, lambda: next(times))
    with shown(progress, Display.BAR, stream):
        progress.entry_moved(ACTIVE, EVENT)
    assert "pending" not in stream.getvalue()
