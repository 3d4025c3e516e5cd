"""Clocks that jump: the wall clock moves no timer, a gap in time starts no storm."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from batch_register.engine import Batch, Lookout, Run, RunLimits, RunPorts
from batch_register.entry import EntryState
from batch_register.event import OutcomeUnknown
from batch_register.ledger import LedgerFile
from batch_register.ledger.file import LedgerSession
from batch_register.model import FaultKind, Manifest, StopReason
from batch_register.pacing import Window
from batch_register.plan import RetryPolicy
from batch_register.stopping import Stop
from batch_register.throttle import Throttle, ThrottlePolicy
from tests.engine.rig import Rig, rig, watch_limits
from tests.fakes import FakeCloud, Notebook, spec
from tests.ledger.disks import TARGET, FakeDisk, InlineWorker
from tests.virtual_time import VirtualTimeLoop, run_virtually

SPECS = tuple(spec(f"web-{n}") for n in range(6))


@dataclass
class SteppingClock:
    """A wall clock that somebody sets while a run is under way."""

    step: timedelta
    at_s: float = 17.0

    def now(self) -> datetime:
        elapsed_s = asyncio.get_running_loop().time()
        now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC) + timedelta(seconds=elapsed_s)
        return now + self.step if elapsed_s > self.at_s else now


async def whole_run(step: timedelta) -> tuple[float, Counter[str], int]:
    """Run over lost answers and busy answers; return time, calls and exit code."""
    early = ["lose-after", "ok", "throttle", "lose-before", "ok", "busy", *["ok"] * 3]
    late = ["lose-after", "lose-before", "ok", "lose-after", "lose-before"]
    cloud = FakeCloud(
        replies=deque([*early, *late]),
        job_s=60.0,
        list_lag_s=10.0,
    )
    disk, stop, notebook = FakeDisk(), Stop(), Notebook()
    session = LedgerSession(
        manifest_name="wave-07",
        target=TARGET,
        run_id="run-1",
        clock=SteppingClock(step),
    )
    async with LedgerFile.on_disk("wave", session, disk, InlineWorker()) as ledger:
        batch = Batch(
            manifest=Manifest(name="wave-07", images=SPECS),
            records=ledger.replay.records,
            is_selected=lambda _: True,
            is_new_ledger=True,
        )
        limits = RunLimits(
            concurrency=3,
            watch=watch_limits(),
            window=Window(length_s=3600.0),
            retry=RetryPolicy(),
        )
        lookout = Lookout(cloud, batch, limits.watch, stop=stop)
        throttle = Throttle(
            lookout,
            ThrottlePolicy(),
            stop=stop,
            observer=notebook,
            rng=random.Random(1),
        )
        ports = RunPorts(
            service=throttle, lookout=lookout, ledger=ledger, observer=notebook
        )
        outcome = await Run(batch, ports, limits, stop=stop).execute()
    assert set(cloud.live_per_entry().values()) == {1}
    async with LedgerFile.on_disk("wave", session, disk, InlineWorker()) as reopened:
        records = reopened.replay.records.values()
        assert {record.state for record in records} == {EntryState.ACTIVE}
    return asyncio.get_running_loop().time(), cloud.calls, outcome.exit_code


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "step", [timedelta(hours=-6), timedelta(hours=6), timedelta(days=400)]
)
def test_a_wall_clock_that_is_set_during_a_run_moves_no_timer(step: timedelta) -> None:
    quiet = run_virtually(whole_run(timedelta(0)))
    assert quiet[2] == 0
    assert run_virtually(whole_run(step)) == quiet


POLL_S = watch_limits().poll_interval_s
LONG_GAP_S, GAP_AT_S = 2 * 3600.0, 100.0


async def suspended(test_rig: Rig, gap_s: float = LONG_GAP_S) -> Counter[str]:
    """Suspend the machine during a run; return the calls of the next two polls."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    before, seen = Counter[str](), list[Counter[str]]()

    def look() -> None:
        seen.append(Counter(test_rig.cloud.calls))

    def suspend() -> None:
        before.update(test_rig.cloud.calls)
        loop._jumping.now_s += gap_s
        loop.call_later(2 * POLL_S, look)

    loop.call_later(GAP_AT_S, suspend)
    await test_rig.execute()
    look()  # it may have ended sooner
    return seen[0] - before


def states(test_rig: Rig) -> set[EntryState]:
    """Return the states that the ledger tells."""
    return {record.state for record in test_rig.ledger.replay().values()}


@pytest.mark.fault(23)
def test_a_machine_that_slept_asks_once_and_takes_what_ended_meanwhile() -> None:
    slept = rig(20, job_s=600.0)
    slept.concurrency = 20

    calls = slept.play(suspended(slept))

    assert calls == {"list": 1}
    assert states(slept) == {EntryState.ACTIVE}
    assert slept.cloud.calls["create"] == 20


@pytest.mark.fault(23)
def test_a_machine_that_slept_asks_no_more_than_once_about_each_image() -> None:
    slept = rig(20, job_s=3000.0)
    slept.concurrency = 20

    calls = slept.play(suspended(slept, gap_s=2400.0))

    assert 1 <= calls["list"] <= 3
    assert calls["get_job"] <= 20
    assert calls["get_image"] <= 20
    assert states(slept) == {EntryState.ACTIVE}


@pytest.mark.fault(23, 33)
def test_deadlines_that_passed_while_the_machine_slept_hold_when_it_wakes() -> None:
    slept = rig(4, job_s=5 * 3600.0)  # two are under way, two wait for a slot

    slept.play(suspended(slept))

    for entry in slept.specs:
        last = slept.ledger.events(entry.key)[-1]
        assert isinstance(last, OutcomeUnknown)
        assert last.error.kind is FaultKind.DEADLINE
    assert slept.cloud.calls["create"] == 4


@pytest.mark.fault(23, 24)
def test_a_window_that_ended_while_the_machine_slept_is_over_when_it_wakes() -> None:
    slept = rig(4, job_s=5 * 3600.0)
    slept.window_s, gap_s = 1800.0, 2400.0  # less than an image's own deadline

    slept.play(suspended(slept, gap_s))

    assert slept.stop.reason is StopReason.WINDOW
    assert slept.cloud.calls["create"] == 2
    assert states(slept) == {EntryState.UNFINISHED, EntryState.PENDING}
    ended_s = slept.elapsed_s - 60.0  # the rig rests for a minute
    assert ended_s <= GAP_AT_S + gap_s + POLL_S
