"""What one run has asked of the services: requests, retries, pauses, quota, bytes sent.

Decides: how pauses add up to few. Must not know: clocks, who counts, where it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from batch_register.model import Quota

MOST_PAUSES = 200  # of one run: enough to draw, little enough for one ledger line

Pause = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUsage:
    """The counts of one run; a list over several pages is one request."""

    requests: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    retries: int = 0  # calls that were sent again
    throttled: int = 0  # refusals for too many requests or too many unfinished jobs
    pauses: tuple[Pause, ...] = ()  # that they asked for; in order, apart, few
    quota: Quota | None = None  # as the service last told in this run
    uploaded_bytes: int = 0  # that went out for the entries' files


def add_pause(
    pauses: tuple[Pause, ...], new: Pause, *, most: int = MOST_PAUSES
) -> tuple[Pause, ...]:
    """Return the pauses with one more: in order, and apart from one another.

    Those that touch or overlap are one. Of more than `most` the nearest two are merged.
    """
    merged: list[Pause] = []
    for begins, ends in sorted([*pauses, new]):
        if merged and begins <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], ends))
        else:
            merged.append((begins, ends))
    while len(merged) > most:
        gaps = [later[0] - earlier[1] for earlier, later in pairwise(merged)]
        nearest = gaps.index(min(gaps))
        merged[nearest : nearest + 2] = [(merged[nearest][0], merged[nearest + 1][1])]
    return tuple(merged)


def cut_off(pauses: tuple[Pause, ...], end: datetime) -> tuple[Pause, ...]:
    """Return the pauses as far as they lie before the end of the run."""
    return tuple((begins, min(ends, end)) for begins, ends in pauses if begins < end)
