"""SIGINT and SIGTERM in two stages: the first ends admission, the second everything.

Decides: what a signal does to a run. Must not know: what a run does.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from batch_register.model import StopReason
from batch_register.stopping import Stop

# A request that is under way when the run is told to stop gets this long to end.
GRACE_S = 25.0

_REASONS = {signal.SIGINT: StopReason.SIGINT, signal.SIGTERM: StopReason.SIGTERM}


@contextmanager
def two_stage_stop(stop: Stop) -> Iterator[None]:
    """Make signals stop the run in this block; it must run in the block's own task.

    The first signal asks: nothing new starts, open calls end, waits are cut short. A
    second one cancels the task. So does the end of the grace, which begins whenever the
    run is told to stop, for whatever reason. The ledger is good all the same.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    if task is None:
        message = "a stop needs a task to cancel"
        raise AssertionError(message)
    timers: list[asyncio.TimerHandle] = []
    heard: list[StopReason] = []

    def on_signal(reason: StopReason) -> None:
        heard.append(reason)
        if len(heard) > 1:
            task.cancel()
        stop.request(reason)

    stop.when_requested(lambda: timers.append(loop.call_later(GRACE_S, task.cancel)))

    for number, reason in _REASONS.items():
        loop.add_signal_handler(number, on_signal, reason)
    try:
        yield
    finally:
        for number in _REASONS:
            loop.remove_signal_handler(number)
        for timer in timers:
            timer.cancel()
