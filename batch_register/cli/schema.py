"""`schema`: the JSON Schemas of the documents that this tool reads and writes.

Decides: which there are, and where they go. Must not know: what they say. Each is loaded
when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from batch_register.cli import stdout
from batch_register.cli.pages import Page
from batch_register.errors import SettingsError


def _manifest() -> Mapping[str, object]:
    from batch_register.manifest.editor_schema import json_schema  # noqa: PLC0415 - see above

    return json_schema()


def _report() -> Mapping[str, object]:
    from batch_register.report.json_schema import REPORT  # noqa: PLC0415 - see above

    return REPORT


def _history() -> Mapping[str, object]:
    from batch_register.report.json_schema import STORY  # noqa: PLC0415 - see above

    return STORY


def _ledger() -> Mapping[str, object]:
    from batch_register.ledger.line_schema import line_schema  # noqa: PLC0415 - above

    return line_schema()


DOCUMENTS: dict[str, Callable[[], Mapping[str, object]]] = {
    "manifest": _manifest,
    "report": _report,
    "history": _history,
    "ledger": _ledger,
}


@click.command("schema", cls=Page, examples=("schema -o manifest.schema.json",))
@click.argument("document", type=click.Choice(list(DOCUMENTS)), default="manifest")
@click.option(
    "-o",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write to FILE instead of standard output.",
)
def command(document: str, file: Path | None) -> None:
    """Print the JSON Schema of a document, for editors and checks.

    The manifest's where none is named. `report` and `history` are the JSON forms of
    these commands, `ledger` is one line of a ledger.
    """
    text = json.dumps(DOCUMENTS[document](), indent=2, ensure_ascii=True) + "\n"
    if file is None:
        stdout.write(text)
        return
    _refuse_ledger(file)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{file}: cannot be written: {error.strerror or error}"
        raise SettingsError(message, hint="choose another file with -o") from error


def _refuse_ledger(file: Path) -> None:
    """Raise SettingsError where the schema would take a ledger's place."""
    # Here and not above: help need not wait for a ledger's reader.
    from batch_register.ledger import is_ledger  # noqa: PLC0415

    if file.is_file() and is_ledger(file):
        message = f"{file}: the schema would overwrite a ledger"
        raise SettingsError(message, hint="give -o another name")
