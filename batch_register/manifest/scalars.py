"""What a plain (unquoted) YAML scalar means: the core schema of YAML 1.2.2, 10.3.2.

Decides: `no`, `1:30` and `2026-01-31` are text, `0123` is the number 123, `0o17` is 15
and `1234e56` is a number. A field that holds text never takes a number silently: the
schema refuses it and asks for quotes. Must not know: fields, places, events.
"""

from __future__ import annotations

import re

Value = str | int | float | bool | None

# A plain scalar that begins with none of these is text: the quick way out.
SUSPECT_FIRST = frozenset("-+.0123456789~ntfNTF")

# Longer numbers saturate: every range of the schema ends far below, and Python takes
# quadratic time over the digits.
_MAX_DIGITS = 30
_SATURATED = 10**_MAX_DIGITS

_WORDS: dict[str, Value] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_WHOLE = (
    (re.compile(r"[-+]?[0-9]+"), 10),
    (re.compile(r"0o[0-7]+"), 8),
    (re.compile(r"0x[0-9a-fA-F]+"), 16),
)


def resolve(text: str) -> Value:
    """Return the value of a plain scalar by the core schema.

    Whole numbers of more than 30 digits become plus or minus 10**30.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in SUSPECT_FIRST:
        return text
    if text.isdecimal() and text.isascii():  # as nearly all of them are
        return _whole(text, 10)
    for pattern, base in _WHOLE:
        if pattern.fullmatch(text):
            return _whole(text, base)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _whole(text: str, base: int) -> int:
    """Return a whole number, saturated where it has too many digits."""
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-0ox") or "0"
    return sign * (int(digits, base) if len(digits) <= _MAX_DIGITS else _SATURATED)
