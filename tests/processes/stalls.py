"""The command, with a watch on its event loop: how long did it not turn?

`python -m tests.processes.stalls run MANIFEST ...` runs the command as `python -m
batch_register` would, and writes the longest stretch between two turns of the loop to
standard error. Time in which other processes had the processor is left out, where the
system tells it (Linux): it is not the loop's fault.
"""

from __future__ import annotations

import selectors
import sys
import time
from pathlib import Path

from batch_register.__main__ import main

FOUND = "longest stall in ms: "
_SCHEDULER = Path("/proc/thread-self/schedstat")


class WatchedSelector(selectors.DefaultSelector):
    """Notes how long it takes from one return of `select` to the next call."""

    longest_s = 0.0

    def __init__(self) -> None:
        super().__init__()
        self._woke_s: float | None = None

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for the next event."""
        if self._woke_s is not None:
            stalled_s = _own_time_s() - self._woke_s
            WatchedSelector.longest_s = max(WatchedSelector.longest_s, stalled_s)
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(timeout)
        self._woke_s = _own_time_s()
        return ready


def _own_time_s() -> float:
    """Return a time that stands still while this thread only waits for a processor."""
    now_s = time.monotonic()
    if not _SCHEDULER.exists():
        return now_s
    _, waited_ns, _ = _SCHEDULER.read_text().split()
    return now_s - int(waited_ns) / 1e9


def watched_main() -> int:
    """Run the command on a watched loop; return its exit code."""
    selectors.DefaultSelector = WatchedSelector  # type: ignore[misc]
    try:
        return main()
    finally:
        found_ms = WatchedSelector.longest_s * 1000
        print(f"{FOUND}{found_ms:.1f}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(watched_main())
