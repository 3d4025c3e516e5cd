"""What a survey came to, in the lines that a person reads.

Decides: how the figures read, and that what is foreign does nothing to a terminal. Must
not know: the terminal.
"""

from __future__ import annotations

from batch_register.preflight.summary import Summary, Unlooked
from batch_register.report.plain import printable

_MOST_SHOWN = 3  # reasons, or notices, one line each


def survey_lines(summary: Summary) -> list[str]:
    """Return what was looked at, then what was not and why, then what is worth a word."""
    if summary.gone is not None:
        return [unlooked_line(summary.gone.sentence())]
    return [
        _gist(summary),
        *_shortened([_unlooked(each) for each in summary.unlooked]),
        *_shortened([printable(each) for each in summary.notices]),
    ]


def unlooked_line(why: str) -> str:
    """Return that no source was looked at, and why."""
    return f"sources were not looked at: {printable(why)}"


def _gist(summary: Summary) -> str:
    looked = (
        f"{_count(summary.sources, 'source')} looked at in {summary.took_s:.1f} s, "
        f"{_count(summary.requests, 'request')}"
    )
    unlooked = sum(each.count for each in summary.unlooked)
    parts = [
        f"{summary.fit:,} fit" if summary.fit else "",
        f"{summary.faulty:,} must be mended" if summary.faulty else "",
        f"{summary.pinned:,} of active images" if summary.pinned else "",
        f"{unlooked:,} not looked at" if unlooked else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f"{looked}: {told}" if told else looked


def _unlooked(each: Unlooked) -> str:
    return f"{_count(each.count, 'source')} not looked at: {printable(each.reason)}"


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_SHOWN:
        return lines
    return [*lines[:_MOST_SHOWN], f"and {len(lines) - _MOST_SHOWN:,} more"]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
