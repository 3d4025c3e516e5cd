"""Standard output of the commands: whole, in order, and no drama when it is gone.

Decides: that a reader who left early changes no exit code. Must not know: what is
written.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TextIO

from batch_register.errors import BatchRegisterError

_TOKENS_PER_PIECE = 10_000  # some 100 KB


class StdoutLostError(BatchRegisterError):
    """What a command had to say could not be written: the disk is full, or the like."""

    reference = "stdout"
    exit_code = 74

    def __init__(self, error: OSError) -> None:
        message = f"standard output cannot be written: {error.strerror or error}"
        super().__init__(message, hint="look at where it was redirected")


def write(text: str) -> None:
    """Write text to standard output and flush it.

    A closed pipe is no error: whoever read it has seen enough.

    Raises:
        StdoutLostError: the text could not be written for another reason.
    """
    write_pieces((text,))


def write_pieces(pieces: Iterable[str]) -> None:
    """Write a text that comes in pieces, as `write` does.

    Raises:
        StdoutLostError: see `write`.
    """
    try:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        take_out_of_use(sys.stdout)
    except OSError as error:
        take_out_of_use(sys.stdout)
        raise StdoutLostError(error) from error


def write_json(document: object) -> None:
    """Write the one JSON document of a command.

    Raises:
        StdoutLostError: see `write`.
    """
    write_pieces(_json_pieces(document))


def _json_pieces(document: object) -> Iterator[str]:
    """Yield a document's text, some at a time: of a long one no two copies exist."""
    tokens = json.JSONEncoder(indent=2).iterencode(document)
    while some := list(islice(tokens, _TOKENS_PER_PIECE)):
        yield "".join(some)
    yield "\n"


def take_out_of_use(stream: TextIO) -> None:
    """Point a broken standard stream at nothing.

    Python flushes it once more on its way out, and would end with code 120.
    """
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)
