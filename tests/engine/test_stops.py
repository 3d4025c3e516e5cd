"""Stopped or cancelled at any moment: nothing is sent after, and the next run completes."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest
from hypothesis import example, given, settings, strategies as st

from batch_register.model import StopReason
from batch_register.stage import Active
from tests.engine.rig import Rig, rig

ENTRIES = 4
REPLIES = ("ok", "lose-before", "lose-after", "throttle", "unreachable", "busy")
# A grace after the stop: a call under way may end, nothing may begin.
WRITE_S = 2.0

moments_s = st.one_of(
    st.floats(0.0, 12.0), st.floats(0.0, 150.0), st.integers(0, 40).map(float)
)
scripts = st.lists(st.sampled_from(REPLIES), max_size=12)


def completed(one: Rig) -> None:
    """Run as a scheduler does, and check that everything was made once."""
    for _ in range(12):
        if one.run().exit_code == 0:
            break
    assert one.images_and_jobs() == (ENTRIES, [1] * ENTRIES)
    stages = [record.stage for record in one.ledger.replay().values()]
    assert [type(stage) for stage in stages] == [Active] * ENTRIES


@pytest.mark.fault(24)
@settings(max_examples=100, deadline=None)
@given(stops_s=st.lists(moments_s, min_size=1, max_size=3), replies=scripts)
@example(stops_s=[0.0, 0.0], replies=[])
def test_after_a_stop_no_write_goes_out_and_the_next_run_completes(
    stops_s: list[float], replies: list[str]
) -> None:
    one = rig(ENTRIES, job_s=60.0, write_s=WRITE_S, replies=deque(replies))

    async def stopped(after_s: float) -> None:
        loop = asyncio.get_running_loop()
        log, lines_at_stop = one.cloud.log, len(one.cloud.log)
        stopped_at_s = loop.time()

        def stop() -> None:
            nonlocal lines_at_stop, stopped_at_s
            lines_at_stop, stopped_at_s = len(log), loop.time()
            one.stop.request(StopReason.SIGTERM)

        timer = loop.call_later(after_s, stop)
        outcome = await one.execute()
        timer.cancel()
        if outcome.stop_reason is None:
            return
        assert outcome.exit_code == 143
        assert loop.time() - stopped_at_s <= WRITE_S
        assert [line for line in log[lines_at_stop:] if line.startswith("send")] == []
        assert outcome.counts.failed == 0

    for after_s in stops_s:
        one.play(stopped(after_s))
    completed(one)


@settings(max_examples=100, deadline=None)
@given(
    cuts_s=st.lists(moments_s, min_size=1, max_size=3),
    replies=scripts,
    list_lag_s=st.sampled_from([0.0, 10.0, 29.0]),
)
def test_a_run_that_is_cancelled_anywhere_leaks_no_slot_and_loses_no_image(
    cuts_s: list[float], replies: list[str], list_lag_s: float
) -> None:
    one = rig(
        ENTRIES,
        job_s=60.0,
        write_s=WRITE_S,
        replies=deque(replies),
        list_lag_s=list_lag_s,
    )

    async def cancelled(after_s: float) -> None:
        run = one.build()
        slots = run._admission._slots
        try:
            async with asyncio.timeout(after_s):
                await run.execute()
        except TimeoutError:
            pass
        await asyncio.sleep(0)
        assert slots._value == one.concurrency
        assert len(asyncio.all_tasks()) == 1

    for after_s in cuts_s:
        one.play(cancelled(after_s))
    completed(one)
