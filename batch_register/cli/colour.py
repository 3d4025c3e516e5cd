"""Whether a stream is to be coloured.

Decides: that a terminal is, unless somebody asked for none. Must not know: what is
coloured, and how.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO


def is_coloured(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether colours may go to this stream; NO_COLOR counts (no-color.org)."""
    wanted = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return wanted and stream.isatty()
