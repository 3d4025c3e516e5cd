"""`man`: the manual page, for packagers and for whoever likes to read one.

Decides: its date. Must not know: what it says.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from importlib import import_module

import click

from batch_register import __version__
from batch_register.cli import COMMANDS, GROUP, stdout
from batch_register.cli.manual import manual_page
from batch_register.cli.pages import Page


@click.command(
    "man",
    cls=Page,
    examples=(
        "man > ~/.local/share/man/man1/batch-register.1",
        "man | man -l -",
    ),
)
def command() -> None:
    """Print the manual page.

    It is made from the commands' own help. With SOURCE_DATE_EPOCH it is the same, byte
    for byte, whenever it is made.
    """
    pages = [import_module(f"batch_register.cli.{name}").command for name in COMMANDS]
    date = _date(os.environ.get("SOURCE_DATE_EPOCH", ""))
    stdout.write(manual_page(GROUP, pages, version=__version__, date=date))


def _date(epoch_s: str) -> datetime:
    """Return the moment that reproducible builds name, else now (UTC).

    Source: reproducible-builds.org, "SOURCE_DATE_EPOCH".
    """
    try:
        return datetime.fromtimestamp(int(epoch_s), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)
