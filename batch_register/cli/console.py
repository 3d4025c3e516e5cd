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
    """Return what is logged: beside a bar warnings, and for quiet runs only errors.

    A warning of a run that ends well is no reason for a scheduler's mail. A level that
    somebody chose holds everywhere.
    """
    settings = resolved.settings
    if resolved.is_chosen("log_level"):
        stream_level = None
    elif settings.output is Output.QUIET:
        stream_level = "error"
    else:
        stream_level = "warning" if display is Display.BAR else None
    is_terminal = stream.isatty()
    return LogPlan(
        level=settings.log_level,
        is_terminal=is_terminal,
        has_colour=is_coloured(stream, environ),
        stream_level=stream_level,
        log_file=settings.log_file,
    )
