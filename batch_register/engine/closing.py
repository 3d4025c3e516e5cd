"""The window of a run: when it is over, and who would not end inside it any more.

Decides: whether a typical image would still end in time. Must not know: entries' ways.
"""

from __future__ import annotations

import asyncio
import statistics

from batch_register.model import StopReason
from batch_register.pacing import Window
from batch_register.plan import Decision
from batch_register.ports import Observer
from batch_register.stopping import Stop


class Closing:
    """Watches over one run's window; times are the loop's, in seconds."""

    def __init__(self, window: Window, observer: Observer, *, stop: Stop) -> None:
        self._window = window
        self._observer = observer
        self._stop = stop
        self._durations_s: list[float] = []
        self._started_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._has_left_out = False

    def begin(self, started_s: float) -> None:
        """Count from `started_s`, and stop the run once the window is over."""
        self._started_s = started_s
        length_s = self._window.length_s
        if length_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(started_s + length_s, self._end)

    def note_duration(self, seconds: float) -> None:
        """Learn how long an image has taken in this run."""
        self._durations_s.append(seconds)

    def is_open_for(self, decision: Decision) -> bool:
        """Return whether a typical image would still end inside the window."""
        if self._window.length_s is None:
            return True
        typical_s = statistics.median(self._durations_s) if self._durations_s else 0.0
        elapsed_s = asyncio.get_running_loop().time() - self._started_s
        if self._window.admits(elapsed_s, typical_s):
            return True
        self._observer.noticed("run.window_closed", first_left_out=decision.key)
        self._has_left_out = True
        return False

    def give_reason(self) -> None:
        """Say that it was the window that ended the run, if it has left anyone out."""
        if self._has_left_out:
            self._end()

    def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        self._stop.request(StopReason.WINDOW)
