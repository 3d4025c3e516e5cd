"""From moments to places on a line, and the ticks below it.

Decides: where a moment lies in percent of the width, which moments are marked and how
they read. Must not know: what happens at them, how anything is drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800),
)
_MOST_TICKS = 8
_MINUTE_S = 60
_DAY_S = 86_400
_NEAR_END = range(85, 98)  # percent: there half a text would reach into what follows
_LEAST_S = 1.0  # a night of no length still has a middle


@dataclass(frozen=True, slots=True)
class Tick:
    """One marked moment; a spare one is left out where there is little room."""

    at: float  # percent
    text: str
    is_spare: bool


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from one moment to another, both in seconds since 1970."""

    begins_s: float
    ends_s: float

    @property
    def length_s(self) -> float:
        """Return how long the line is, never 0."""
        return max(_LEAST_S, self.ends_s - self.begins_s)

    def percent(self, moment_s: float) -> float:
        """Return where a moment lies, 0 to 100; what is outside lies on the edge."""
        share = (moment_s - self.begins_s) / self.length_s
        return round(100 * min(1.0, max(0.0, share)), 2)

    def ticks(self) -> list[Tick]:
        """Return round moments of UTC on the line; at midnight the day is named."""
        step_s = next((s for s in _STEPS_S if self.length_s / s < _MOST_TICKS), None)
        if step_s is None:
            step_s = math.ceil(self.length_s / _MOST_TICKS / _DAY_S) * _DAY_S
        first = math.ceil(self.begins_s / step_s)
        last = math.floor((self.begins_s + self.length_s) / step_s)
        return [
            Tick(
                at=(at := self.percent(number * step_s)),
                text=_words(number * step_s, step_s),
                is_spare=(number - first) % 3 > 0 or int(at) in _NEAR_END,
            )
            for number in range(first, last + 1)
        ]


def _words(moment_s: int, step_s: int) -> str:
    moment = datetime.fromtimestamp(moment_s, UTC)
    if moment_s % _DAY_S == 0:
        return f"{moment:%m-%d}"
    return f"{moment:%H:%M}" if step_s >= _MINUTE_S else f"{moment:%H:%M:%S}"


def clock(moment_s: float) -> str:
    """Return a moment as day and time, UTC, to the second."""
    return f"{datetime.fromtimestamp(moment_s, UTC):%Y-%m-%d %H:%M:%S}"
