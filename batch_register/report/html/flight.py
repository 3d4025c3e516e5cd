"""How many images were in flight when: the picture of a night too large for rows.

Decides: how the night is cut into bins, what counts as in flight in each. Must not
know: markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from batch_register.report.timeline import Attempt, End, Interval, Timeline

BINS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """Images in flight per bin, on the average of the bin's time; `failed` in each."""

    uploading: tuple[float, ...]
    making: tuple[float, ...]  # being created and registered
    waiting: tuple[float, ...]  # for the cloud
    failed: tuple[int, ...]  # that ended as failed or unknown
    peak: int  # most at any one moment


def flight(timeline: Timeline, *, bins: int = BINS) -> Flight:
    """Return how a night with at least one run went."""
    spans = [_span(one, timeline.ends_s) for one in timeline.attempts]
    window = timeline.begins_s, max(timeline.ends_s, timeline.begins_s + 1)
    width_s = (window[1] - window[0]) / bins
    failed = [0] * bins
    for one in timeline.attempts:
        if one.ends_s is not None and one.end in (End.FAILED, End.UNKNOWN):
            place = int((one.ends_s - window[0]) / width_s)
            failed[min(bins - 1, max(0, place))] += 1
    return Flight(
        uploading=occupancy([(a, b) for a, b, _, _ in spans], window, bins),
        making=occupancy([(b, c) for _, b, c, _ in spans], window, bins),
        waiting=occupancy([(c, d) for _, _, c, d in spans], window, bins),
        failed=tuple(failed),
        peak=peak([(a, d) for a, _, _, d in spans]),
    )


def _span(one: Attempt, night_ends_s: float) -> tuple[float, float, float, float]:
    """Return when an attempt begins, is made, waits and ends."""
    ends_s = night_ends_s if one.ends_s is None else one.ends_s
    ends_s = max(ends_s, one.begins_s)
    makes_s = one.made_from_s(ends_s)
    waits_s = ends_s if one.waits_s is None else one.waits_s
    return one.begins_s, makes_s, min(max(waits_s, makes_s), ends_s), ends_s


def occupancy(
    intervals: Iterable[Interval], window: Interval, bins: int
) -> tuple[float, ...]:
    """Return for each bin of the window how many intervals it holds on the average.

    The integral of the steps that the intervals are: exact, in one pass.
    """
    begins_s, ends_s = window
    width_s = (ends_s - begins_s) / bins
    slope = [0.0] * (bins + 1)  # change of the count that holds from a bin on
    once = [0.0] * (bins + 1)  # what is to be taken off in one bin alone
    for interval in intervals:
        for moment_s, sign in zip(interval, (1.0, -1.0), strict=True):
            place = min(max((moment_s - begins_s) / width_s, 0.0), float(bins))
            number = min(int(place), bins - 1)
            slope[number] += sign
            once[number] -= sign * (place - number)
    counts = accumulate(slope[:bins])
    found = (max(0.0, count + off) for count, off in zip(counts, once, strict=False))
    return tuple(round(value, 3) for value in found)


def peak(intervals: Sequence[Interval]) -> int:
    """Return how many intervals there were at most in one moment."""
    steps = sorted(
        [(ends_s, -1) for _, ends_s in intervals]
        + [(begins_s, 1) for begins_s, _ in intervals]
    )
    return max(accumulate((step for _, step in steps)), default=0)
