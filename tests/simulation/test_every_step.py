"""One small run, ended after each of its steps: killed, stopped, cancelled.

A step is one callback of the loop, so that every await is met.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.story import (
    Ending,
    RunPlan,
    SourcesAre,
    Story,
    Tags,
    Trigger,
)
from tests.simulation.world import play_story

_PARTS = 4  # of the steps, so that a failure is told early and runs side by side


def story(ending: Ending, step: int) -> Story:
    """Return a world without any other trouble, whose first run ends at that step."""
    plan = RunPlan(
        ending=ending, trigger=Trigger.STEP, count=step, concurrency=2, gap_s=0.0
    )
    return Story(
        seed=7,
        entries=3,
        runs=(plan,),
        runners=1,
        copied_after=0,
        shuffles=True,
        tags=Tags.HONOURED,
        list_lag_s=6.0,
        get_lag_s=0.0,
        fault_rate=0.0,
        read_fault_rate=0.0,
        outages=(),
        task_limit=None,
        quota=None,
        job_failure_rate=0.0,
        failed_state="killed",
        longest_job_s=20.0,
        stuck_rate=0.0,
        contradiction_rate=0.0,
        forgets_jobs=False,
        clock_skew_s=0.0,
        sources=SourcesAre(uploaded=(0,), auto=(1,)),
    )


def steps_of_a_whole_run() -> int:
    """Return how many steps the run takes when nothing ends it."""
    whole = replace(story(Ending.FINISH, 0))
    verdict = play_story(whole)
    assert not verdict.violations, verdict.report()
    return verdict.steps


_STEPS = steps_of_a_whole_run()


@pytest.mark.fault(42)
@pytest.mark.parametrize("part", range(_PARTS))
def test_a_run_cancelled_at_any_await_leaks_nothing_and_loses_nothing(
    part: int,
) -> None:
    for step in range(1 + part, _STEPS, _PARTS):
        verdict = play_story(story(Ending.CANCEL, step))
        assert not verdict.violations, verdict.report()


@pytest.mark.fault(24)
@pytest.mark.parametrize("part", range(_PARTS))
def test_a_run_stopped_at_any_step_ends_in_order_and_is_completed(part: int) -> None:
    for step in range(1 + part, _STEPS, _PARTS):
        verdict = play_story(story(Ending.STOP, step))
        assert not verdict.violations, verdict.report()


@pytest.mark.fault(1)
@pytest.mark.parametrize("part", range(_PARTS))
def test_a_run_killed_at_any_step_makes_nothing_twice(part: int) -> None:
    for step in range(1 + part, _STEPS, _PARTS):
        verdict = play_story(story(Ending.KILL, step))
        assert not verdict.violations, verdict.report()


@pytest.mark.fault(2)
@pytest.mark.parametrize("part", range(_PARTS))
def test_a_run_that_loses_power_at_any_step_makes_nothing_twice(part: int) -> None:
    for step in range(1 + part, _STEPS, _PARTS):
        verdict = play_story(story(Ending.POWER, step))
        assert not verdict.violations, verdict.report()
