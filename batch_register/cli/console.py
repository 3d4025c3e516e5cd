"""Standard error of a run: how log and progress share it.

Decides: what is drawn and logged there, by the settings and by what it is. Must not
know: how either looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from batch_register.cli.colour import is_coloured
from batch_register.cli.display import Display, choose_display
from batch_register.logs import LogPlan
from batch_register.settings import Output, ResolvedSettings


def display_for(
    resolved: ResolvedSettings, stream: TextIO, environ: Mapping[str, str]
) -> Display:
    """Return how progress is to be shown on this stream."""
    can_draw = stream.isatty() and environ.get("TERM") != "dumb"
    settings = resolved.settings
    return choose_display(settings.progress, settings.output, is_terminal=can_draw)


def log_plan(
    resolved: ResolvedSettings,
    display: Display,
    stream: TextIO,
    environ: Mapping[str, str],
) -> LogPlan:
    """Return what is logged; beside a bar, and where quiet is wanted, only warnings.

    A level that somebody chose holds everywhere.
    """
    settings = resolved.settings
    hushed = display is Display.BAR or settings.output is Output.QUIET
    is_terminal = stream.isatty()
    return LogPlan(
        level=settings.log_level,
        is_terminal=is_terminal,
        has_colour=is_coloured(stream, environ),
        stream_level=(
            "warning" if hushed and not resolved.is_chosen("log_level") else None
        ),
        log_file=settings.log_file,
    )
