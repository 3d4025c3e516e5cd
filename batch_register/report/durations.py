"""How durations are spread: bins of a round width, and the figures that sum them up.

Decides: the width of a bin, where the long tail begins. Must not know: what took so
long, drawing.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

ROUND_S = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 14_400, 43_200, 86_400, 604_800),
)
_MOST_BINS = 12
_TAIL = 0.98  # what is longer than this share of all goes into one last bin


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """So many lasted from `from_s` up to, but not including, `to_s`; None: no bound."""

    from_s: float
    to_s: float | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What a set of durations looks like; all in seconds."""

    count: int
    least_s: float
    median_s: float
    ninety_s: float  # nine of ten lasted no longer
    most_s: float
    bins: tuple[Bin, ...]


def spread(durations_s: Sequence[float]) -> Spread | None:
    """Return how durations of 0 s and more are spread, None of none."""
    if not durations_s:
        return None
    ordered = sorted(durations_s)
    return Spread(
        count=len(ordered),
        least_s=ordered[0],
        median_s=quantile(ordered, 0.5),
        ninety_s=quantile(ordered, 0.9),
        most_s=ordered[-1],
        bins=_bins(ordered),
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the least value that so large a share does not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _bins(ordered: Sequence[float]) -> tuple[Bin, ...]:
    least_s, usual_s, most_s = ordered[0], quantile(ordered, _TAIL), ordered[-1]
    width_s = _width_s(least_s, usual_s)
    first = math.floor(least_s / width_s)
    last = max(first, math.floor(usual_s / width_s))
    edges_s = [width_s * number for number in range(first, last + 2)]
    places = [0, *(bisect_right(ordered, math.nextafter(e, 0)) for e in edges_s[1:])]
    found = [
        Bin(from_s=edges_s[number], to_s=edges_s[number + 1], count=after - before)
        for number, (before, after) in enumerate(pairwise(places))
    ]
    if most_s >= edges_s[-1]:
        rest = len(ordered) - places[-1]
        found.append(Bin(from_s=edges_s[-1], to_s=None, count=rest))
    return tuple(found)


def _width_s(least_s: float, usual_s: float) -> float:
    """Return the least round width that keeps the usual durations to a few bins."""
    for width_s in ROUND_S:
        if usual_s / width_s - math.floor(least_s / width_s) < _MOST_BINS:
            return width_s
    return (usual_s - least_s) / (_MOST_BINS - 2) or ROUND_S[-1]
