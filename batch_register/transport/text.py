"""Text from outside, made fit for a report, a log line and a terminal.

Decides: which characters survive and how much of a text is kept. Must not know: what
the text says.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from batch_register.transport.secrecy import masked

REASON_LIMIT: Final = 300  # characters: a paragraph; more is a page, not a reason


def plain_text(
    text: str, *, limit: int = REASON_LIMIT, secrets: Iterable[str] = ()
) -> str:
    """Return the text in one line, masked, escaped, and no longer than `limit`.

    Runs of white space become one blank; whatever is not printable (control, format
    and surrogate characters) is escaped, so that it cannot move a cursor, reverse a
    line or end it.
    """
    text = masked(text, secrets)
    # Cut first: escaping only lengthens, and the rest need not be looked at.
    line = " ".join(text.lstrip()[: 4 * limit].split())[: limit + 1]
    safe = "".join(_escaped(character) for character in line)
    return safe if len(safe) <= limit else f"{safe[: limit - 1]}…"


def _escaped(character: str) -> str:
    """Return the character, or its Python escape where it is not printable."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
