"""A real terminal for the tests here: tmux; skipped, loudly, where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_PATIENCE_S = 60.0
_GLANCE_S = 0.1


@dataclass(frozen=True)
class Terminal:
    """A window of a tmux server of its own."""

    socket: str
    environ: dict[str, str]

    def tmux(self, *arguments: str) -> str:
        """Tell the server something, and return what it answers."""
        ended = subprocess.run(
            ["tmux", "-L", self.socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            env=self.environ,
        )
        return ended.stdout

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def rows(self, *, with_history: bool = False) -> list[str]:
        """Return the text of every row that is not empty."""
        history = ("-S", "-") if with_history else ()
        text = self.tmux("capture-pane", "-p", *history)
        return [row for row in text.splitlines() if row.strip()]

    def until(self, holds: Callable[[list[str]], bool]) -> list[str]:
        """Return the rows once something holds of them.

        Raises:
            AssertionError: it did not within a minute.
        """
        end_s = time.monotonic() + _PATIENCE_S
        while not holds(rows := self.rows()):
            assert time.monotonic() < end_s, "\n".join(rows)
            time.sleep(_GLANCE_S)
        return rows


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Callable[[str, int, int], Terminal]]:
    """Return a function that runs a shell's command line in a window of a size."""
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux here")
    environ = {**os.environ, "TMUX_TMPDIR": str(tmp_path), "LANG": "C.UTF-8"}
    environ.pop("TMUX", None)
    terminal = Terminal("view", environ)

    def open_it(command: str, columns: int, rows: int) -> Terminal:
        size = ("-x", str(columns), "-y", str(rows))
        terminal.tmux("new-session", "-d", *size, "-c", str(tmp_path), command)
        return terminal

    yield open_it
    subprocess.run(
        ["tmux", "-L", terminal.socket, "kill-server"],
        env=environ,
        capture_output=True,
        check=False,
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the end what was not tested for want of a program."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "/terminal/" in f"/{report.nodeid}"
    ]
    if skipped:
        terminalreporter.write_sep("!", "TERMINAL OR SHELLS NOT TESTED", red=True)
        terminalreporter.write_line(
            f"{len(skipped)} tests were not run: install tmux, zsh and fish", red=True
        )
