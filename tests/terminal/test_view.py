"""The live view on a screen: in an emulator, and in tmux while the window changes."""

from __future__ import annotations

import functools
import io
import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyte
import pytest

from batch_register.cli.bar import folds_lines, rows_by_folding
from batch_register.cli.display import Display, shown
from batch_register.cli.progress import Progress
from batch_register.entry import EntryRecord
from batch_register.event import ImageFailed
from batch_register.model import Action, EntryKey, Fault, FaultKind, ImageId, JobId
from batch_register.stage import Active, Failed, Registered
from tests.terminal.conftest import Terminal

START = datetime(2026, 3, 1, tzinfo=UTC)
FAULT = Fault(
    kind=FaultKind.JOB_FAILED, code="IMG.1075", reason="bad", action=Action.FIX_SOURCE
)
EVENT = ImageFailed(error=FAULT, stage="job")
IMAGE = ImageId("image")
COMMAND = [sys.executable, "-m", "batch_register", "run", "wave.yaml", "--simulate"]


class Screen(io.StringIO):
    """A terminal whose screen can be looked at."""

    def __init__(self, columns: int, rows: int) -> None:
        super().__init__()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)

    encoding = "utf-8"

    def write(self, text: str) -> int:
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def isatty(self) -> bool:
        return True

    def rows(self) -> list[str]:
        return [row.rstrip() for row in self._screen.display if row.strip()]

    def colours(self) -> set[str]:
        buffer = self._screen.buffer
        return {cell.fg for row in buffer.values() for cell in row.values()}


def play(progress: Progress) -> None:
    for key, stage in (
        ("web-01", Active(image_id=IMAGE, job_id=None, size_bytes=7)),
        ("web-02", Failed(fault=FAULT)),
        ("web-03", Registered(image_id=IMAGE, job_id=JobId("job"))),
    ):
        progress.entry_moved(EntryRecord(key=EntryKey(key), stage=stage), EVENT)
    progress.noticed("service.throttled", code="APIGW.0308", wait_s=12)


def drawn(
    monkeypatch: pytest.MonkeyPatch, columns: int, height: int, **environ: str
) -> tuple[Screen, list[str]]:
    """Return the screen after a run, and its rows while a log line stood there."""
    size = {"COLUMNS": str(columns), "LINES": str(height)}
    for name, value in {"TERM": "xterm-256color", **size, **environ}.items():
        monkeypatch.setenv(name, value)
    screen = Screen(columns, height)
    progress = Progress(5, lambda: START)
    play(progress)
    with shown(progress, Display.BAR, screen):
        sys.stderr.write("a log line\n")
        rows = screen.rows()
        assert environ or "green" in screen.colours()
        assert not environ or screen.colours() == {"default"}
    return screen, rows


