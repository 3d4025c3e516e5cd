"""How far a caret's tail goes: to the end of the key or value that begins at a place.

Decides: where a key or value ends, from its one line alone. Must not know: problems, how
a line is cut or shown.
"""

from __future__ import annotations

import re

# YAML 1.2.2, 7.3: quoted scalars, and plain ones outside and inside of [] and {}.
_QUOTED = re.compile(r""""(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?""")
_BLOCK = re.compile(r"(?:[^\s:#]|:(?=\S)|(?<=\S)#|[ \t]+(?=[^\s#:]|:\S))+")
_FLOW = re.compile(
    r"(?:[^\s:#,\[\]{}]|:(?=[^\s,\[\]{}])|(?<=\S)#"
    r"|[ \t]+(?=[^\s#:,\[\]{}]|:[^\s,\[\]{}]))+"
)
_IS_KEY = re.compile(r"[ \t]*:(?=\s|$)")
_MARKS = frozenset("[]{},:?-&*!|>%@`# \t")  # a place here is a sign, not a word


def underlined(line: str, column: int, message: str) -> int:
    """Return how many characters from `column` on, counted from 0, are underlined.

    At least 1. A map begins at its first key, which is not what is wrong with it: a key
    is underlined only where the message names it.
    """
    if column >= len(line) or _is_sign(line[column : column + 2]):
        return 1
    token = _QUOTED.match(line, column) or (
        _FLOW if _is_in_flow(line[:column]) else _BLOCK
    ).match(line, column)
    if token is None:
        return 1
    if _IS_KEY.match(line, token.end()) and f"`{token[0]}`" not in message:
        return 1
    return len(token[0])


def _is_sign(start: str) -> bool:
    """Return whether YAML takes the first character for a sign; "-1" is none."""
    return start[:1] in _MARKS and not re.fullmatch(r"-[^\s]", start)


def _is_in_flow(before: str) -> bool:
    """Return whether a list or map in brackets is open at the end of this text."""
    plain = _QUOTED.sub("", before)
    opened = sum(plain.count(sign) for sign in "[{")
    return opened > sum(plain.count(sign) for sign in "]}")
