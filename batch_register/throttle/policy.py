"""How patient the throttle is. Must not know: who is patient with whom."""

from __future__ import annotations

from dataclasses import dataclass

from batch_register.pacing import Backoff
from batch_register.throttle.tasks import TaskPolicy

_OUTAGE_BACKOFF = Backoff(base_s=0.5, cap_s=20.0)
_THROTTLED_BACKOFF = Backoff(base_s=2.0, cap_s=60.0)
_BUSY_BACKOFF = Backoff(base_s=5.0, cap_s=60.0)
_TASKS = TaskPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottlePolicy:
    """How patient the throttle is; times in seconds."""

    attempts: int = 5  # of one read that meets an outage
    refused_s: float = 3600.0  # how long one call is told "too many" before it fails
    outage: Backoff = _OUTAGE_BACKOFF
    throttled: Backoff = _THROTTLED_BACKOFF  # where no hint is given
    busy: Backoff = _BUSY_BACKOFF
    tasks: TaskPolicy = _TASKS
    shell_s: float = 5.0  # how long a shell keeps its place until it is registered
    poll_gap_s: float = 12.5  # the longest that polling gives way to writes
    first_word_s: float = 30.0  # without any answer since the start: lost
    silence_s: float = 300.0  # without any answer since the last one: lost
    max_rate_per_s: float | None = None
