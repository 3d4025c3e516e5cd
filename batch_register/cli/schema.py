"""`schema`: the manifest's JSON Schema.

Decides: where it goes. Must not know: what it says.
"""

from __future__ import annotations

from pathlib import Path

import click

from batch_register.cli import stdout
from batch_register.errors import SettingsError
from batch_register.manifest.editor_schema import schema_text


@click.command("schema")
@click.option(
    "-o",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write to FILE instead of standard output.",
)
def command(file: Path | None) -> None:
    """Print the JSON Schema of a manifest, for editors and checks."""
    text = schema_text()
    if file is None:
        stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{file}: cannot be written: {error.strerror or error}"
        raise SettingsError(message, hint="choose another file with -o") from error
