"""What a display knows of a run: the counts so far, safe from any thread.

Decides: that watching never raises into the run. Must not know: what is drawn, how a
run works.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

from batch_register.cli.tally import Standing, Tally
from batch_register.entry import EntryRecord, EntryState
from batch_register.event import Event
from batch_register.logs import redact_text
from batch_register.model import EntryKey

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160)), " ")


class Progress:
    """Watches a run for a display; the engine's Observer, and safe from any thread."""

    def __init__(self, total: int, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._tally = Tally(total, now())

    def start(self, states: Mapping[EntryKey, EntryState]) -> None:
        """Take over where entries stand before the run does anything, some at a time."""
        with suppress(Exception), self._lock:
            self._tally.start(states, self._now())

    def entry_moved(self, record: EntryRecord, event: Event) -> None:  # noqa: ARG002 - a port
        """Count one entry anew."""
        with suppress(Exception), self._lock:
            self._tally.note(record)

    def noticed(self, name: str, **facts: object) -> None:
        """Ignore what moves no entry."""

    def standing(self) -> Standing:
        """Return where the run stands now."""
        with self._lock:
            return self._tally.standing(self._now())


def tidy(text: str) -> str:
    """Return text of a cloud on one line: no secrets, no control characters."""
    return redact_text(text).translate(_CONTROLS)
