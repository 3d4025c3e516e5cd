"""How long to wait: backoff, settle times, watchdogs. Numbers in, numbers out.

Must not know: clocks, loops, randomness (a draw from 0.0 to 1.0 is an argument).
All times are seconds on whatever clock the caller uses.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Full-jitter exponential backoff: uniform between 0 and a doubling ceiling.

    Source: AWS SDKs and Tools Reference Guide, "Retry behavior".
    """

    base_s: float
    cap_s: float

    def ceiling_s(self, attempt: int) -> float:
        """Return the longest wait after the attempt with this number (from 1)."""
        doublings = min(attempt - 1, 62)  # beyond that the float only overflows
        return float(min(self.cap_s, self.base_s * 2**doublings))

    def delay_s(self, attempt: int, draw: float) -> float:
        """Return the wait after this attempt for a draw from 0.0 to 1.0."""
        return self.ceiling_s(attempt) * draw


def settled_at_s(
    *, call_ended_s: float | None, run_started_s: float, settle_s: float
) -> float:
    """Return from when on a look that shows nothing proves that nothing is there.

    A list may lag behind a create; where the call was made by an earlier run
    (`call_ended_s` is None) all that is known is that it ended before this run began.
    """
    ended_s = run_started_s if call_ended_s is None else call_ended_s
    return max(ended_s, run_started_s) + settle_s


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSchedule:
    """When to look after a single image that the shared list does not explain.

    The first check comes after `first_s`, each later one after twice the time, up to
    `longest_s`: an image that only lags costs one request, a lost one is not forgotten.
    """

    first_s: float
    longest_s: float

    def wait_s(self, checks_made: int) -> float:
        """Return how long to wait before the check after `checks_made` others."""
        return float(min(self.longest_s, self.first_s * 2 ** min(checks_made, 62)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time a run may take; without `length_s` it is endless."""

    length_s: float | None

    def admits(self, elapsed_s: float, typical_image_s: float) -> bool:
        """Return whether an image that takes typically long would end inside."""
        if self.length_s is None:
            return True
        return elapsed_s + typical_image_s < self.length_s
