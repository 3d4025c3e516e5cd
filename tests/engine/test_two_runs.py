"""Two runs over one manifest at the same time, each with a ledger of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from batch_register.engine import RunOutcome
from batch_register.engine.chronicle import LIST_LAG
from batch_register.errors import ServiceError
from batch_register.event import DuplicateSeen, ImageAdopted, RetryStarted, ShellDeleted
from batch_register.model import FaultKind, ImageId
from batch_register.stage import Created, Unknown
from tests.engine.rig import LoggedLedger, Rig, rig
from tests.fakes import service_error
from tests.virtual_time import run_virtually


def two_rigs(entries: int, **cloud: Any) -> tuple[Rig, Rig]:
    """Return two runners over one cloud and manifest."""
    first = rig(entries, **cloud)
    second = Rig(cloud=first.cloud, ledger=LoggedLedger(), specs=list(first.specs))
    return first, second


def run_both(first: Rig, second: Rig, apart_s: float) -> tuple[RunOutcome, RunOutcome]:
    async def scenario() -> tuple[RunOutcome, RunOutcome]:
        async with asyncio.TaskGroup() as group:
            one = group.create_task(first.execute())
            await asyncio.sleep(apart_s)
            two = group.create_task(second.execute())
        return one.result(), two.result()

    return run_virtually(scenario())


def twins_reported(one: Rig, key: str) -> set[ImageId]:
    events = one.ledger.events(key)
    return {event.image_id for event in events if isinstance(event, DuplicateSeen)}


@pytest.mark.fault(25)
@pytest.mark.parametrize("job_s", [14.0, 47.0, 300.0])
@pytest.mark.parametrize("list_lag_s", [0.0, 12.0])
@pytest.mark.parametrize("apart_s", [31.0, 45.0])
def test_a_settle_time_apart_they_make_one_image_per_entry(
    job_s: float, list_lag_s: float, apart_s: float
) -> None:
    first, second = two_rigs(9, job_s=job_s, list_lag_s=list_lag_s)
    first.concurrency = second.concurrency = 3
    outcomes = run_both(first, second, apart_s)
    assert [one.exit_code for one in outcomes] == [0, 0]
    made = Counter(image.view.name for image in first.cloud.images.values())
    assert made == {f"web-{n}": 1 for n in range(9)}
    assert set(first.cloud.accepted_registers.values()) == {1}


@pytest.mark.fault(25)
def test_in_the_same_moment_each_twin_is_reported_by_both() -> None:
    first, second = two_rigs(3, job_s=60.0, list_lag_s=12.0)
    first.concurrency = second.concurrency = 3
    run_both(first, second, 0.1)
    made = Counter(image.view.name for image in first.cloud.images.values())
    assert made == {"web-0": 2, "web-1": 2, "web-2": 2}
    for spec in first.specs:
        own = first.ledger.replay()[spec.key].image_id
        other = second.ledger.replay()[spec.key].image_id
        assert own != other
        assert twins_reported(first, spec.key) == {other}
        assert twins_reported(second, spec.key) == {own}
    assert len(first.cloud.images) == 6  # reported, and nothing is deleted


@pytest.mark.fault(25)
def test_a_shell_that_an_older_one_goes_before_is_withdrawn() -> None:
    """The service is busy for so long that the twins come into sight."""
    first, second = two_rigs(1, job_s=60.0, list_lag_s=2.0)
    first.cloud.replies.extend(["ok", "busy", "ok", *["busy"] * 60])
    outcomes = run_both(first, second, 0.5)
    assert [one.exit_code for one in outcomes] == [0, 0]
    assert list(first.cloud.images) == [ImageId("image-1")]
    assert first.cloud.accepted_registers == {ImageId("image-1"): 1}
    kinds = [type(event) for event in second.ledger.events("web-0")]
    withdrawn = kinds.index(RetryStarted)
    assert kinds[withdrawn:][:3] == [RetryStarted, ShellDeleted, ImageAdopted]
    assert twins_reported(first, "web-0") == {ImageId("image-2")}


@pytest.mark.fault(25)
def test_a_create_that_had_to_wait_takes_over_what_has_been_made_meanwhile() -> None:
    first, second = two_rigs(1, job_s=60.0)
    first.cloud.replies.extend(["throttle"] * 40)
    outcomes = run_both(first, second, 10.0)
    assert [one.exit_code for one in outcomes] == [0, 0]
    assert list(first.cloud.images) == [ImageId("image-1")]
    adopters = [
        one
        for one in (first, second)
        if any(isinstance(e, ImageAdopted) for e in one.ledger.events("web-0"))
    ]
    assert len(adopters) == 1


@pytest.mark.fault(25)
def test_beside_another_run_a_look_that_is_refused_leaves_a_shell_without_a_file() -> (
    None
):
    """Whether an older shell is there cannot be told, so the next run goes on."""
    one = rig(1, job_s=300.0)
    one.run(stop_after_s=40.0)
    one.lose_ledger()
    one.specs = rig(2).specs
    refused = service_error(FaultKind.FORBIDDEN)

    def reads(call: str) -> ServiceError | None:
        has_shell = len(one.cloud.images) == 2
        return refused if call == "list" and has_shell else None

    one.cloud.read_error = reads
    one.run()
    record = one.ledger.replay()[one.specs[1].key]
    assert record.stage == Unknown(
        fault=refused.fault, was=Created(image_id=ImageId("image-2"))
    )
    assert one.cloud.accepted_registers[ImageId("image-2")] == 0
    one.cloud.read_error = lambda _: None
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (2, [1, 1])


def test_one_run_alone_never_waits_for_another() -> None:
    """Lost replies and failed jobs leave images that are its own all the same."""
    one = rig(4, job_s=20.0, list_lag_s=8.0)
    one.cloud.replies.extend(["lose-after", "ok", "ok", "lose-after"])
    assert one.run().exit_code == 0
    events = [event for key in range(4) for event in one.ledger.events(f"web-{key}")]
    assert not any(isinstance(event, DuplicateSeen) for event in events)
    assert one.elapsed_s < 60.0 + 100.0


def test_what_lists_lagged_is_remembered_for_the_next_run() -> None:
    one = rig(3, job_s=60.0, list_lag_s=18.0)
    one.run()
    lag_s = one.ledger.observed[LIST_LAG]
    assert isinstance(lag_s, float)
    assert 15.0 <= lag_s <= 25.0
    raised = [facts for name, facts in one.notebook.notices if name == "settle.raised"]
    assert raised[-1] == {"settle_s": pytest.approx(3 * lag_s, abs=0.2)}
    one.specs = [*one.specs, *rig(5).specs[3:]]
    run = one.build()
    assert run._limits.watch.settle_s == pytest.approx(3 * lag_s)


def test_a_run_that_measures_less_lets_the_settle_time_come_down_again() -> None:
    one = rig(1, job_s=20.0)
    one.ledger.observed[LIST_LAG] = 40.0
    one.run()
    assert one.ledger.observed[LIST_LAG] == 0.0


def test_a_run_that_measures_nothing_keeps_what_is_remembered() -> None:
    one = rig(0)
    one.ledger.observed[LIST_LAG] = 40.0
    one.run()
    assert one.ledger.observed[LIST_LAG] == 40.0
