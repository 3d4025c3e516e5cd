"""A run under an image quota: who is made, who waits, and when those start after all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from batch_register.engine import Batch, foresee
from batch_register.engine.quota import _READ_EVERY_S
from batch_register.errors import ServiceError
from batch_register.event import EntryDeferred, RetryStarted
from batch_register.model import (
    Action,
    Fault,
    FaultKind,
    Manifest,
    StopReason,
)
from batch_register.plan import Intention, RetryPolicy
from batch_register.stage import Deferred
from tests.engine.rig import Rig, rig
from tests.fakes import service_error, spec
from tests.virtual_time import run_virtually

JOB_FAULT = Fault(
    kind=FaultKind.JOB_FAILED, code="IMG.1", reason="broken", action=Action.FIX_SOURCE
)


def states(one: Rig) -> str:
    """Return the first letter of each entry's state, in file order."""
    records = one.ledger.replay()
    return "".join(records[each.key].state.value[0] for each in one.specs)


def at(seconds: float, change: Callable[[], None]) -> Callable[[], None]:
    """Return what schedules a change so long after now."""

    def schedule() -> None:
        asyncio.get_running_loop().call_later(seconds, change)

    return schedule


def run_with(one: Rig, prepare: Callable[[], None]):
    async def scenario():
        prepare()
        return await one.execute()

    return one.play(scenario())


def set_quota(one: Rig, limit: int) -> Callable[[], None]:
    def change() -> None:
        one.cloud.quota = limit

    return change


@pytest.mark.fault(36)
def test_what_does_not_fit_is_deferred_without_a_request_for_it() -> None:
    one = rig(5, quota=3)
    outcome = one.run()
    assert outcome.exit_code == 6
    assert states(one) == "aaadd"
    assert one.cloud.calls["create"] == 3
    assert one.cloud.calls["quota"] == 2  # at first, and once more before giving up
    (event,) = one.ledger.events("web-4")
    assert isinstance(event, EntryDeferred)
    assert event.error.code == "quota.full"
    assert event.error.action is Action.RAISE_QUOTA


@pytest.mark.fault(36)
def test_what_was_deferred_goes_first_in_the_next_run() -> None:
    one = rig(4, quota=2)
    one.run()
    one.specs = [spec("urgent", priority=1), spec("new", size_bytes=9), *one.specs]
    one.cloud.quota = 9
    one.concurrency = 1
    one.cloud.log.clear()
    assert one.run().exit_code == 0
    sent = [line.split()[-1] for line in one.cloud.log if "send create" in line]
    assert sent == ["urgent", "web-2", "web-3", "new"]


def test_images_of_others_count() -> None:
    one = rig(2, quota=3)
    one.run()
    one.specs = [*one.specs, spec("c"), spec("d")]
    assert one.run().exit_code == 6
    assert states(one) == "aaad"


@pytest.mark.fault(36)
def test_a_quota_that_grows_while_images_are_in_flight_lets_the_rest_start() -> None:
    one = rig(6, quota=2, job_s=600.0)
    assert run_with(one, at(200.0, set_quota(one, 5))).exit_code == 6
    assert states(one) == "aaaaad"
    assert one.cloud.calls["quota"] <= 1800 / _READ_EVERY_S + 2


@pytest.mark.fault(36)
def test_the_run_does_not_outlast_its_images_to_wait_for_room() -> None:
    one = rig(3, quota=1, job_s=50.0)
    run_with(one, at(60.0, set_quota(one, 3)))
    assert states(one) == "add"


def test_room_that_came_just_before_the_end_is_found_by_a_last_look() -> None:
    one = rig(3, quota=1, job_s=50.0)
    assert run_with(one, at(48.0, set_quota(one, 3))).exit_code == 0


@pytest.mark.fault(36)
def test_a_quota_that_shrinks_costs_one_refusal_at_most() -> None:
    one = rig(9, quota=8, job_s=300.0)
    outcome = run_with(one, at(10.0, set_quota(one, 3)))
    assert (outcome.exit_code, outcome.counts.active) == (6, 3)
    assert one.cloud.calls["create"] <= 4
    assert states(one) == "aaadddddd"


@pytest.mark.fault(36)
def test_a_quota_that_shrinks_is_noticed_while_entries_wait() -> None:
    one = rig(9, quota=8, job_s=300.0)
    outcome = run_with(one, at(_READ_EVERY_S - 1, set_quota(one, 2)))
    assert (outcome.exit_code, outcome.counts.active) == (6, 2)
    assert one.cloud.calls["create"] == 2  # read in time: none was refused


