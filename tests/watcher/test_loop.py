"""Many images, few requests: what is asked when, and how every wait ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from batch_register.errors import StoppedError
from batch_register.event import Event, ImageActive, ImageFailed, OutcomeUnknown
from batch_register.model import (
    MANIFEST_TAG,
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
    StopReason,
)
from batch_register.pacing import SettleTime
from batch_register.stopping import Stop
from batch_register.watcher import Watched, Watcher, WatchLimits
from tests.fakes import Notebook, ScriptedService, service_error
from tests.virtual_time import run_virtually

LIMITS = WatchLimits(
    poll_interval_s=5.0, settle=SettleTime(least_s=30.0), image_deadline_s=600.0
)
DEADLINE_S = 600.0
REASON = Fault(
    kind=FaultKind.JOB_FAILED,
    code="IMG.0057",
    reason="the file cannot be read",
    action=Action.FIX_SOURCE,
)
OUTAGE = service_error(FaultKind.SERVER)
MANIFEST = (MANIFEST_TAG, "wave-07")


def image_id(number: int) -> ImageId:
    return ImageId(f"image-{number}")


def view(status: ImageStatus, number: int = 1, size_bytes: int = 0) -> ImageView:
    return ImageView(
        image_id=image_id(number),
        name="web",
        status=status,
        size_bytes=size_bytes,
        created_at=f"2026-09-01T00:00:{number:02}Z",
    )


def job(status: JobStatus, fault: Fault | None = None) -> JobView:
    return JobView(job_id=JobId("job-1"), status=status, fault=fault)


ACTIVE = view(ImageStatus.ACTIVE, size_bytes=7)
SAVING, KILLED = view(ImageStatus.SAVING), view(ImageStatus.KILLED)
SUCCESS = ImageActive(image_id=image_id(1), size_bytes=7)
RUNNING, DONE = job(JobStatus.RUNNING), job(JobStatus.SUCCESS)
JOB_FAILED = job(JobStatus.FAIL, REASON)


class Bench:
    """A watcher over a scripted service, with its polling running beside the test."""

    def __init__(self, **answers: Any) -> None:
        self.service = ScriptedService(answers={"list": [[]]} | answers)
        self.stop, self.notebook = Stop(), Notebook()
        self.watcher = Watcher(
            self.service, "wave-07", LIMITS, stop=self.stop, observer=self.notebook
        )

    def watched(self, number: int = 1, **changes: Any) -> Watched:
        now_s = asyncio.get_running_loop().time()
        plain = Watched(
            key=EntryKey(f"web-{number}"),
            image_id=image_id(number),
            job_id=JobId("job-1"),
            created_at="",
            since_s=now_s,
            deadline_s=now_s + DEADLINE_S,
            last_check_s=now_s,
        )
        return replace(plain, **changes)

    async def outcome(self, watched: Watched) -> Event | StoppedError:
        try:
            return await self.watcher.watch(watched)
        except StoppedError as error:
            return error

    async def outcomes(self, *numbers: int, **changes: Any) -> list[object]:
        """Watch images at the same moment; return how each ended."""
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(self.watcher.run())
            async with asyncio.TaskGroup() as waits:
                tasks = [
                    waits.create_task(self.outcome(self.watched(number, **changes)))
                    for number in numbers
                ]
            polling.cancel()
        return [task.result() for task in tasks]

    def watch_one(self, **changes: Any) -> tuple[object, float]:
        """Return how one image ended, and when."""

        async def scenario() -> tuple[object, float]:
            (ended,) = await self.outcomes(1, **changes)
            return ended, asyncio.get_running_loop().time()

        return run_virtually(scenario())

    @property
    def calls(self) -> list[str]:
        return [call for _, call in self.service.sent]


def test_one_list_per_tick_answers_for_every_image() -> None:
    """Fifty images cost as many requests as one: the waits are shared."""
    saving = [view(ImageStatus.SAVING, n) for n in range(50)]
    active = [view(ImageStatus.ACTIVE, n, 7) for n in range(50)]
    bench = Bench(list=[saving] * 9 + [active])
    ended = run_virtually(bench.outcomes(*range(50)))
    assert ended == [ImageActive(image_id=image_id(n), size_bytes=7) for n in range(50)]
    assert bench.service.sent == [(5.0 * tick, "list") for tick in range(1, 11)]


def test_nothing_is_asked_while_nothing_is_watched() -> None:
    bench = Bench(list=[[ACTIVE]])

    async def scenario() -> tuple[object, object]:
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            await asyncio.sleep(1000)
            first = await bench.outcome(bench.watched())
            await asyncio.sleep(1000)
            second = await bench.outcome(bench.watched())
            polling.cancel()
        return first, second

    assert run_virtually(scenario()) == (SUCCESS, SUCCESS)
    assert bench.service.sent == [(1005.0, "list"), (2010.0, "list")]


@pytest.mark.parametrize(
    ("created_at", "since"),
    [
        ("2026-09-01T00:00:09Z", "2026-08-31T23:59:03Z"),
        ("", None),
        ("0 a.m.", None),
    ],
)
def test_the_list_is_narrowed_only_when_every_age_is_known(
    created_at: str, since: str | None
) -> None:
    """To the oldest image, and two settle times more: what another run has made."""
    bench = Bench(list=[[ACTIVE, view(ImageStatus.ACTIVE, 2, 7)]])

    async def scenario() -> None:
        older = bench.watched(1, created_at="2026-09-01T00:00:03Z")
        other = bench.watched(2, created_at=created_at)
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            async with asyncio.TaskGroup() as waits:
                waits.create_task(bench.outcome(older))
                waits.create_task(bench.outcome(other))
            polling.cancel()

    run_virtually(scenario())
    assert bench.service.queries == [ImageQuery(tag=MANIFEST, created_since=since)]


def test_an_age_that_a_list_tells_narrows_the_next_one() -> None:
    bench = Bench(list=[[SAVING], [ACTIVE]])
    bench.watch_one()
    assert bench.service.queries == [
        ImageQuery(tag=MANIFEST),
        ImageQuery(tag=MANIFEST, created_since="2026-08-31T23:59:01Z"),
    ]


@pytest.mark.fault(32)
def test_a_killed_image_gets_its_reason_from_its_job_at_once() -> None:
    bench = Bench(list=[[KILLED]], get_job=[JOB_FAILED], get_image=[KILLED])
    failed = ImageFailed(error=REASON, stage="job", image_id=image_id(1))
    assert bench.watch_one() == (failed, 5.0)
    assert bench.calls == ["list", "get_job", "get_image"]


def test_a_killed_image_without_a_known_job_has_failed_all_the_same() -> None:
    bench = Bench(list=[[KILLED]], get_image=[KILLED])
    ended, at_s = bench.watch_one(job_id=None)
    assert isinstance(ended, ImageFailed)
    assert (ended.error.code, at_s) == ("image.killed", 5.0)
    assert bench.calls == ["list", "get_image"]


def test_a_job_that_still_runs_keeps_a_killed_image_waiting() -> None:
    bench = Bench(
        list=[[KILLED]], get_job=[RUNNING, RUNNING, JOB_FAILED], get_image=[KILLED]
    )
    ended, _ = bench.watch_one()
    assert ended == ImageFailed(error=REASON, stage="job", image_id=image_id(1))
    assert bench.service.times("get_job") == [5.0, 25.0, 65.0]
    assert bench.service.times("get_image") == [65.0]


@pytest.mark.fault(32)
def test_a_failed_job_beside_an_active_image_is_a_contradiction() -> None:
    bench = Bench(get_job=[JOB_FAILED], get_image=[ACTIVE])
    ended, _ = bench.watch_one()
    assert isinstance(ended, OutcomeUnknown)
    assert ended.error.kind is FaultKind.CONTRADICTION


@pytest.mark.fault(32)
def test_a_job_that_succeeded_is_no_success_before_the_image_is() -> None:
    bench = Bench(get_job=[DONE], get_image=[SAVING, SAVING, ACTIVE])
    assert bench.watch_one() == (SUCCESS, 70.0)


@pytest.mark.fault(32)
def test_a_forgotten_job_leaves_the_word_to_the_image() -> None:
    bench = Bench(get_job=[None], get_image=[ACTIVE])
    assert bench.watch_one() == (SUCCESS, 10.0)


@pytest.mark.fault(34)
def test_an_image_that_nobody_finds_has_vanished_after_the_settle_time() -> None:
    bench = Bench(get_job=[None], get_image=[None])
    ended, at_s = bench.watch_one()
    assert isinstance(ended, ImageFailed)
    assert (ended.error.code, at_s) == ("image.vanished", 70.0)
    assert bench.service.times("get_image") == [10.0, 30.0, 70.0]


def test_a_list_that_never_shows_the_image_costs_few_single_requests() -> None:
    """A cloud that does not honour the tag filter is served by paced checks."""
    bench = Bench(get_job=[RUNNING] * 8 + [DONE], get_image=[ACTIVE])
    ended, _ = bench.watch_one()
    assert ended == SUCCESS
    times = bench.service.times("get_job")
    assert times == [10.0, 30.0, 70.0, 130.0, 190.0, 250.0, 310.0, 370.0, 430.0]


@pytest.mark.fault(33)
@pytest.mark.parametrize(
    ("status", "raw_status", "last_seen"),
    [
        (ImageStatus.ACTIVE, "active", "image active"),
        (ImageStatus.UNRECOGNISED, "baking", "image baking"),
        (ImageStatus.SAVING, "saving", "image saving"),
    ],
)
def test_what_is_no_success_waits_until_the_deadline_and_is_unknown(
    status: ImageStatus, raw_status: str, last_seen: str
) -> None:
    """Active without a size, a word nobody knows, saving for ever."""
    stuck = replace(view(status), raw_status=raw_status)
    bench = Bench(list=[[stuck]], get_job=[DONE], get_image=[stuck])
    ended, at_s = bench.watch_one()
    assert ended == OutcomeUnknown(
        error=Fault(
            kind=FaultKind.DEADLINE,
            code="deadline",
            reason=f"not active after 600 s; last seen: {last_seen}",
            action=Action.RUN_AGAIN,
        )
    )
    assert at_s == DEADLINE_S


@pytest.mark.parametrize("told", [None, RUNNING])
def test_where_tag_queries_leave_ours_out_lists_go_on_without_the_tag(
    told: JobView | None,
) -> None:
    """Once it is proven, one list per tick answers again for every image."""
    bench = Bench(get_job=[told], get_image=[SAVING], list=[[]] * 6 + [[ACTIVE]])
    assert bench.watch_one(created_at="2026-09-01T00:01:00Z") == (SUCCESS, 35.0)
    tags = [query.tag for query in bench.service.queries]
    assert tags == [MANIFEST] * 6 + [None]
    assert bench.service.queries[-1].created_since == "2026-09-01T00:00:00Z"
    assert bench.service.times("get_image") == [10.0, 30.0]
    assert bench.notebook.notices == [
        ("watch.goes_without_tags", {"key": EntryKey("web-1")})
    ]


QUEUED = view(ImageStatus.QUEUED)


@pytest.mark.parametrize("job_id", [JobId("job-1"), None])
def test_an_image_put_back_without_a_known_job_has_failed_at_its_deadline(
    job_id: JobId | None,
) -> None:
    """Found by simulation: it stayed unknown in every run, for ever."""
    bench = Bench(list=[[QUEUED]], get_job=[None], get_image=[QUEUED])
    ended, at_s = bench.watch_one(job_id=job_id)
    assert isinstance(ended, ImageFailed)
    assert (ended.error.code, at_s) == ("image.put-back", DEADLINE_S)


def test_a_job_that_runs_keeps_a_queued_image_from_having_failed() -> None:
    bench = Bench(list=[[QUEUED]], get_job=[None] * 3 + [RUNNING], get_image=[QUEUED])
    ended, at_s = bench.watch_one()
    assert isinstance(ended, OutcomeUnknown)
    assert (ended.error.code, at_s) == ("deadline", DEADLINE_S)


@pytest.mark.fault(33)
def test_an_image_that_keeps_saving_is_looked_at_now_and_then() -> None:
    half_way = replace(RUNNING, progress=0.5)
    bench = Bench(list=[[SAVING]], get_job=[RUNNING, half_way])
    ended, _ = bench.watch_one()
    assert bench.service.times("get_job") == [150.0, 300.0, 450.0]
    slow = [facts for name, facts in bench.notebook.notices if name == "watch.slow"]
    assert slow == [
        {"key": EntryKey("web-1"), "waited_s": 150},
        {"key": EntryKey("web-1"), "waited_s": 300, "percent": 50, "left_s": 300},
        {"key": EntryKey("web-1"), "waited_s": 450, "percent": 50, "left_s": 450},
    ]
    assert isinstance(ended, OutcomeUnknown)
    assert ended.error.reason.endswith("last seen: image saving")


def test_lists_that_fail_for_long_harm_no_image() -> None:
    bench = Bench(
        list=[OUTAGE] * 100 + [[ACTIVE]], get_job=[OUTAGE], get_image=[OUTAGE]
    )
    assert bench.watch_one() == (SUCCESS, 505.0)
    names = {name for name, _ in bench.notebook.notices}
    assert names == {"watch.list_failed", "watch.check_failed"}
    assert bench.notebook.notices[0] == (
        "watch.list_failed",
        {"error": "test: as scripted"},
    )
    assert ("watch.check_failed", {"key": "web-1", "error": "test: as scripted"}) in (
        bench.notebook.notices
    )


def test_a_cloud_that_never_answers_leaves_the_outcome_unknown_not_failed() -> None:
    bench = Bench(list=[OUTAGE], get_job=[OUTAGE])
    ended, at_s = bench.watch_one()
    assert isinstance(ended, OutcomeUnknown)
    assert (ended.error.kind, at_s) == (FaultKind.DEADLINE, DEADLINE_S)
    assert ended.error.reason == "not active after 600 s; last seen: not seen yet"


class SlowJobs(ScriptedService):
    """Answers for jobs slowly, everything else at once; counts jobs asked for."""

    job_takes_s = 0.5
    jobs_under_way = 0
    peak_jobs = 0

    async def get_job(self, job_id: JobId) -> JobView | None:
        self.jobs_under_way += 1
        self.peak_jobs = max(self.peak_jobs, self.jobs_under_way)
        try:
            await asyncio.sleep(self.job_takes_s)
            return await super().get_job(job_id)
        finally:
            self.jobs_under_way -= 1


class SlowBench(Bench):
    """A bench whose jobs are slow to answer; endlessly, unless told otherwise."""

    def __init__(self, *, job_takes_s: float = 1e6, **answers: Any) -> None:
        super().__init__()
        self.service: SlowJobs = SlowJobs(answers={"list": [[]]} | answers)
        self.service.job_takes_s = job_takes_s
        self.watcher = Watcher(
            self.service, "wave-07", LIMITS, stop=self.stop, observer=self.notebook
        )


def test_a_burst_of_failures_is_not_a_burst_of_requests() -> None:
    killed = [view(ImageStatus.KILLED, n) for n in range(20)]
    bench = SlowBench(
        job_takes_s=0.5, list=[killed], get_job=[JOB_FAILED], get_image=[KILLED]
    )
    ended = run_virtually(bench.outcomes(*range(20)))
    assert {type(one) for one in ended} == {ImageFailed}
    assert bench.service.peak_jobs == 4


def test_at_most_four_checks_are_under_way_over_all_ticks() -> None:
    """The bound holds beside the ticks too: later ones must not add to it."""
    killed = [view(ImageStatus.KILLED, n) for n in range(20)]
    bench = SlowBench(
        job_takes_s=12.0, list=[killed], get_job=[JOB_FAILED], get_image=[KILLED]
    )
    ended = run_virtually(bench.outcomes(*range(20)))
    assert {type(one) for one in ended} == {ImageFailed}
    assert bench.service.peak_jobs == 4
    assert len(bench.service.times("get_job")) == 20  # one for each, none twice


def test_a_job_that_never_answers_does_not_stop_the_lists() -> None:
    saving, active = view(ImageStatus.SAVING, 2), view(ImageStatus.ACTIVE, 2, 7)
    bench = SlowBench(list=[[KILLED, saving]] * 9 + [[KILLED, active]])

    async def scenario() -> tuple[object, float]:
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            stuck = group.create_task(bench.outcome(bench.watched(1)))
            ended = await bench.outcome(bench.watched(2))
            at_s = asyncio.get_running_loop().time()
            stuck.cancel()
            polling.cancel()
        return ended, at_s

    ended = ImageActive(image_id=image_id(2), size_bytes=7)
    assert run_virtually(scenario()) == (ended, 50.0)
    assert bench.service.times("list") == [5.0 * tick for tick in range(1, 11)]
    assert bench.service.peak_jobs == 1  # one check for one image at a time


def test_an_image_whose_job_never_answers_still_meets_its_deadline() -> None:
    bench = SlowBench(list=[[SAVING]])
    ended, at_s = bench.watch_one(last_check_s=-1e6)
    assert isinstance(ended, OutcomeUnknown)
    assert (ended.error.kind, at_s) == (FaultKind.DEADLINE, DEADLINE_S)
    assert bench.service.peak_jobs == 1


def test_a_list_that_shows_the_image_active_beats_a_job_that_never_answers() -> None:
    bench = SlowBench(list=[[KILLED], [ACTIVE]])
    assert bench.watch_one() == (SUCCESS, 10.0)


def test_a_check_that_comes_too_late_tells_nobody() -> None:
    """Its image has ended meanwhile; the next watch must not get its verdict."""
    bench = SlowBench(job_takes_s=12.0, list=[[KILLED], [ACTIVE]], get_job=[JOB_FAILED])

    async def scenario() -> list[object]:
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            first = await bench.outcome(bench.watched())
            await asyncio.sleep(100)
            polling.cancel()
        return [first, bench.calls]

    calls = ["list", "list", "get_job", "get_image"]
    assert run_virtually(scenario()) == [SUCCESS, calls]


def test_a_check_whose_turn_comes_too_late_is_not_made() -> None:
    """Five killed images, four places: the fifth has become active meanwhile."""
    killed = [view(ImageStatus.KILLED, n) for n in range(5)]
    fifth = view(ImageStatus.ACTIVE, 4, 7)
    bench = SlowBench(
        job_takes_s=12.0,
        list=[killed, [*killed[:4], fifth]],
        get_job=[JOB_FAILED],
        get_image=[KILLED],
    )

    async def scenario() -> Event | StoppedError:
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            waits = [
                group.create_task(bench.outcome(bench.watched(n))) for n in range(5)
            ]
            await asyncio.sleep(100)
            polling.cancel()
        return waits[4].result()

    ended = ImageActive(image_id=image_id(4), size_bytes=7)
    assert run_virtually(scenario()) == ended
    assert len(bench.service.times("get_job")) == 4


def test_a_stop_does_not_wait_for_a_job_that_never_answers() -> None:
    bench = SlowBench(list=[[KILLED]])

    async def scenario() -> tuple[object, float]:
        loop = asyncio.get_running_loop()
        loop.call_later(12, bench.stop.request, StopReason.SIGTERM)
        async with asyncio.TaskGroup() as group:
            group.create_task(bench.watcher.run())
            ended = await bench.outcome(bench.watched())
        return type(ended), loop.time()

    assert run_virtually(scenario()) == (StoppedError, 12.0)
    assert bench.service.jobs_under_way == 0


class SlowList(ScriptedService):
    """Its first list never comes back."""

    hangs = 1

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        self.hangs -= 1
        if self.hangs >= 0:
            self.sent.append((asyncio.get_running_loop().time(), "list"))
            await asyncio.sleep(1e6)
        return await super().list_images(query)


@pytest.mark.parametrize(("hangs", "ends_at_s"), [(1, 310.0), (2, DEADLINE_S + 10.0)])
def test_a_list_that_never_answers_is_given_up_after_300_s(
    hangs: int, ends_at_s: float
) -> None:
    """5 s to the first tick, 300 s of patience, 5 s to the next tick."""
    bench = Bench()
    service = SlowList(answers={"list": [[ACTIVE]]})
    service.hangs = hangs
    bench.watcher = Watcher(
        service, "wave-07", LIMITS, stop=bench.stop, observer=bench.notebook
    )
    ended, at_s = bench.watch_one(job_id=None)
    if hangs == 1:
        assert ended == SUCCESS
    else:
        assert isinstance(ended, OutcomeUnknown)
        assert ended.error.kind is FaultKind.DEADLINE
    assert at_s == ends_at_s
    notices = [("watch.list_failed", {"error": "no answer in time"})] * hangs
    assert bench.notebook.notices == notices


DOUBT = Fault(
    kind=FaultKind.CONTRADICTION,
    code="contradiction",
    reason="the image is active, yet its job failed",
    action=Action.CONTACT_PROVIDER,
)


def test_a_contradiction_of_an_earlier_run_is_not_cleared_by_a_list() -> None:
    bench = Bench(list=[[ACTIVE]], get_job=[JOB_FAILED], get_image=[ACTIVE])
    assert bench.watch_one(doubt=DOUBT) == (OutcomeUnknown(error=DOUBT), 10.0)
    assert bench.calls == ["list", "list", "get_job", "get_image"]


def test_one_image_of_many_ends_alone() -> None:
    other = view(ImageStatus.SAVING, 2)
    done = view(ImageStatus.ACTIVE, 2, 7)
    bench = Bench(list=[[ACTIVE, other], [ACTIVE, other], [done]])

    async def scenario() -> list[tuple[object, float]]:
        async def timed(number: int) -> tuple[object, float]:
            ended = await bench.outcome(bench.watched(number))
            return ended, asyncio.get_running_loop().time()

        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            async with asyncio.TaskGroup() as waits:
                tasks = [waits.create_task(timed(n)) for n in (1, 2)]
            polling.cancel()
        return [task.result() for task in tasks]

    late = ImageActive(image_id=image_id(2), size_bytes=7)
    assert run_virtually(scenario()) == [(SUCCESS, 5.0), (late, 15.0)]


def test_a_stop_wakes_everybody_and_asks_no_more() -> None:
    bench = Bench(list=[[SAVING]])

    async def scenario() -> tuple[list[object], float, object]:
        loop = asyncio.get_running_loop()
        loop.call_later(12, bench.stop.request, StopReason.SIGTERM)
        ended = await bench.outcomes(1, 2, 3)
        at_s = loop.time()
        return ended, at_s, await bench.outcome(bench.watched(4))

    ended, at_s, afterwards = run_virtually(scenario())
    assert [type(one) for one in [*ended, afterwards]] == [StoppedError] * 4
    assert at_s == 12.0
    assert bench.service.times("list") == [5.0, 10.0]


class StopAware(ScriptedService):
    """Refuses single checks once the run stops, as the throttle does."""

    def __init__(self, stop: Stop, **answers: Any) -> None:
        super().__init__(answers=answers)
        self._stop = stop

    async def get_job(self, job_id: JobId) -> JobView | None:
        self._stop.request(StopReason.WINDOW)
        raise StoppedError


def test_a_stop_during_a_check_ends_the_waits_and_breaks_nothing() -> None:
    bench = Bench()
    bench.watcher = Watcher(
        StopAware(bench.stop, list=[[KILLED]]),
        "wave-07",
        LIMITS,
        stop=bench.stop,
        observer=bench.notebook,
    )
    ended, at_s = bench.watch_one()
    assert (type(ended), at_s) == (StoppedError, 5.0)


def test_a_waiter_that_is_cancelled_is_forgotten() -> None:
    bench = Bench(list=[[SAVING]])

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(7):
                    await bench.watcher.watch(bench.watched())
            await asyncio.sleep(100)
            polling.cancel()

    run_virtually(scenario())
    assert bench.service.times("list") == [5.0, 10.0]


def test_a_waiter_that_leaves_during_a_tick_is_not_asked_about() -> None:
    """Its verdict would be nobody's, and the request would be for nothing."""
    bench = Bench(list=[[KILLED]], get_job=[JOB_FAILED], get_image=[KILLED])
    bench.service.takes_s = 4.0

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(11):  # while the job is asked about
                    await bench.watcher.watch(bench.watched())
            await asyncio.sleep(100)
            polling.cancel()

    run_virtually(scenario())
    # the list after that had its wait behind it when the waiter left
    assert bench.service.sent == [
        (5.0, "list"),
        (9.0, "get_job"),
        (13.0, "get_image"),
        (14.0, "list"),
    ]


