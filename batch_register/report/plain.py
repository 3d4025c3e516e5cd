"""Foreign text made fit for a screen or a ticket, and figures in words.

Decides: which characters are shown as they are, how wide text is, how sizes and
durations read. Must not know: what a report holds.

Names, reasons and labels come from manifests and from the service. A control character
in them could redraw a terminal, and a bidirectional override could swap what is read;
both are shown as escapes (Unicode Technical Report 36, "Unicode Security
Considerations").
"""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate

# C0 and C1 controls, line and paragraph separators, bidirectional marks and
# overrides, the byte order mark, lone surrogates, which no file can hold, and the two
# noncharacters that XML forbids (XML 1.0, production 2, "Char").
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
    "\ufffe\uffff\ud800-\udfff]"
)
_ONE_BYTE = 0xFF
_UNITS = ("KiB", "MiB", "GiB", "TiB")
_UNIT_BITS = 10  # each unit is 1024 of the one before
_MINUTE_S = 60
_HOUR_S = 3600


def printable(text: str) -> str:
    """Return text on one line, without any character that could act on a screen."""
    if text.isascii() and text.isprintable():
        return text
    return _UNFIT.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= _ONE_BYTE else f"\\u{code:04x}"


def width_of(text: str) -> int:
    """Return how many terminal cells printable text takes (Unicode Annex 11)."""
    if text.isascii():
        return len(text)
    return sum(_cell_width(character) for character in text)


def _cell_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0  # drawn on the character before it
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def clip(text: str, width: int) -> str:
    """Return text in at most `width` cells, with an ellipsis where it was cut."""
    if width_of(text) <= width:
        return text
    room = width - 1  # for the ellipsis
    used = accumulate(map(_cell_width, text))
    end = next(place for place, cells in enumerate(used) if cells > room)
    return text[:end] + "…"


def pad(text: str, width: int) -> str:
    """Return text filled with spaces up to `width` cells."""
    return text + " " * (width - width_of(text))


def size_words(size_bytes: int | None) -> str:
    """Return a size for a person, empty where it is not known."""
    if size_bytes is None:
        return ""
    if size_bytes < 1 << _UNIT_BITS:
        return f"{size_bytes} B"
    power = min((size_bytes.bit_length() - 1) // _UNIT_BITS, len(_UNITS))
    return f"{size_bytes / (1 << power * _UNIT_BITS):.1f} {_UNITS[power - 1]}"


def share_words(part_bytes: int, whole_bytes: int) -> str:
    """Return how much of a whole there is, for a person."""
    return f"{size_words(part_bytes)} of {size_words(whole_bytes)}"


def duration_words(duration_s: float | None) -> str:
    """Return a duration for a person, empty where it is not known."""
    if duration_s is None:
        return ""
    tenths = round(duration_s * 10)
    if tenths < _MINUTE_S * 10:
        return f"{tenths / 10:.1f}s"
    whole_s = round(duration_s)
    minutes, seconds = divmod(whole_s, _MINUTE_S)
    if whole_s < _HOUR_S:
        return f"{minutes}m{seconds:02d}s"
    hours, minutes = divmod(minutes, _MINUTE_S)
    return f"{hours}h{minutes:02d}m"
