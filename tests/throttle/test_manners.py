"""Limits that are learned from refusals, through the throttle's own calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from batch_register.errors import ServiceError, StoppedError
from batch_register.model import (
    Applied,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    JobId,
    RequestLimit,
    StopReason,
)
from batch_register.throttle import CountedLists, Lessons, Throttle, ThrottlePolicy
from batch_register.throttle.window import Call
from tests.fakes import ScriptedService, fault, service_error, spec
from tests.throttle.test_service import Bench, _outcome
from tests.virtual_time import run_virtually

IMAGE, JOB = ImageId("image-1"), JobId("job-1")
VIEW = ImageView(image_id=IMAGE, name="web-01", status=ImageStatus.QUEUED)
RULE = RequestLimit(limit=5, window_s=60.0)


def told(rule: RequestLimit, retry_after_s: float | None = None) -> ServiceError:
    """Return a 429 that names a rule, and how long to stay away beside it."""
    reason: Fault = fault(FaultKind.THROTTLED)
    wait_s = rule.window_s if retry_after_s is None else retry_after_s
    return ServiceError("test", reason, retry_after_s=wait_s, limit=rule)


BUSY = service_error(FaultKind.BUSY)


@pytest.mark.fault(6, 7)
def test_a_rule_that_is_learned_holds_its_own_calls_only() -> None:
    bench = Bench(get_image=[*[VIEW] * 5, told(RULE), VIEW], list=[[VIEW]])

    async def scenario() -> None:
        for _ in range(7):
            await bench.get()
            await asyncio.sleep(1)
        await bench.throttle.list_images(ImageQuery())

    run_virtually(scenario())
    times = bench.service.times("get_image")
    assert times[:6] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]  # the sixth is refused
    assert times[6:] == pytest.approx([60.0, 61.0], abs=0.1)
    assert bench.service.times("list") == pytest.approx([62.0], abs=0.1)
    assert bench.notebook.notices == [
        ("throttle.limit_learned", {"limits": {"get_image": "5 per 60s"}}),
        ("service.throttled", {"operation": "test", "code": "test", "wait_s": 55.0}),
    ]


@pytest.mark.fault(6)
def test_a_rule_for_all_calls_holds_all() -> None:
    bench = Bench(get_image=[VIEW], create=[VIEW, VIEW, told(RULE), VIEW])

    async def scenario() -> None:
        for _ in range(3):
            await bench.get()
        for _ in range(3):
            await bench.create()
        await bench.get()

    run_virtually(scenario())
    assert bench.service.times("create")[3] == pytest.approx(60.0, abs=0.1)
    assert bench.service.times("get_image")[3] == pytest.approx(60.0, abs=0.1)
    assert bench.throttle.lessons.traffic.limits() == {"all": RULE}


@pytest.mark.fault(6)
def test_a_rule_that_others_have_used_up_is_waited_for_by_all() -> None:
    bench = Bench(get_image=[told(RULE), VIEW], list=[[VIEW]])

    async def later() -> object:
        await asyncio.sleep(1)
        return await bench.throttle.list_images(ImageQuery())

    assert bench.run(bench.get(), later()) == [VIEW, [VIEW]]
    assert bench.service.times("list") == [60.0]
    assert bench.throttle.lessons.traffic.limits() == {}


@pytest.mark.fault(6)
def test_a_header_counts_more_than_the_rule_in_the_text() -> None:
    bench = Bench(get_image=[*[VIEW] * 5, told(RULE, 100.0), VIEW])

    async def scenario() -> None:
        for _ in range(6):
            await bench.get()

    run_virtually(scenario())
    assert bench.service.times("get_image")[6] == 100.0


@pytest.mark.fault(6)
def test_after_a_refusal_one_call_goes_first_and_the_others_by_and_by() -> None:
    """A gateway that is still closed must not be asked by everybody at once."""
    refused = service_error(FaultKind.THROTTLED, retry_after_s=10.0)
    bench = Bench(get_image=[*[refused] * 12, VIEW])
    bench.service.takes_s = 1.0
    assert bench.run(*[bench.get() for _ in range(10)]) == [VIEW] * 10
    sent = Counter(bench.service.times("get_image"))
    assert sent[0.0] == 10
    assert [sent[11.0], sent[22.0]] == [1, 1]  # both refused
    assert [sent[33.0], sent[34.0], sent[35.0]] == [1, 2, 4]


def test_a_stop_ends_the_wait_behind_the_first_call() -> None:
    refused = service_error(FaultKind.THROTTLED, retry_after_s=10.0)
    bench = Bench(get_image=[refused, refused, VIEW])
    bench.service.takes_s = 5.0

    async def scenario() -> list[object]:
        loop = asyncio.get_running_loop()
        loop.call_later(17.0, bench.stop.request, StopReason.SIGTERM)
        return await bench._all((bench.get(), bench.get()))

    first, second = run_virtually(scenario())
    assert first == VIEW
    assert isinstance(second, StoppedError)


def test_a_stop_ends_the_wait_for_a_window() -> None:
    bench = Bench(get_image=[*[VIEW] * 5, told(RULE), VIEW])

    async def scenario() -> tuple[object, float]:
        loop = asyncio.get_running_loop()
        loop.call_later(17.0, bench.stop.request, StopReason.SIGTERM)
        for _ in range(5):
            await bench.get()
        return await _outcome(bench.get()), loop.time()

    ended, at_s = run_virtually(scenario())
    assert isinstance(ended, StoppedError)
    assert at_s == 17.0


# ------------------------------------------------------------------ jobs


class Jobs(ScriptedService):
    """A service that takes so many unfinished jobs, each of which lasts for a while."""

    def __init__(self, limit: int) -> None:
        super().__init__(takes_s=0.2)
        self.limit = limit
        self.unfinished = self.peak_jobs = self.refused = self.shells = 0

    async def create_image(self, spec: Any, tags: Any) -> ImageView:
        await self._answer("create")
        self.shells += 1
        return VIEW

    async def register_image(self, image_id: ImageId, spec: Any) -> JobId:
        await self._answer("register")
        if self.unfinished >= self.limit:
            self.refused += 1
            raise service_error(FaultKind.BUSY)
        self.unfinished += 1
        self.shells -= 1
        self.peak_jobs = max(self.peak_jobs, self.unfinished)
        return JOB


async def _entry(bench: Bench, jobs: Jobs, job_s: float) -> None:
    await bench.create()
    await bench.register()
    await asyncio.sleep(job_s)
    jobs.unfinished -= 1


def jobs_bench(limit: int, policy: ThrottlePolicy | None = None) -> tuple[Bench, Jobs]:
    bench, jobs = Bench(policy or ThrottlePolicy()), Jobs(limit)
    bench.throttle._service = jobs
    return bench, jobs


@pytest.mark.fault(8)
@pytest.mark.parametrize("limit", [1, 3, 10, 25])
def test_a_hidden_task_limit_is_found_with_few_refusals(limit: int) -> None:
    bench, jobs = jobs_bench(limit)
    most_shells = 0

    async def scenario() -> float:
        nonlocal most_shells
        async with asyncio.TaskGroup() as group:
            for _ in range(20 * limit):
                group.create_task(_entry(bench, jobs, 300.0))
            await asyncio.sleep(100)
            most_shells = jobs.shells
        return asyncio.get_running_loop().time()

    ended_s = run_virtually(scenario())
    assert jobs.peak_jobs == limit
    assert jobs.refused <= 6 + limit
    assert most_shells <= 8  # waiting shells are those whose register was refused
    assert ended_s < 20 * 300.0 * 1.1
    names = {name for name, _ in bench.notebook.notices}
    assert "throttle.tasks_capped" in names


@pytest.mark.fault(8)
def test_the_cap_rises_again_when_the_service_allows_more() -> None:
    bench, jobs = jobs_bench(3)

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(200):
                group.create_task(_entry(bench, jobs, 100.0))
            await asyncio.sleep(1000)
            jobs.limit = 30

    run_virtually(scenario())
    assert jobs.peak_jobs > 15
    assert ("throttle.tasks_raised", {"limit": 15}) in bench.notebook.notices


def test_an_entry_that_ends_in_any_way_gives_its_place_back() -> None:
    refused = service_error(FaultKind.REJECTED)
    lost = service_error(FaultKind.LOST, applied=Applied.UNKNOWN)
    bench = Bench(
        create=[refused, VIEW, lost, VIEW], register=[refused, lost, lost, JOB]
    )

    async def entry() -> None:
        if isinstance(await _outcome(bench.create()), ImageView):
            await _outcome(bench.register())

    async def scenario() -> float:
        async with asyncio.TaskGroup() as group:
            for _ in range(40):
                group.create_task(entry())
        return asyncio.get_running_loop().time()

    assert run_virtually(scenario()) == 0.0
    tasks = bench.throttle.lessons.tasks
    assert tasks.running == 0


def test_a_cancelled_entry_gives_its_place_back() -> None:
    bench = Bench(create=[VIEW], register=[JOB])
    bench.service.takes_s = 10.0

    async def scenario() -> float:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_outcome(bench.create())) for _ in range(8)]
            await asyncio.sleep(1)
            for task in tasks:
                task.cancel()
        await bench.create()
        return asyncio.get_running_loop().time()

    assert run_virtually(scenario()) == 11.0


def test_a_shell_that_is_not_registered_keeps_no_place() -> None:
    bench = Bench(create=[VIEW], register=[JOB])

    async def slow() -> None:
        await bench.create()
        await asyncio.sleep(100)
        await bench.register()

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(slow())

    run_virtually(scenario())
    assert bench.service.times("create") == [0.0] * 4 + [5.0] * 4
    assert bench.service.times("register") == [100.0] * 4 + [105.0] * 4


def test_shells_that_exist_go_before_new_ones() -> None:
    bench = Bench(create=[VIEW], register=[JOB])
    bench.service.takes_s = 1.0

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(_outcome(bench.create()))
            await asyncio.sleep(0.5)
            group.create_task(_outcome(bench.register()))

    run_virtually(scenario())
    assert bench.service.times("create")[:5] == [0.0] * 4 + [1.0]
    assert bench.service.times("register") == [1.0]


# ------------------------------------------------------------------ counting


def test_a_list_that_somebody_else_sends_counts_too() -> None:
    service = ScriptedService(answers={"list": [[]]})
    policy = ThrottlePolicy()
    lessons = Lessons(policy)
    counted = CountedLists(service, lessons.traffic)

    async def scenario() -> None:
        throttle = Bench().throttle
        ours = Throttle(
            counted,
            policy,
            stop=throttle._stop,
            observer=throttle._observer,
            rng=throttle._rng,
            lessons=lessons,
        )
        await counted.list_images(ImageQuery())
        await ours.list_images(ImageQuery())
        await ours.get_image(IMAGE)
        await ours.get_job(JOB)
        await ours.get_quota()
        await ours.delete_image(IMAGE)
        image = await ours.create_image(spec(), ())
        await ours.register_image(image, spec())  # type: ignore[arg-type]

    run_virtually(scenario())
    rule = RequestLimit(limit=8, window_s=60.0)

    async def learned() -> bool:
        return lessons.traffic.learn(Call.DELETE, rule, 0.0)

    assert run_virtually(learned())
    assert lessons.counts["list_images"] == 1  # those that the throttle sent


def test_what_a_service_in_between_has_not_sent_does_not_count() -> None:
    bench = Bench(create=[ValueError("not sent"), VIEW])

    async def scenario() -> None:
        with pytest.raises(ValueError, match="not sent"):
            await bench.create()

    run_virtually(scenario())
    rule = RequestLimit(limit=1, window_s=60.0)
    assert not bench.throttle.lessons.traffic.learn(Call.CREATE, rule, 1.0)


def test_an_outage_is_not_answered_by_ever_more_repeats() -> None:
    server = service_error(FaultKind.SERVER)
    bench = Bench(
        replace(ThrottlePolicy(), silence_s=1e9, first_word_s=1e9), get_image=[server]
    )

    async def scenario() -> None:
        for _ in range(30):
            await _outcome(bench.get())

    run_virtually(scenario())
    # four repeats each for the first calls, none once the budget is spent
    assert len(bench.service.sent) == 30 + 35
    assert ("service.retries_spent", {"operation": "test"}) in bench.notebook.notices
