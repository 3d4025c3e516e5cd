"""What a run has learned of the cloud's limits, and what it has sent.

Decides: nothing. Must not know: what follows from it, clocks, loops.
"""

from __future__ import annotations

from collections import Counter

from batch_register.throttle.policy import ThrottlePolicy
from batch_register.throttle.tasks import TaskCap
from batch_register.throttle.window import Traffic


class Lessons:
    """Limits on requests and jobs, and counts of calls and refusals by their names."""

    def __init__(
        self, policy: ThrottlePolicy, *, task_limit: int | None = None
    ) -> None:
        """`task_limit`: what an earlier run has found; tried again like any other."""
        self.traffic = Traffic(poll_gap_s=policy.poll_gap_s)
        self.tasks = TaskCap(policy.tasks, limit=task_limit)
        self.counts: Counter[str] = Counter()
        self.retries = 0  # calls that were sent again
