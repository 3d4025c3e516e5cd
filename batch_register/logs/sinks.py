"""Places that take finished log lines, and never complain.

Decides: that a closed pipe or a full disk loses lines, not runs, and that the loss is
counted. Must not know: structlog, levels, what a line says.
"""

from __future__ import annotations

import sys
from typing import BinaryIO, TextIO


class StreamSink:
    """Writes lines to a text stream; without one to whatever standard error is now.

    Whoever draws a live display replaces `sys.stderr` meanwhile, so that lines appear
    above it: hence the look at the time of writing.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.lost_lines = 0

    def write(self, line: str) -> None:
        """Write one line."""
        stream = sys.stderr if self._stream is None else self._stream
        try:
            stream.write(f"{line}\n")
            stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            self.lost_lines += 1


class FileSink:
    """Appends lines to a file opened for appending, unbuffered: one call per line."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.lost_lines = 0

    def write(self, line: str) -> None:
        """Write one line."""
        try:
            self._file.write(f"{line}\n".encode(errors="backslashreplace"))
        except (OSError, ValueError):
            self.lost_lines += 1
