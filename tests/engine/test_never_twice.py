"""The promise: whatever is lost, repeated or killed, one image and one job per entry."""

from __future__ import annotations

import random
from collections import deque

import pytest
from hypothesis import given, settings, strategies as st

from batch_register.engine import Batch, Lookout, Run, RunLimits, RunOutcome, RunPorts
from batch_register.model import FaultKind, Manifest
from batch_register.pacing import SettleTime, Window
from batch_register.plan import RetryPolicy
from batch_register.stage import Active
from batch_register.stopping import Stop
from batch_register.throttle import Throttle, ThrottlePolicy
from batch_register.watcher import WatchLimits
from tests.fakes import (
    FakeCloud,
    MemoryLedger,
    Notebook,
    PowerCutError,
    fault,
    spec,
)
from tests.virtual_time import run_virtually

SETTLE_S = 30.0
ENTRIES = 3

REPLIES = (
    "ok",
    "lose-before",
    "lose-after",
    "refuse",
    "throttle",
    "unreachable",
    "busy",
    "quota",
)


async def one_run(cloud: FakeCloud, ledger: MemoryLedger) -> RunOutcome:
    """Carry three entries as far as one run can."""
    manifest = Manifest(
        name="wave-07", images=tuple(spec(f"web-{n}") for n in range(ENTRIES))
    )
    limits = RunLimits(
        concurrency=2,
        watch=WatchLimits(
            poll_interval_s=5.0,
            settle=SettleTime(least_s=SETTLE_S),
            image_deadline_s=3600.0,
        ),
        window=Window(length_s=None),
        retry=RetryPolicy(),
    )
    records = ledger.replay()
    stop, notebook = Stop(), Notebook()
    batch = Batch(
        manifest=manifest,
        records=records,
        is_selected=lambda _: True,
        is_new_ledger=not records,
    )
    lookout = Lookout(cloud, batch, limits.watch, stop=stop)
    service = Throttle(
        lookout, ThrottlePolicy(), stop=stop, observer=notebook, rng=random.Random(1)
    )
    ports = RunPorts(service=service, lookout=lookout, ledger=ledger, observer=notebook)
    return await Run(batch, ports, limits, stop=stop).execute()


async def runs_until_done(cloud: FakeCloud, ledger: MemoryLedger) -> RunOutcome:
    """Run again and again, as a scheduler does, until a run ends with code 0."""
    for _ in range(30):
        try:
            outcome = await one_run(cloud, ledger)
        except PowerCutError:
            continue
        if outcome.exit_code == 0:
            return outcome
    message = f"not done after 30 runs: {ledger.lines}"
    raise AssertionError(message)


@pytest.mark.fault(1)
@settings(max_examples=300, deadline=None)
@given(
    replies=st.lists(st.sampled_from(REPLIES), max_size=20),
    cuts=st.lists(st.integers(1, 12), max_size=4),
    after_line=st.booleans(),
    list_lag_s=st.floats(0.0, SETTLE_S - 1),
    status_lag_s=st.sampled_from([0.0, SETTLE_S - 1]),
    honours_tag_query=st.booleans(),
)
def test_any_script_of_replies_and_crashes_ends_with_one_image_and_one_job_each(
    replies: list[str],
    cuts: list[int],
    after_line: bool,
    list_lag_s: float,
    status_lag_s: float,
    honours_tag_query: bool,
) -> None:
    cloud = FakeCloud(
        replies=deque(replies),
        list_lag_s=list_lag_s,
        status_lag_s=status_lag_s,
        job_s=60.0,
        honours_tag_query=honours_tag_query,
    )
    ledger = MemoryLedger(cuts=deque(cuts), after_line=after_line)

    outcome = run_virtually(runs_until_done(cloud, ledger))

    assert outcome.counts.active == ENTRIES
    assert len(cloud.images) == ENTRIES
    assert sorted(cloud.accepted_registers.values()) == [1] * ENTRIES
    assert all(isinstance(r.stage, Active) for r in ledger.replay().values())


def test_a_run_after_success_sends_nothing_at_all() -> None:
    """What is active is skipped without a single request."""
    cloud, ledger = FakeCloud(), MemoryLedger()
    run_virtually(runs_until_done(cloud, ledger))
    before = cloud.calls.copy()

    outcome = run_virtually(one_run(cloud, ledger))

    assert outcome.exit_code == 0
    assert outcome.counts.skipped == ENTRIES
    assert cloud.calls == before


@pytest.mark.fault(25)
def test_what_failed_here_and_was_made_by_another_ledger_is_adopted_not_made_again() -> (
    None
):
    """Found by simulation: a retry created beside the other run's active image."""
    cloud = FakeCloud(failing_jobs={"web-0": fault(FaultKind.JOB_FAILED)})
    mine, other = MemoryLedger(), MemoryLedger()

    async def nights() -> list[int]:
        first = await one_run(cloud, mine)
        cloud.failing_jobs.clear()
        second = await one_run(cloud, other)
        third = await one_run(cloud, mine)
        return [first.exit_code, second.exit_code, third.exit_code]

    codes = run_virtually(nights())

    assert codes == [3, 0, 0]
    assert cloud.calls["create"] == ENTRIES + 1  # the other run's, and none after it
