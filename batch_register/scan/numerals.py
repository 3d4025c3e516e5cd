"""Numbers as people and spreadsheets write them: separators, decimals, units.

Decides: how a cell is read as an amount of memory or disk, and when it can be read in
two ways. Must not know: tables, columns.
"""

from __future__ import annotations

import math
import re
from enum import IntEnum
from typing import Final

_LONGEST: Final = 40  # characters of a cell that may be a number

_SHAPE: Final = re.compile(
    r"(?P<number>[0-9][0-9.,'\u2019 \u00a0\u202f]*)(?P<unit>[A-Za-z]*)", re.ASCII
)
_GROUPED: Final = re.compile(
    r"[0-9]{1,3}(?:(?P<mark>[.,' ])[0-9]{3})(?:(?P=mark)[0-9]{3})*"
)
_DECIMAL: Final = re.compile(r"[0-9]+[.,][0-9]+")
_BOTH: Final = re.compile(r"[0-9]{1,3}(?:([.,' ])[0-9]{3})+(?!\1)[.,][0-9]+")


class Unit(IntEnum):
    """Units of memory and disks, in bytes; those of hypervisors are binary."""

    BYTE = 1
    KIB = 2**10
    MIB = 2**20
    GIB = 2**30
    TIB = 2**40


# RVTools wrote MB and meant MiB before it wrote MiB; a decimal reading would be too small.
UNITS: Final = {
    **dict.fromkeys(("b", "byte", "bytes"), Unit.BYTE),
    **dict.fromkeys(("k", "kb", "kib"), Unit.KIB),
    **dict.fromkeys(("m", "mb", "mib"), Unit.MIB),
    **dict.fromkeys(("g", "gb", "gib"), Unit.GIB),
    **dict.fromkeys(("t", "tb", "tib"), Unit.TIB),
}


def amount_bytes(text: str, usual: Unit) -> int:
    """Return the bytes that a cell tells; its own unit wins over the `usual` one.

    Of a unit of MiB or below, a mark before three digits parts thousands: nobody writes
    a thousandth of a MiB.

    Raises:
        ValueError: it is no number, or one that can be read in two ways; says which.
    """
    found = _SHAPE.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError(_no_number())
    unit = usual
    if found["unit"]:
        if found["unit"].lower() not in UNITS:
            raise ValueError(_no_number())
        unit = UNITS[found["unit"].lower()]
    number = re.sub("[\u2019\u00a0\u202f]", " ", found["number"]).strip()
    return math.ceil(_number(number, has_parts=unit > Unit.MIB) * unit)


def _number(text: str, *, has_parts: bool) -> float:
    """Return a number; `has_parts` says whether parts of one are usual."""
    if text.isdecimal():
        return float(text)
    if grouped := _GROUPED.fullmatch(text):
        is_one_mark = len(re.findall("[.,]", text)) == 1
        if has_parts and is_one_mark:
            whole = re.sub("[^0-9]", "", text)
            other = re.sub("[.,]", ".", text)
            message = (
                f"can be read as {whole} and as {other}: write it without the "
                f"{grouped['mark']!r}"
            )
            raise ValueError(message)
        return float(re.sub("[^0-9]", "", text))
    if _DECIMAL.fullmatch(text):
        return float(text.replace(",", "."))
    if _BOTH.fullmatch(text):
        whole, _, part = text.replace(",", ".").rpartition(".")
        return float(f"{re.sub('[^0-9]', '', whole)}.{part}")
    raise ValueError(_no_number())


def _no_number() -> str:
    return 'must be a number such as 102400, "102,400" or "100 GB"'


def ceil_gib(size_bytes: int) -> int:
    """Return a size in GiB, rounded up: what `min_disk` counts in."""
    return -(-size_bytes // Unit.GIB)
