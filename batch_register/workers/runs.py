"""What the tasks of one run share in a worker's process: their pace, and their end.

Decides: that runs of several coordinators do not slow nor end each other. Must not know:
what a task does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from batch_register.workers.cut import Cut
from batch_register.workers.pace import Pace

_MOST_PACES = 16  # a killed coordinator never ends its run; the oldest goes first


class Runs:
    """The runs that a process works for, by their ids."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cuts: dict[str, set[Cut]] = {}
        self._paces: dict[str, Pace] = {}

    @contextmanager
    def work_for(self, run: str) -> Iterator[Cut]:
        """Give what ends this task once its run is ended."""
        cut = Cut()
        with self._lock:
            self._cuts.setdefault(run, set()).add(cut)
        try:
            yield cut
        finally:
            self._leave(run, cut)

    def pace_of(self, run: str, bytes_per_s: float | None) -> Pace | None:
        """Return the pace of all tasks of a run here, at the rate that was told last."""
        if bytes_per_s is None:
            return None
        with self._lock:
            pace = self._paces.setdefault(run, Pace(bytes_per_s=bytes_per_s))
            pace.bytes_per_s = bytes_per_s
            if len(self._paces) > _MOST_PACES:
                del self._paces[next(iter(self._paces))]
            return pace

    def end(self, run: str) -> None:
        """End the tasks of a run."""
        with self._lock:
            self._paces.pop(run, None)
            cuts = tuple(self._cuts.get(run, ()))
        for cut in cuts:
            cut.tell()

    def _leave(self, run: str, cut: Cut) -> None:
        with self._lock:
            cuts = self._cuts[run]
            cuts.discard(cut)
            if not cuts:
                del self._cuts[run]
