"""Counts what a run has done so far, and guesses when it will be done.

Decides: what is counted and how the end is estimated. Must not know: how it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from batch_register.entry import EntryRecord, EntryState
from batch_register.model import EntryKey

_SETTLED = frozenset(set(EntryState) - {EntryState.PENDING, EntryState.UNFINISHED})
_TROUBLE = frozenset({EntryState.FAILED, EntryState.CONFLICT, EntryState.UNKNOWN})
_LEAST_FOR_A_GUESS = 3  # settled entries
_LONGEST_GUESS_S = 99 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a run stands at one moment."""

    total: int
    counts: Mapping[EntryState, int]
    settled: int  # nothing more happens to them in this run
    images_per_hour: float
    time_left: timedelta | None
    ends_at: datetime | None
    last_trouble: str

    def words(self) -> str:
        """Return counts, pace and expected end, the clock in local time."""
        counted = ((count, state) for state, count in self.counts.items())
        parts = [", ".join(f"{count} {state}" for count, state in counted if count)]
        if self.images_per_hour:
            parts.append(f"{self.images_per_hour:.0f} images/h")
        if self.time_left is not None and self.ends_at is not None:
            clock = f"{self.ends_at.astimezone():%H:%M}"
            parts.append(f"about {format_left(self.time_left)} left, until {clock}")
        return "; ".join(part for part in parts if part)

    def line(self) -> str:
        """Return the standing in one line of text."""
        return f"{self.settled}/{self.total}: {self.words()}"


def format_left(left: timedelta) -> str:
    """Return a duration as precisely as a guess deserves: up to a whole minute."""
    hours, minutes = divmod(math.ceil(left.total_seconds() / 60), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


class Tally:
    """Keeps count by entry; an entry that was never named counts as pending."""

    def __init__(self, total: int, now: datetime) -> None:
        self._total = total
        self._started = now
        self._states: dict[EntryKey, EntryState] = {}
        self._counts = dict.fromkeys(EntryState, 0)
        self._settled_now = 0  # in this run; what is tried again may settle again
        self._active_now = 0
        self._last_trouble = ""

    def start(self, states: Mapping[EntryKey, EntryState], now: datetime) -> None:
        """Take over where the entries stand before the run does anything."""
        self._started = now
        for key, state in states.items():
            self._put(key, state)

    def note(self, record: EntryRecord) -> None:
        """Take note of where one entry stands now."""
        state = record.state
        before = self._put(record.key, state)
        if state is before:
            return
        self._settled_now += state in _SETTLED and before not in _SETTLED
        self._active_now += state is EntryState.ACTIVE
        if state in _TROUBLE and record.fault is not None:
            self._last_trouble = f"{record.key}: {record.fault.sentence()}"

    def standing(self, now: datetime) -> Standing:
        """Return where the run stands."""
        elapsed_s = max((now - self._started).total_seconds(), 1.0)
        settled = sum(self._counts[state] for state in _SETTLED)
        unnamed = max(self._total - len(self._states), 0)
        pending = self._counts[EntryState.PENDING] + unnamed
        left = self._time_left(self._total - settled, elapsed_s)
        return Standing(
            total=self._total,
            counts={**self._counts, EntryState.PENDING: pending},
            settled=settled,
            images_per_hour=self._active_now * 3600 / elapsed_s,
            time_left=left,
            ends_at=None if left is None else now + left,
            last_trouble=self._last_trouble,
        )

    def _time_left(self, open_entries: int, elapsed_s: float) -> timedelta | None:
        """Return how long the rest takes at the pace so far; None: too early to say."""
        if open_entries <= 0 or self._settled_now < _LEAST_FOR_A_GUESS:
            return None
        left_s = open_entries * elapsed_s / self._settled_now
        return timedelta(seconds=min(left_s, _LONGEST_GUESS_S))

    def _put(self, key: EntryKey, state: EntryState) -> EntryState | None:
        """Move one entry and return where it stood."""
        before = self._states.get(key)
        if before is not None:
            self._counts[before] -= 1
        self._states[key] = state
        self._counts[state] += 1
        return before