def test_a_waiter_that_is_cancelled_in_the_moment_of_the_stop_breaks_nothing() -> None:
    bench = Bench(list=[[SAVING]])

    async def scenario() -> tuple[bool, object]:
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            leaving = group.create_task(bench.outcome(bench.watched(1)))
            staying = group.create_task(bench.outcome(bench.watched(2)))
            await asyncio.sleep(7)
            bench.stop.request(StopReason.SIGINT)
            leaving.cancel()
            await polling
        return leaving.cancelled(), staying.result()

    is_cancelled, ended = run_virtually(scenario())
    assert is_cancelled
    assert isinstance(ended, StoppedError)


class Leaving(ScriptedService):
    """Cancels a waiter in the very step in which the list comes back."""

    waiter: asyncio.Task[Any] | None = None

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        listed = await super().list_images(query)
        if self.waiter is not None:
            self.waiter.cancel()
        return listed


def test_a_waiter_that_is_cancelled_as_its_verdict_comes_breaks_nothing() -> None:
    bench = Bench()
    service = Leaving(answers={"list": [[ACTIVE]]})
    bench.watcher = Watcher(
        service, "wave-07", LIMITS, stop=bench.stop, observer=bench.notebook
    )

    async def scenario() -> bool:
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(bench.watcher.run())
            service.waiter = group.create_task(bench.outcome(bench.watched()))
            await asyncio.sleep(20)
            polling.cancel()
        return service.waiter.cancelled()

    assert run_virtually(scenario())
