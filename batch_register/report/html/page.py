"""The page as text: the template filled in, piece by piece.

Decides: how foreign text gets onto the page. Must not know: files, what is listed.

Every value is made printable, then escaped, wherever a template puts it: neither markup
nor a control character nor a bidirectional override gets through by being forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from batch_register import __version__
from batch_register.entry import EntryState
from batch_register.report.advice import advice
from batch_register.report.chronicle import Chronicle
from batch_register.report.digest import by_state, headline, verdict
from batch_register.report.html.contents import contents
from batch_register.report.html.scale import clock
from batch_register.report.plain import clip, duration_words, printable, size_words
from batch_register.report.rows import Report
from batch_register.report.story import passage_words, pin_words

_PARTS_PER_PIECE = 5_000  # of the template's text: some 100 KB
_LONGEST_CELL = 300  # characters of an address or a reason in a table

_NOUGHTS = re.compile(r"\.0(?=s$)|(?<=[mh])00[sm]$")


def _finalized(value: Any) -> Any:  # noqa: ANN401 - whatever a template names
    """Return a value as it may be escaped and shown."""
    if value is None:
        return ""
    if isinstance(value, Markup):
        return value
    return printable(str(value))


def _short(text: str | None) -> str:
    """Return foreign text cut to what a table's cell may hold."""
    return clip(printable(text or ""), _LONGEST_CELL)


def _edge(duration_s: float) -> str:
    """Return a round duration without its noughts."""
    return _NOUGHTS.sub("", duration_words(duration_s))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("batch_register.report.html", "templates"),
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        size=size_words,
        lasting=duration_words,
        edge=_edge,
        clock=clock,
        short=_short,
        seen=pin_words,
        told=passage_words,
    )
    environment.globals.update(advice=advice, version=__version__)
    return environment


def render(report: Report, chronicle: Chronicle, *, rendered_at: datetime) -> str:
    """Return the whole page."""
    return "".join(pieces(report, chronicle, rendered_at=rendered_at))


def pieces(
    report: Report, chronicle: Chronicle, *, rendered_at: datetime
) -> Iterator[str]:
    """Yield the page's text, some at a time: of a long one no two copies exist."""
    stream = (
        _environment()
        .get_template("page.html.j2")
        .stream(
            page=contents(report, chronicle),
            report=report,
            counts=[
                (EntryState.ACTIVE, report.summary.active),
                *by_state(report.summary),
            ],
            headline=headline(report),
            verdict=verdict(report),
            rendered_at=f"{rendered_at:%Y-%m-%d %H:%M:%S}",
        )
    )
    stream.enable_buffering(_PARTS_PER_PIECE)
    return iter(stream)