@pytest.mark.fault(8, 36)
def test_a_service_that_refuses_in_spite_of_its_quota_is_asked_once() -> None:
    one = rig(30, job_s=60.0, replies=deque(["ok"] * 8 + ["quota"]))
    outcome = one.run()
    # the sixth create was under way already
    assert (outcome.exit_code, outcome.counts.active) == (6, 5)
    assert one.cloud.calls["create"] == 6
    assert one.cloud.calls["quota"] <= 5


def test_shells_that_exist_take_no_new_room() -> None:
    """A refused register leaves a shell, which the next run uses again."""
    one = rig(3, quota=2, replies=deque(["ok", "ok", "refuse", "refuse"]))
    one.run()
    assert states(one) == "ffd"
    assert one.run().exit_code == 6
    assert states(one) == "aad"


def test_a_replaced_image_leaves_its_place_to_its_own_entry() -> None:
    one = rig(2, quota=1, failing_jobs={"web-0": JOB_FAULT})
    one.run()
    assert states(one) == "fd"
    one.specs = [one.specs[1], one.specs[0]]
    one.cloud.failing_jobs.clear()
    one.run()
    assert states(one) == "da"


def test_a_failed_entry_without_an_image_waits_like_a_new_one() -> None:
    one = rig(1, replies=deque(["refuse"]))
    one.run()
    one.cloud.quota = 0
    assert one.run().exit_code == 6
    assert [type(event) for event in one.ledger.events("web-0")][-2:] == [
        RetryStarted,
        EntryDeferred,
    ]
    one.cloud.quota = 1
    assert one.run().exit_code == 0


@pytest.mark.fault(36)
def test_a_cloud_that_does_not_tell_is_asked_by_trying() -> None:
    one = rig(5, quota=3)
    one.concurrency = 1

    def untold(call: str) -> ServiceError | None:
        return service_error(FaultKind.FORBIDDEN) if call == "quota" else None

    one.cloud.read_error = untold
    assert one.run().exit_code == 6
    assert states(one) == "aaadd"
    assert (one.cloud.calls["create"], one.cloud.calls["quota"]) == (4, 1)
    assert "quota.not_told" in [name for name, _ in one.notebook.notices]


def test_a_run_that_makes_nothing_does_not_ask_for_the_quota() -> None:
    one = rig(3, job_s=100.0)
    one.concurrency = 3
    one.run(stop_after_s=30.0)
    one.cloud.calls.clear()
    assert one.run().exit_code == 0
    assert one.run().exit_code == 0
    assert one.cloud.calls["quota"] == 0


def test_a_stop_while_entries_wait_leaves_them_deferred() -> None:
    one = rig(4, quota=2, job_s=300.0)
    outcome = one.run(stop_after_s=30.0, reason=StopReason.SIGTERM)
    assert outcome.exit_code == 143
    assert states(one) == "uudd"
    one.cloud.quota = 9
    assert one.run().exit_code == 0


def test_a_thousand_that_wait_are_deferred_without_a_slot_each() -> None:
    one = rig(1000, quota=1, job_s=60.0)
    outcome = one.run()
    assert outcome.counts.deferred == 999
    assert one.elapsed_s < 60.0 + 60.0 + 15.0


KEYS = st.lists(
    st.tuples(st.integers(0, 1), st.none() | st.integers(1, 3)), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=60)
@given(KEYS, st.integers(0, 9), st.integers(0, 3), st.integers(0, 2), st.data())
def test_a_plan_says_who_will_be_deferred(drawn, limit, refused, failed, data) -> None:
    """Whatever an earlier run has left behind, plan and run agree on every entry."""
    one = rig(
        [
            spec(f"e{n}", priority=priority, size_bytes=size)
            for n, (priority, size) in enumerate(drawn)
        ],
        failing_jobs={f"e{n}": JOB_FAULT for n in range(failed)},
        replies=deque(["ok"] * 3 + ["refuse"] * refused),
    )
    one.concurrency = data.draw(st.integers(1, 4))
    one.run(stop_after_s=data.draw(st.sampled_from([15.0, 40.0, 500.0])))
    one.cloud.failing_jobs.clear()
    one.cloud.replies.clear()
    one.cloud.quota = max(limit, len(one.cloud.images))
    batch = Batch(
        manifest=Manifest(name="wave-07", images=tuple(one.specs)),
        records=one.ledger.replay(),
        is_selected=lambda _: True,
        is_new_ledger=False,
    )
    room = one.cloud.quota - len(one.cloud.images)
    work = run_virtually(batch.work(RetryPolicy()))
    forecast = run_virtually(foresee(batch, work, {}, room))
    told = {
        each.key for each in forecast.decisions if each.intention is Intention.DEFER
    }
    one.run()
    deferred = {
        key
        for key, each in one.ledger.replay().items()
        if isinstance(each.stage, Deferred)
    }
    assert deferred == told
