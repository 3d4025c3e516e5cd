"""`report`: results per image from ledgers alone, merged where they are shards.

Decides: which form, and where it goes. Must not know: what a ledger line looks like.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from batch_register.cli import candidates, stdout
from batch_register.cli.pages import Page
from batch_register.errors import SettingsError
from batch_register.ledger import is_ledger, read_ledger
from batch_register.report import table_form
from batch_register.report.fold import fold, source_of
from batch_register.report.plain import printable
from batch_register.report.rows import Report
from batch_register.report.write import FORMS, SUFFIXES, form_for, write_text

# The forms that show a report's notes themselves; for the others they go to stderr.
_WITH_NOTES = frozenset({"table", "markdown", "html"})


@click.command(
    "report",
    cls=Page,
    examples=(
        "report wave.ledger.jsonl",
        "report wave.ledger.jsonl -o wave.csv",
    ),
)
@click.argument(
    "ledgers",
    metavar="LEDGER...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
    shell_complete=candidates.ledgers,
)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMS)),
    help="How to write it; default: by the suffix of FILE, else a table.",
)
@click.option(
    "-o",
    "--output-file",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Write to FILE ({', '.join(SUFFIXES)}) instead of standard output.",
)
def command(ledgers: tuple[Path, ...], form: str | None, file: Path | None) -> None:
    """Show what became of every image, from LEDGER alone.

    Several ledgers, the shards of one manifest, make one report.
    """
    if file is not None:
        _refuse_ledger(file)
    form = form or (form_for(file) if file is not None else "table")
    report = _fold(ledgers)
    if form not in _WITH_NOTES:
        for note in report.notes:
            click.echo(f"note: {printable(note)}", err=True)
    if file is not None:
        asyncio.run(write_text(FORMS[form](report), file))
    else:
        stdout.write_pieces(_for_stdout(report, form))


def _refuse_ledger(file: Path) -> None:
    """Raise SettingsError where the report would take a ledger's place, be it any."""
    if file.is_file() and is_ledger(file):
        message = f"{file}: the report would overwrite a ledger"
        raise SettingsError(message, hint="give -o another name")


def _fold(ledgers: tuple[Path, ...]) -> Report:
    """Return the report over the ledgers, each read once."""
    paths = dict.fromkeys(ledgers)
    return fold([source_of(str(path), read_ledger(path)) for path in paths])


def _for_stdout(report: Report, form: str) -> Iterable[str]:
    if form == "table" and sys.stdout.isatty():
        return [table_form.render(report, width=shutil.get_terminal_size().columns)]
    return FORMS[form](report)
