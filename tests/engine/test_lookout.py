"""What is looked at in the moment in which a write goes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest

from batch_register.engine import Batch, Lookout
from batch_register.engine.lookout import SeenError
from batch_register.entry import EntryRecord
from batch_register.errors import ServiceError, StoppedError
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    Applied,
    EntryKey,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    JobId,
    Manifest,
    StopReason,
    entry_digest,
    identity_tags,
)
from batch_register.stage import Created
from batch_register.stopping import Stop
from tests.engine.rig import watch_limits
from tests.fakes import ScriptedService, service_error, spec
from tests.virtual_time import run_virtually

SPEC = spec("web-01")
MINE, OTHER = ImageId("image-1"), ImageId("image-0")
TAGS = identity_tags("wave-07", SPEC)
THEIRS = ImageView(image_id=OTHER, name="web-01", status=ImageStatus.QUEUED, tags=TAGS)
OURS = replace(THEIRS, image_id=MINE, created_at="2026-09-01T00:00:00Z")
BY_ENTRY = ImageQuery(tag=(ENTRY_TAG, entry_digest("wave-07", EntryKey("web-01"))))
BY_MANIFEST = ImageQuery(tag=(MANIFEST_TAG, "wave-07"))


class Bench:
    """A lookout over a scripted service, for one entry."""

    def __init__(self, *, has_shell: bool = False, **answers: Any) -> None:
        self.record = record = EntryRecord(key=SPEC.key, name=SPEC.name)
        if has_shell:
            record.stage = Created(image_id=MINE)
            record.image_created_at = OURS.created_at
        self.service, self.stop = (
            ScriptedService(answers={"list": [[]]} | answers),
            Stop(),
        )
        batch = Batch(
            manifest=Manifest(name="wave-07", images=(SPEC,)),
            records={SPEC.key: record},
            is_selected=lambda _: True,
            is_new_ledger=True,
        )
        self.limits = watch_limits()
        self.lookout = Lookout(self.service, batch, self.limits, stop=self.stop)

    async def create(self) -> ImageView:
        return await self.lookout.create_image(SPEC, TAGS)

    async def register(self) -> JobId:
        return await self.lookout.register_image(MINE, SPEC)

    async def after_list(self, seconds: float, write: Any) -> Any:
        """Write so long after a whole list."""
        await self.lookout.list_images(BY_MANIFEST)
        await asyncio.sleep(seconds)
        return await write()

    @property
    def calls(self) -> list[str]:
        return [call for _, call in self.service.sent]


def test_a_recent_list_lets_a_write_out_at_once() -> None:
    bench = Bench(create=[OURS])
    assert run_virtually(bench.after_list(15.0, bench.create)) == OURS
    assert bench.calls == ["list", "create"]


@pytest.mark.parametrize("write", ["create", "register"])
def test_without_a_recent_list_there_is_a_look_first(write: str) -> None:
    bench = Bench(has_shell=write == "register", create=[OURS], register=[JobId("j")])
    run_virtually(bench.after_list(15.1, getattr(bench, write)))
    assert bench.calls == ["list", "list", write]
    assert bench.service.queries == [BY_MANIFEST, BY_MANIFEST]


@pytest.mark.parametrize("images", [0, 401])
def test_the_entrys_own_images_are_looked_for_where_all_do_not_fit_on_a_page(
    images: int,
) -> None:
    shown = [replace(THEIRS, image_id=ImageId(f"i-{n}"), tags=()) for n in range(401)]
    bench = Bench(create=[OURS], list=[shown, []])
    if images:
        run_virtually(bench.after_list(15.1, bench.create))
        assert bench.service.queries == [BY_MANIFEST, BY_ENTRY]
    else:
        run_virtually(bench.create())
        assert bench.service.queries == [BY_ENTRY]


def test_one_look_serves_all_writes_that_wait_for_it_and_none_a_moment_later() -> None:
    bench = Bench(create=[OURS])

    async def scenario() -> None:
        await bench.lookout.list_images(BY_MANIFEST)
        for pause_s in (15.1, 1.1):
            await asyncio.sleep(pause_s)
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(_quietly(bench.create()))

    run_virtually(scenario())
    assert bench.calls.count("create") == 6
    assert bench.service.queries == [BY_MANIFEST] * 3


def test_a_look_from_before_a_create_does_not_serve_its_register() -> None:
    """Another run may have made its own in between, and must be seen by one of both."""
    bench = Bench(create=[OURS], register=[JobId("j")])

    async def scenario() -> None:
        await bench.after_list(15.1, bench.create)
        await bench.register()

    run_virtually(scenario())
    assert bench.calls == ["list", "list", "create", "list", "register"]


async def _quietly(call: Awaitable[object]) -> None:
    await call


@pytest.mark.parametrize("write", ["create", "register"])
def test_a_write_that_another_image_goes_before_is_not_sent(write: str) -> None:
    bench = Bench(has_shell=write == "register", list=[[THEIRS]])
    with pytest.raises(SeenError) as seen:
        run_virtually(getattr(bench, write)())
    assert seen.value.finding.image == THEIRS
    assert bench.calls == ["list"]


@pytest.mark.parametrize("status", [ImageStatus.SAVING, ImageStatus.ACTIVE])
def test_an_image_that_was_taken_over_is_not_registered_once_it_has_its_file(
    status: ImageStatus,
) -> None:
    """Its maker has registered it while this run held its own register back."""
    bench = Bench(list=[[OURS], [replace(OURS, status=status)]])

    async def scenario() -> None:
        await bench.lookout.list_images(BY_MANIFEST)
        bench.record.stage = Created(image_id=MINE)
        await bench.after_list(0.0, bench.register)

    with pytest.raises(SeenError) as seen:
        run_virtually(scenario())
    assert seen.value.finding.image.image_id == MINE
    assert bench.calls == ["list", "list"]


def test_an_image_that_was_taken_over_is_registered_while_it_waits_for_its_file() -> (
    None
):
    bench = Bench(list=[[OURS]], register=[JobId("job-1")])

    async def scenario() -> JobId:
        await bench.lookout.list_images(BY_MANIFEST)
        bench.record.stage = Created(image_id=MINE)
        return await bench.register()

    assert run_virtually(scenario()) == JobId("job-1")


def test_a_younger_shell_stops_no_register() -> None:
    younger = replace(THEIRS, created_at="2026-09-01T00:00:01Z")
    bench = Bench(has_shell=True, list=[[younger, OURS]], register=[JobId("job-1")])
    assert run_virtually(bench.register()) == JobId("job-1")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (FaultKind.LOST, FaultKind.LOST),
        (FaultKind.THROTTLED, FaultKind.THROTTLED),
        (FaultKind.UNAUTHENTICATED, FaultKind.UNAUTHENTICATED),
        (FaultKind.MISREAD, FaultKind.SERVER),
        (FaultKind.REJECTED, FaultKind.SERVER),
    ],
)
def test_a_look_that_fails_means_that_the_write_was_not_sent_and_may_be_later(
    kind: FaultKind, told: FaultKind
) -> None:
    refused = service_error(kind, applied=Applied.UNKNOWN)
    bench = Bench(list=[refused])
    with pytest.raises(ServiceError) as failed:
        run_virtually(bench.create())
    assert (failed.value.kind, failed.value.applied) == (told, Applied.NO)
    assert bench.calls == ["list"]


def test_a_stop_during_the_look_keeps_the_write_back() -> None:
    bench = Bench()
    bench.service.takes_s = 2.0

    async def scenario() -> None:
        asyncio.get_running_loop().call_later(
            1.0, bench.stop.request, StopReason.SIGTERM
        )
        await bench.create()

    with pytest.raises(StoppedError):
        run_virtually(scenario())
    assert bench.calls == ["list"]


def test_what_lists_lag_is_measured_on_creates() -> None:
    """Made at 15.1 s, missed by a list 20 s later, shown by one 5 s after that."""
    bench = Bench(create=[OURS], list=[[], [], [], [OURS]])

    async def scenario() -> None:
        await bench.after_list(15.1, bench.create)
        for wait_s in (20.0, 5.0):
            await asyncio.sleep(wait_s)
            await bench.lookout.list_images(BY_MANIFEST)

    run_virtually(scenario())
    assert bench.limits.settle.measured_lag_s == 20.0  # no list was so far apart
    assert bench.limits.settle_s == 60.0


def test_a_list_of_something_else_measures_nothing() -> None:
    bench = Bench(create=[OURS])

    async def scenario() -> None:
        await bench.after_list(0.0, bench.create)
        await asyncio.sleep(9.0)
        await bench.lookout.list_images(BY_ENTRY)
        await bench.lookout.list_images(ImageQuery())

    run_virtually(scenario())
    assert bench.limits.settle.measured_lag_s is None


def test_everything_else_is_passed_on() -> None:
    bench = Bench(get_image=[OURS], get_job=[None], quota=["quota"])

    async def scenario() -> list[object]:
        await bench.lookout.delete_image(MINE)
        return [
            await bench.lookout.get_image(MINE),
            await bench.lookout.get_job(JobId("job-1")),
            await bench.lookout.get_quota(),
        ]

    assert run_virtually(scenario()) == [OURS, None, "quota"]
    assert bench.calls == ["delete", "get_image", "get_job", "quota"]


@pytest.mark.parametrize(
    "query",
    [ImageQuery(image_id=MINE), ImageQuery(name="web-01"), BY_ENTRY],
)
def test_a_list_of_one_image_makes_no_other_write_fresh(query: ImageQuery) -> None:
    bench = Bench(create=[OURS])

    async def scenario() -> None:
        await bench.lookout.list_images(query)
        await bench.create()

    run_virtually(scenario())
    assert bench.calls == ["list", "list", "create"]


@pytest.mark.fault(25)
def test_what_begins_after_an_empty_list_was_begun_by_another_run() -> None:
    bench = Bench(list=[[], [THEIRS]])

    async def scenario() -> bool:
        await bench.lookout.list_images(BY_MANIFEST)
        await asyncio.sleep(2 * bench.limits.settle_s + 1.0)
        await bench.lookout.list_images(BY_MANIFEST)
        return bench.lookout.sightings.is_contended(1e6)

    assert run_virtually(scenario())
