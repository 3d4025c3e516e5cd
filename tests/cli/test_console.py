"""Standard error is shared: what the bar leaves to the log, and the settings to both."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from batch_register.cli.console import display_for, log_plan
from batch_register.cli.display import Display
from batch_register.logs import LogPlan
from batch_register.settings import Settings


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


ELSEWHERE = io.StringIO()
TERMINAL = Terminal()


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("stream", "environ", "display"),
    [
        (TERMINAL, {"TERM": "xterm"}, Display.BAR),
        (TERMINAL, {}, Display.BAR),
        (TERMINAL, {"TERM": "dumb"}, Display.LOG),
        (ELSEWHERE, {"TERM": "xterm"}, Display.LOG),
    ],
)
def test_a_bar_needs_a_terminal_that_can_draw(
    stream: io.StringIO, environ: dict[str, str], display: Display
) -> None:
    resolved = Settings.resolve({}, {}, None)
    assert display_for(resolved, stream, environ) is display


@pytest.mark.parametrize(
    ("flags", "stream", "environ", "expected"),
    [
        ({}, ELSEWHERE, {}, LogPlan()),
        (
            {},
            TERMINAL,
            {},
            LogPlan(is_terminal=True, has_colour=True, stream_level="warning"),
        ),
        (
            {"log_level": "info", "log_file": "a.log"},
            TERMINAL,
            {},
            LogPlan(is_terminal=True, has_colour=True, log_file=Path("a.log")),
        ),
        (
            {"progress": "none"},
            TERMINAL,
            {"NO_COLOR": "1"},
            LogPlan(is_terminal=True),
        ),
        (
            {"progress": "none"},
            TERMINAL,
            {"TERM": "dumb", "NO_COLOR": ""},
            LogPlan(is_terminal=True),
        ),
        ({"output": "quiet"}, ELSEWHERE, {}, LogPlan(stream_level="error")),
        (
            {"output": "quiet", "log_level": "debug"},
            ELSEWHERE,
            {},
            LogPlan(level="debug"),
        ),
    ],
)
def test_beside_a_bar_only_warnings_when_quiet_only_errors_unless_a_level_was_chosen(
    flags: dict[str, object],
    stream: io.StringIO,
    environ: dict[str, str],
    expected: LogPlan,
) -> None:
    resolved = Settings.resolve(flags, {}, None)
    display = display_for(resolved, stream, environ)
    assert log_plan(resolved, display, stream, environ) == expected
