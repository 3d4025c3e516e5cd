"""Images that other runs, or earlier nights, have left: what they may and may not cost."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

import pytest

from batch_register.engine import RunOutcome
from batch_register.model import (
    Action,
    FaultKind,
    ImageId,
    ImageSpec,
    ImageStatus,
    ImageView,
    identity_tags,
)
from batch_register.stage import Unknown
from tests.engine.rig import Rig, rig
from tests.fakes import FakeCloud, fault, spec

JOB_S = 20.0


def nightly_s(one: Rig, nights: int) -> list[float]:
    """Run for some nights, a new entry each; return how long each took."""
    took: list[float] = []
    for night in range(nights):
        began_s = one.elapsed_s
        one.run()
        took.append(one.elapsed_s - 60.0 - began_s)
        one.specs = [*one.specs, spec(f"new-{night}")]
    return took


def a_queued_shell() -> Rig:
    """Return a rig whose run was stopped while the service was too busy to register."""
    one = rig(1, job_s=JOB_S, replies=deque(["ok", *["busy"] * 40]))
    one.run(stop_after_s=8.0)
    one.cloud.replies.clear()
    assert one.images_and_jobs() == (1, [0])
    return one


# ------------------------------------------------------------ a run alone does not wait


def test_a_conflict_that_is_on_record_delays_no_later_night() -> None:
    one = rig(1, job_s=JOB_S)
    one.run()
    one.lose_ledger()
    one.specs = [replace(one.specs[0], min_disk_gb=77), *rig(3).specs[1:]]
    assert nightly_s(one, 3)[1:] == [pytest.approx(JOB_S, abs=10.0)] * 2


def test_a_killed_image_of_a_lost_ledger_delays_nothing() -> None:
    one = rig(1, job_s=JOB_S)
    one.cloud.failing_jobs["web-0"] = fault(FaultKind.JOB_FAILED)
    one.run()
    one.lose_ledger()
    one.cloud.failing_jobs.clear()
    one.specs = rig(3).specs
    assert max(nightly_s(one, 3)) < 120.0


def test_a_shell_that_the_run_itself_registers_is_no_other_run_at_work() -> None:
    """The ledger was lost: the shell is taken over, and its file is our own doing."""
    one = a_queued_shell()
    one.lose_ledger()
    one.specs = rig(12).specs
    began_s = one.elapsed_s
    assert one.run().exit_code == 0
    assert one.elapsed_s - 60.0 - began_s < 300.0


# ------------------------------------------------------------ what is gone is gone


def test_a_stranger_that_was_deleted_since_is_not_taken_over_from_memory() -> None:
    one = rig(3, job_s=40.0)
    one.concurrency = 1
    last = one.specs[2]

    async def scenario() -> RunOutcome:
        running = asyncio.create_task(one.build().execute())  # noqa: TID251 - awaited
        await asyncio.sleep(20)
        ghost = await FakeCloud.create_image(
            one.cloud, last, identity_tags("wave-07", last)
        )
        await asyncio.sleep(12)
        del one.cloud.images[ghost.image_id]
        return await running

    assert one.play(scenario()).exit_code == 0
    assert sorted(image.view.name for image in one.cloud.images.values()) == [
        "web-0",
        "web-1",
        "web-2",
    ]


def test_a_stranger_that_the_service_has_given_up_is_not_taken_over() -> None:
    """The list still shows it as queued."""
    one = rig(1, job_s=JOB_S)
    first = one.specs[0]
    real = one.cloud.get_image

    async def get_image(image_id: ImageId) -> ImageView | None:
        view = await real(image_id)
        if view is None or image_id != ImageId("image-1"):
            return view
        return replace(view, status=ImageStatus.KILLED, raw_status="killed")

    async def scenario() -> RunOutcome:
        await FakeCloud.create_image(one.cloud, first, identity_tags("wave-07", first))
        one.cloud.get_image = get_image  # type: ignore[method-assign]
        return await one.execute()

    assert one.play(scenario()).exit_code == 0
    assert one.ledger.replay()[first.key].image_id == ImageId("image-2")


# ------------------------------------------------------------ lists leave no gap


def test_what_was_made_while_no_list_came_in_is_seen_before_a_write() -> None:
    """Lists are narrowed to what is in flight; after a gap they reach back over it."""
    one = rig(1, job_s=JOB_S)
    one.run()  # so that tag queries are trusted
    one.specs = rig(4).specs
    one.concurrency = 1
    last = one.specs[3]

    async def other_run() -> None:
        held, one.cloud.replies = one.cloud.replies, deque()
        tags = identity_tags("wave-07", last)
        view = await FakeCloud.create_image(one.cloud, last, tags)
        await FakeCloud.register_image(one.cloud, view.image_id, last)
        one.cloud.replies = held

    async def scenario() -> RunOutcome:
        running = asyncio.create_task(one.build().execute())  # noqa: TID251 - awaited
        await asyncio.sleep(15)
        one.cloud.replies.extend(["lose-before"] * 2)  # creates of the next entry
        one.cloud.write_s = 20.0
        await asyncio.sleep(15)
        await other_run()
        loop = asyncio.get_running_loop()
        loop.call_later(112, setattr, one.cloud, "write_s", 0.0)
        return await running

    assert one.play(scenario()).exit_code == 0
    assert len(one.cloud.accepted_registers) == 4
    assert len(one.cloud.images) == 4


# ------------------------------------------------------------ nothing waits for ever


def test_an_active_image_whose_job_failed_asks_for_a_person() -> None:
    one = rig(1, job_s=JOB_S)
    one.cloud.failing_jobs["web-0"] = fault(FaultKind.JOB_FAILED)
    one.run()
    real = one.cloud.get_image

    async def risen(image_id: ImageId) -> ImageView | None:
        view = await real(image_id)
        return view and replace(view, status=ImageStatus.ACTIVE, size_bytes=5)

    one.cloud.get_image = risen  # type: ignore[method-assign]
    for _ in range(2):
        assert one.run().exit_code == 4
    stage = one.ledger.replay()[one.specs[0].key].stage
    assert isinstance(stage, Unknown)
    assert (stage.fault.code, stage.fault.action) == (
        "image.risen",
        Action.CONTACT_PROVIDER,
    )


def test_an_image_that_is_taken_over_is_no_further_image_any_more() -> None:
    one = a_queued_shell()
    entry: ImageSpec = one.specs[0]
    record = one.ledger.replay()[entry.key]
    record.duplicates = frozenset({ImageId("image-9")})
    one.lose_ledger()
    one.run()
    assert one.ledger.replay()[entry.key].duplicates == frozenset()
