"""Requests counted where they go out, and the pauses that the service asked for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batch_register.errors import ServiceError
from batch_register.model import (
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    JobId,
    Quota,
)
from batch_register.stopping import Stop
from batch_register.throttle import Meter, Metered, Throttle
from tests.fakes import ScriptedService, service_error, spec
from tests.ledger.disks import TickingClock
from tests.throttle.test_service import POLICY, Highest
from tests.virtual_time import run_virtually

IMAGE, JOB = ImageId("image-1"), JobId("job-1")
VIEW = ImageView(image_id=IMAGE, name="web-01", status=ImageStatus.QUEUED)
FULL = Quota(used=49, limit=50)


class LoopClock:
    """A wall clock that goes with the loop, from a given night on."""

    def now(self) -> datetime:
        seconds = asyncio.get_running_loop().time()
        return datetime(2026, 3, 4, tzinfo=UTC) + timedelta(seconds=seconds)


def metered(meter: Meter, **answers: Any) -> Metered:
    return Metered(ScriptedService(answers=answers), meter)


def test_every_call_counts_under_its_own_name() -> None:
    meter = Meter(TickingClock())
    images = metered(
        meter,
        create=[VIEW],
        register=[JOB],
        delete=[None],
        get_image=[None],
        get_job=[None],
        list=[[]],
        quota=[FULL],
    )

    async def scenario() -> None:
        await images.create_image(spec(), ())
        await images.register_image(IMAGE, spec())
        await images.delete_image(IMAGE)
        await images.get_image(IMAGE)
        await images.get_job(JOB)
        await images.list_images(ImageQuery())
        await images.get_quota()

    run_virtually(scenario())
    usage = meter.usage(retries=0)
    assert usage.requests == {
        "create_image": {"ok": 1},
        "register_image": {"ok": 1},
        "delete_image": {"ok": 1},
        "get_image": {"ok": 1},
        "get_job": {"ok": 1},
        "list_images": {"ok": 1},
        "get_quota": {"ok": 1},
    }
    assert usage.quota == FULL


def test_a_call_that_fails_counts_by_what_went_wrong_and_is_passed_on() -> None:
    meter = Meter(TickingClock())
    images = metered(meter, list=[service_error(FaultKind.SERVER), []])

    async def scenario() -> None:
        with pytest.raises(ServiceError):
            await images.list_images(ImageQuery())
        await images.list_images(ImageQuery())

    run_virtually(scenario())
    assert meter.usage(retries=0).requests == {"list_images": {"server": 1, "ok": 1}}


def test_a_call_that_the_run_gives_up_counts_as_cancelled() -> None:
    meter = Meter(TickingClock())
    service = ScriptedService(answers={"list": [[]]}, takes_s=60.0)

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await Metered(service, meter).list_images(ImageQuery())

    run_virtually(scenario())
    assert meter.usage(retries=0).requests == {"list_images": {"cancelled": 1}}


def test_behind_a_throttle_every_attempt_counts_with_its_pause_and_its_retry() -> None:
    meter = Meter(LoopClock())
    refusal = service_error(FaultKind.THROTTLED, retry_after_s=7.0)
    images = metered(meter, list=[refusal, service_error(FaultKind.SERVER), []])

    async def scenario() -> Throttle:
        throttle = Throttle(images, POLICY, stop=Stop(), observer=meter, rng=Highest())
        await throttle.list_images(ImageQuery())
        return throttle

    async def measured() -> None:
        throttle = await scenario()
        usage = meter.usage(retries=throttle.lessons.retries)
        (pause,) = usage.pauses
        begin = datetime(2026, 3, 4, tzinfo=UTC)
        assert usage.requests["list_images"] == {"throttled": 1, "server": 1, "ok": 1}
        assert (usage.retries, usage.throttled) == (2, 1)
        assert pause == (begin, begin + timedelta(seconds=7))

    run_virtually(measured())


def test_a_refusal_that_asks_for_no_pause_counts_all_the_same() -> None:
    meter = Meter(TickingClock())
    meter.noticed("service.throttled", wait_s=0.0)
    usage = meter.usage(retries=0)
    assert (usage.throttled, usage.pauses) == (1, ())


def test_what_else_is_noticed_is_no_pause() -> None:
    meter = Meter(TickingClock())
    meter.noticed("service.call_failed", wait_s=5.0)
    assert meter.usage(retries=0).pauses == ()
    assert meter.usage(retries=0).throttled == 0