@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}])
def test_the_screen_holds_the_log_and_below_it_the_view(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    """With colours or without: the words are the same."""
    screen, rows = drawn(monkeypatch, 60, 24, **environ)
    assert rows == [
        "a log line",
        f"{'━' * 18}{'─' * 28}  2/5  40 %",
        "1 active, 1 failed, 1 waiting, 2 pending",
        "3600 images/h, 0 s elapsed",
        "next call in 12 s: throttled (APIGW.0308)",
        "slowest  waiting 0 s  web-03",
        "failed   web-02: IMG.1075: bad",
    ]
    assert screen.rows() == ["a log line"]  # the view leaves nothing behind


def test_a_small_screen_holds_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, rows = drawn(monkeypatch, 32, 8)
    assert rows == [
        "a log line",
        f"{'━' * 7}{'─' * 11}  2/5  40 %",
        "1 active, 1 failed, 1 waiting",
        "next call in 12 s: throttled",
        "(APIGW.0308)",
    ]
    assert screen.rows() == ["a log line"]


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (80, "uploading 1 file: 3.0 MiB of 9.0 MiB, 2.0 MiB/s, about 1 min left"),
        (40, "upload 3.0/9.0 MiB 2.0 MiB/s 1 min"),
    ],
)
def test_uploads_take_one_row_of_any_screen(
    monkeypatch: pytest.MonkeyPatch, columns: int, row: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    screen = Screen(columns, 24)
    progress = Progress(5, lambda: START)
    for sent_mib in (1, 3):
        facts = {"sent_bytes": sent_mib << 20, "total_bytes": 9 << 20}
        progress.noticed("upload.progress", key="web-01", **facts)
    with shown(progress, Display.BAR, screen):
        sys.stderr.write("a log line\n")
        assert row in screen.rows()


# ------------------------------------------------------------ another size


@pytest.mark.parametrize(
    ("widths", "columns", "rows"),
    [
        ([], 40, 0),
        ([0, 40], 40, 0),
        ([41, 39], 40, 1),
        ([79, 79, 30], 40, 2),
        ([199], 40, 4),
        ([5], 0, 4),
    ],
)
def test_what_a_narrower_terminal_folds_is_counted(
    widths: list[int], columns: int, rows: int
) -> None:
    assert rows_by_folding(widths, columns) == rows


@pytest.mark.parametrize(
    ("environ", "folds"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm", "XTERM_VERSION": "XTerm(379)"}, False),
        ({"TERM": "tmux", "XTERM_VERSION": "XTerm(379)", "TMUX": "/x"}, True),
        ({"TERM": "screen", "STY": "1.pts"}, False),
        ({"TERM": "linux"}, False),
    ],
)
def test_some_terminals_cut_lines_off_instead(
    environ: dict[str, str], *, folds: bool
) -> None:
    assert folds_lines(environ) is folds


def bars(rows: list[str]) -> list[str]:
    return [row for row in rows if row.startswith(("━", "─"))]


def clocks(rows: list[str]) -> list[str]:
    return [row for row in rows if row.endswith("elapsed")]


def has_other_clock(rows: list[str], than: list[str]) -> bool:
    return clocks(rows) != than


@pytest.mark.integration
def test_the_view_follows_a_window_that_changes_and_ends_clean(
    open_terminal: Callable[[str, int, int], Terminal], tmp_path: Path
) -> None:
    names = [f"web-{number:02}" for number in range(30)]
    images = "".join(f"  - {{name: {n}, object: {n}.qcow2}}\n" for n in names)
    (tmp_path / "wave.yaml").write_text(
        "version: 1\nname: wave\ndefaults: {bucket: bucket-1, min_disk: 40, "
        f"os_version: Ubuntu 22.04 server 64bit}}\nimages:\n{images}"
    )
    (tmp_path / "faults.yaml").write_text(
        "version: 1\nrules:\n"
        "  - {match: {route: image.create, image: web-03}, effect: {status: 400, "
        "body: ims, code: IMG.0056, message: The OS version is invalid.}}\n"
        'jobs:\n  - {object: "*:web-2*.qcow2", duration_s: 7200}\n'
    )
    command = shlex.join([*COMMAND, "--fault-script", "faults.yaml"])
    window = open_terminal(f"{command}; echo code $?; sleep 60", 80, 24)

    def is_drawn(rows: list[str], columns: int) -> bool:
        found = bars(rows)
        return len(found) == 1 and len(found[0]) < columns and found[0][-1] == "%"

    rows = window.until(lambda rows: is_drawn(rows, 78) and " failed" in "".join(rows))
    assert any(row.startswith("failed   web-03: HTTP 400 IMG.0056") for row in rows)

    for columns, height in ((40, 12), (200, 50), (60, 20), (100, 30), (80, 24)):
        # tmux tells of a size late that follows another one within a quarter of a second
        window.until(functools.partial(has_other_clock, than=clocks(window.rows())))
        window.resize(columns, height)
        window.until(functools.partial(is_drawn, columns=columns - 2))
        # what tmux pushes over the upper edge as it folds lines is out of reach
        window.tmux("clear-history")

    window.tmux("send-keys", "C-c")
    rows = window.until(lambda rows: any(row.startswith("code ") for row in rows))
    assert "code 130" in rows
    everything = window.rows(with_history=True)
    assert bars(everything) == []
    assert any("run.stopping" in row for row in everything)
