"""What is still to be written once a run has ended: bounded, and not lost to a signal.

Decides: how long that may take, and that a signal shortens it instead of ending the
process. Must not know: what is written.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine

from batch_register.cli.interrupts import GRACE_S
from batch_register.notify.impatient import ImpatientLoop

# A page of 100,000 images takes 11 s; a pipe that nobody reads takes for ever.
LONGEST_S = 300.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def finish(work: Coroutine[object, object, None]) -> None:
    """Carry work to its end on a loop of its own; a signal leaves it a short while yet.

    Whoever waits for the run is told how it ended all the same: the exit code is the
    run's. A second signal gives the work up at once.

    Raises:
        TimeoutError: the work did not end in time.
    """
    with asyncio.Runner(loop_factory=ImpatientLoop) as runner:
        runner.run(_bounded(work))


async def _bounded(work: Coroutine[object, object, None]) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LONGEST_S) as limit:
        heard: list[int] = []

        def on_signal(number: int) -> None:
            heard.append(number)
            left_s = GRACE_S if len(heard) == 1 else 0.0
            limit.reschedule(min(limit.when() or 0.0, loop.time() + left_s))

        for number in _SIGNALS:
            loop.add_signal_handler(number, on_signal, number)
        try:
            await work
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
