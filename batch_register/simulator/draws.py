"""Reproducible draws and identifiers, made from labels instead of a generator.

A value depends only on the seed and on what it is for, never on the order in which
requests happen to arrive, so that a concurrent run repeats exactly.
"""

from __future__ import annotations

from hashlib import blake2b

_FRACTION_BYTES = 7  # 56 bits: more than a float's mantissa can hold


def _digest(labels: tuple[object, ...], size_bytes: int) -> bytes:
    text = "\0".join(str(label) for label in labels)
    return blake2b(text.encode(), digest_size=size_bytes).digest()


def fraction(*labels: object) -> float:
    """Return a number in [0, 1) that the labels decide."""
    number = int.from_bytes(_digest(labels, _FRACTION_BYTES), "big")
    return (number >> 3) / (1 << 53)


def between(bounds: tuple[float, float], *labels: object) -> float:
    """Return a number inside the bounds that the labels decide."""
    low, high = bounds
    return low + (high - low) * fraction(*labels)


def hex_id(*labels: object) -> str:
    """Return 32 hex digits, the form of project, user and job ids."""
    return _digest(labels, 16).hex()


def uuid_id(*labels: object) -> str:
    """Return a lower-case dashed UUID (version 4 in shape), the form of image ids."""
    digits = list(hex_id(*labels))
    digits[12] = "4"
    digits[16] = "89ab"[int(digits[16], 16) % 4]
    text = "".join(digits)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
