"""Takes secrets out of whatever is about to be shown: by key, shape, place, or value.

Decides: what looks like a secret; in doubt it is one. Must not know: where the text
goes. Every pattern is bounded, so that hostile text costs linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

MASK = "***"
_LONGEST_TEXT = 16_384  # characters of one value; the rest is cut off
_DEEPEST = 8
_SHORTEST_KNOWN = 8  # characters

_WORDS = (
    "token|passw(?:or)?d|passphrase|secret|authori[sz]ation|credential|signature"
    "|api[_-]?key|access[_-]?key|private[_-]?key|cookie"
)
_SECRET_KEY = re.compile(rf"{_WORDS}|^(?:ak|sk|auth)$", re.IGNORECASE)
_HEADERS = (
    "x-(?:auth|subject|security|obs-security|amz-security)-token"
    "|(?:proxy-)?authorization|(?:set-)?cookie"
)
_NAMES = rf"(?:(?:{_WORDS})[\w-]{{0,40}}|(?<![a-z0-9])(?:ak|sk))"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # A header as text: everything up to the end of the line or quote.
        (rf"\b({_HEADERS})(\"?'?\s{{0,4}}:\s{{0,4}}\"?'?)[^\r\n\"']+", rf"\1\2{MASK}"),
        # name=value in a query, a form or a signature header.
        (rf"({_NAMES}=[\"']?)[^\s&,;\"']+", rf"\1{MASK}"),
        # "name": "value" in JSON, or as Python writes a mapping.
        (rf"({_NAMES}[\"']\s{{0,4}}:\s{{0,4}}[\"'])(?:\\.|[^\"'\\])+", rf"\1{MASK}"),
        # ... and a token one level deeper, as it is exchanged for another.
        (
            r"(token[\"']\s{0,4}:\s{0,4}\{\s{0,4}[\"']id[\"']\s{0,4}:\s{0,4}[\"'])[^\"']+",
            rf"\1{MASK}",
        ),
        (
            r"(\b[a-z][a-z0-9+.-]{0,20}:/{1,2})[^\s/@:]{0,200}:[^\s/@]{1,500}@",
            rf"\1{MASK}@",
        ),
        (r"\b(bearer|basic)\s{1,4}[\w.~+/=-]{8,}", rf"\1 {MASK}"),
        # Shapes of tokens: Keystone's Fernet, JSON Web Tokens, signed PKI messages.
        (r"\bgAAAA[\w-]{20,}={0,2}|\beyJ[\w-]{10,}\.[\w.-]+|\bMII[\w+/=-]{60,}", MASK),
    )
)


# This process's own secrets; they only ever become more.
_KNOWN: set[str] = set()


def keep_secret(*values: str) -> None:
    """Mask these values from now on, whatever stands around them.

    Those that are shorter than eight characters are too common to be told from words.
    """
    _KNOWN.update(value for value in values if len(value) >= _SHORTEST_KNOWN)


def redact_text(text: str) -> str:
    """Return the text without what is, or looks like, a secret in it."""
    for value in _KNOWN:
        text = text.replace(value, MASK)
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]} (cut off)"
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact(value: object, depth: int = 0) -> object:
    """Return a copy of plain data without secrets; other objects become text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping | Sequence | set | frozenset) and not isinstance(
        value, str | bytes | bytearray
    ):
        return _redact_items(value, depth + 1) if depth < _DEEPEST else "(too deep)"
    match value:
        case bytes() | bytearray():
            return f"({len(value)} bytes)"
        case BaseException():
            return redact_text(repr(value))
        case _:
            return redact_text(str(value))


def _redact_items(value: Iterable[object], depth: int) -> object:
    if isinstance(value, Mapping):
        return {
            str(key): MASK if _is_secret(key, item) else redact(item, depth)
            for key, item in value.items()
        }
    return [redact(item, depth) for item in value]


def _is_secret(key: object, value: object) -> bool:
    """Return whether the key says "secret"; a bare yes or no gives nothing away."""
    return not isinstance(value, bool) and bool(_SECRET_KEY.search(str(key)))
