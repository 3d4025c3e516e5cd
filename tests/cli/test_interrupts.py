"""What the first and the second signal do to a run."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from batch_register.cli.interrupts import GRACE_S, two_stage_stop
from batch_register.errors import StoppedError
from batch_register.model import StopReason
from batch_register.stopping import Stop
from tests.virtual_time import run_virtually


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGINT, StopReason.SIGINT), (signal.SIGTERM, StopReason.SIGTERM)],
)
async def test_the_first_signal_only_asks(
    number: signal.Signals, reason: StopReason
) -> None:
    stop = Stop()
    with two_stage_stop(stop):
        os.kill(os.getpid(), number)
        with pytest.raises(StoppedError):
            await stop.pause(30)
        await asyncio.sleep(0)  # an open call would go on here
    assert stop.reason is reason


@pytest.mark.fault(24)
async def test_the_second_signal_cancels_what_is_under_way() -> None:
    stop = Stop()

    async def run() -> None:
        with two_stage_stop(stop):
            os.kill(os.getpid(), signal.SIGTERM)
            with pytest.raises(StoppedError):
                await stop.pause(30)
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(30)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(run())
    assert task.cancelled()
    assert stop.reason is StopReason.SIGTERM


@pytest.mark.fault(24)
@pytest.mark.parametrize("reason", [StopReason.SIGTERM, StopReason.WINDOW])
def test_calls_that_never_end_are_left_when_the_grace_is_over(
    reason: StopReason,
) -> None:
    async def run() -> float:
        stop, loop = Stop(), asyncio.get_running_loop()
        loop.call_later(7, stop.request, reason)
        with pytest.raises(asyncio.CancelledError), two_stage_stop(stop):
            await asyncio.sleep(3600)
        return loop.time()

    assert run_virtually(run()) == 7 + GRACE_S


async def test_afterwards_signals_mean_what_they_meant() -> None:
    stop = Stop()
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with two_stage_stop(stop):
            pass
        loop = asyncio.get_running_loop()
        assert not loop.remove_signal_handler(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stop.reason is None
