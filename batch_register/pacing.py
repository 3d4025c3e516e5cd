"""How long to wait: backoff, settle times, watchdogs. Numbers in, numbers out.

Must not know: clocks, loops, randomness (a draw from 0.0 to 1.0 is an argument).
All times are seconds on whatever clock the caller uses.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

# A settle time this many times the longest lag that was seen: a sample of lags does not
# show the worst one.
_LAGS_PER_SETTLE = 3
# A create that no list has shown for so long tells of no lag, but of lists that never
# will.
_NEVER_SHOWN_S = 600.0


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


@dataclass(slots=True, kw_only=True)
class SettleTime:
    """How long a list may take to show what was made: at least `least_s`.

    Measured for free on ordinary creates: an image that a list has missed, so long after
    the answer that it was made, lags for as long, and at most until the next list. What
    was measured, now or (`remembered_lag_s`) by an earlier run, can only raise it.
    """

    least_s: float
    list_every_s: float = 0.0  # a later list than the next one tells no more of the lag
    remembered_lag_s: float = 0.0
    measured_lag_s: float | None = None  # the longest of this run; None: none yet
    _made: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Return the settle time in force."""
        longest_s = max(self.remembered_lag_s, self.measured_lag_s or 0.0)
        return max(self.least_s, _LAGS_PER_SETTLE * longest_s)

    def note_made(self, name: str, at_s: float) -> None:
        """Take note that this was made by then."""
        self._made[name] = (at_s, 0.0)

    def note_listed(self, names: Collection[str], asked_at_s: float) -> None:
        """Take note of what a whole list showed that was asked for at that moment."""
        for name, (made_s, missed_after_s) in list(self._made.items()):
            after_s = asked_at_s - made_s
            if after_s < 0.0:
                continue
            if name in names:
                self._measure(missed_after_s, after_s)
            if name in names or after_s > _NEVER_SHOWN_S:
                del self._made[name]
            else:
                self._made[name] = (made_s, after_s)

    def _measure(self, missed_after_s: float, shown_after_s: float) -> None:
        lag_s = 0.0
        if missed_after_s > 0.0:
            lag_s = min(missed_after_s + self.list_every_s, shown_after_s)
        self.measured_lag_s = max(self.measured_lag_s or 0.0, lag_s)


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
