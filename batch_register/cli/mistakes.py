"""A manifest's mistakes as text for one stream.

Decides: that secrets go and carets may be coloured. Must not know: how a problem is
found or laid out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

import click

from batch_register.cli.colour import is_coloured
from batch_register.errors import ManifestError
from batch_register.logs.redaction import redact_text
from batch_register.manifest import excerpt_text, render_problems


def mistakes_text(error: ManifestError, stream: TextIO) -> str:
    """Return every problem with its line and a caret, without a line break at the end."""
    paint = _bold_red if is_coloured(stream, os.environ) else str
    text = excerpt_text(Path(error.path))
    return render_problems(error, text, mask=redact_text, paint=paint).rstrip()


def _bold_red(text: str) -> str:
    return click.style(text, fg="red", bold=True)
