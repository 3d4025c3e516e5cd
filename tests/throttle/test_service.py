"""Patience and manners: what is repeated, what waits, when the service counts as lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from batch_register.errors import (
    AuthenticationError,
    BatchRegisterError,
    ServiceError,
    StoppedError,
)
from batch_register.model import (
    Action,
    Applied,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
    Quota,
    StopReason,
)
from batch_register.pacing import Backoff
from batch_register.stopping import Stop
from batch_register.throttle import Throttle, ThrottlePolicy
from tests.fakes import Notebook, ScriptedService, fault, service_error, spec
from tests.virtual_time import run_virtually

IMAGE, JOB = ImageId("image-1"), JobId("job-1")
VIEW = ImageView(image_id=IMAGE, name="web-01", status=ImageStatus.QUEUED)
POLICY = ThrottlePolicy(
    attempts=4,
    outage=Backoff(base_s=1.0, cap_s=4.0),
    throttled=Backoff(base_s=2.0, cap_s=8.0),
    busy=Backoff(base_s=10.0, cap_s=40.0),
)
LOST = service_error(FaultKind.LOST, applied=Applied.UNKNOWN)
UNREACHABLE = service_error(FaultKind.UNREACHABLE)
SERVER = service_error(FaultKind.SERVER)
FAILED_CALL = (
    "service.call_failed",
    {"operation": "test", "error": "test: as scripted"},
)
THROTTLED_7 = service_error(FaultKind.THROTTLED, retry_after_s=7.0)
THROTTLED_60 = service_error(FaultKind.THROTTLED, retry_after_s=60.0)
THROTTLED = service_error(FaultKind.THROTTLED)
BUSY = service_error(FaultKind.BUSY)
BUSY_20 = service_error(FaultKind.BUSY, retry_after_s=20.0)


class Highest(random.Random):
    """Draws the upper end, so that a delay equals its ceiling."""

    def random(self) -> float:
        return 1.0


class Lowest(random.Random):
    """Draws the lower end."""

    def random(self) -> float:
        return 0.0


class Bench:
    """A throttle before a scripted service."""

    def __init__(
        self,
        policy: ThrottlePolicy = POLICY,
        rng: random.Random | None = None,
        **answers: Any,
    ) -> None:
        self.service = ScriptedService(answers=answers)
        self.stop, self.notebook = Stop(), Notebook()
        self.throttle = Throttle(
            self.service,
            policy,
            stop=self.stop,
            observer=self.notebook,
            rng=rng or Highest(),
        )

    def create(self) -> Awaitable[ImageView]:
        return self.throttle.create_image(spec(), ())

    def register(self) -> Awaitable[JobId]:
        return self.throttle.register_image(IMAGE, spec())

    def get(self) -> Awaitable[ImageView | None]:
        return self.throttle.get_image(IMAGE)

    def run(self, *calls: Awaitable[object]) -> list[object]:
        """Make calls at the same moment; return answers or errors in their order."""
        return run_virtually(self._all(calls))

    async def _all(self, calls: tuple[Awaitable[object], ...]) -> list[object]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_outcome(call)) for call in calls]
        return [task.result() for task in tasks]


async def _outcome(call: Awaitable[object]) -> object:
    try:
        return await call
    except BatchRegisterError as error:
        return error


def test_every_call_reaches_the_service_and_returns_its_answer() -> None:
    job, quota = JobView(job_id=JOB, status=JobStatus.INIT), Quota(used=1, limit=2)
    bench = Bench(create=[VIEW], register=[JOB], get_image=[VIEW], get_job=[job])
    bench.service.answers |= {"list": [[VIEW]], "quota": [quota]}
    throttle = bench.throttle
    answered = bench.run(
        bench.create(),
        bench.register(),
        throttle.delete_image(IMAGE),
        bench.get(),
        throttle.get_job(JOB),
        throttle.list_images(ImageQuery()),
        throttle.get_quota(),
    )
    assert answered == [VIEW, JOB, None, VIEW, job, [VIEW], quota]
    assert bench.notebook.notices == []


@pytest.mark.fault(12, 13)
def test_a_write_that_may_have_arrived_is_never_repeated() -> None:
    bench = Bench(create=[LOST, VIEW])
    assert bench.run(bench.create()) == [LOST]
    assert bench.service.sent == [(0.0, "create")]


def test_a_write_that_certainly_did_not_arrive_is_repeated() -> None:
    bench = Bench(create=[UNREACHABLE, UNREACHABLE, VIEW])
    assert bench.run(bench.create()) == [VIEW]
    assert bench.service.times("create") == [0.0, 1.0, 3.0]


@pytest.mark.fault(9)
def test_a_read_is_repeated_through_an_outage_up_to_its_attempts() -> None:
    bench = Bench(get_image=[LOST, SERVER, LOST, SERVER])
    assert bench.run(bench.get()) == [SERVER]
    assert bench.service.times("get_image") == [0.0, 1.0, 3.0, 7.0]
    assert bench.notebook.notices == [FAILED_CALL] * 4


def test_a_request_that_never_went_out_costs_a_read_no_attempt() -> None:
    bench = Bench(
        replace(POLICY, first_word_s=300.0),
        get_image=[LOST, *[UNREACHABLE] * 9, LOST, SERVER, SERVER],
    )
    assert bench.run(bench.get()) == [SERVER]
    assert len(bench.service.sent) == 13


@pytest.mark.parametrize("name", ["create", "get_image"])
def test_an_unreachable_service_is_asked_again_until_it_counts_as_lost(
    name: str,
) -> None:
    """Not an entry's own bad luck: it ends with the run, not with a failed call."""
    answers: dict[str, Any] = {name: [UNREACHABLE]}
    bench = Bench(replace(POLICY, first_word_s=30.0), **answers)
    call = bench.create() if name == "create" else bench.get()
    (error,) = bench.run(call)
    assert isinstance(error, StoppedError)
    assert bench.stop.reason is StopReason.UNREACHABLE
    waits = [1.0, 2.0] + [4.0] * 7
    assert [b - a for a, b in pairwise(bench.service.times(name))] == waits
    assert bench.notebook.notices == [FAILED_CALL] * 10


@pytest.mark.parametrize(
    ("rng", "waits_s"),
    [(Highest(), [1.0, 2.0, 4.0, 4.0]), (Lowest(), [0.5, 1.0, 2.0, 2.0])],
)
def test_the_gate_of_an_outage_stays_shut_for_at_least_half_its_ceiling(
    rng: random.Random, waits_s: list[float]
) -> None:
    bench = Bench(rng=rng, get_image=[UNREACHABLE] * 4 + [VIEW])
    assert bench.run(bench.get()) == [VIEW]
    times = bench.service.times("get_image")
    assert [b - a for a, b in pairwise(times)] == waits_s


def test_all_calls_wait_behind_one_gate_while_the_service_is_unreachable() -> None:
    """Ten callers that fail together must not each drive the backoff up."""
    bench = Bench(get_image=[UNREACHABLE] * 20 + [VIEW], list=[[VIEW]])

    async def later() -> object:
        await asyncio.sleep(0.5)
        return await bench.throttle.list_images(ImageQuery())

    outcomes = bench.run(*[bench.get() for _ in range(10)], later())
    assert outcomes == [VIEW] * 10 + [[VIEW]]
    assert bench.service.times("get_image") == [0.0] * 10 + [1.0] * 10 + [3.0] * 10
    assert bench.service.times("list") == [1.0]


def test_an_answer_lets_the_backoff_of_an_outage_begin_anew() -> None:
    bench = Bench(get_image=[UNREACHABLE] * 3 + [VIEW, UNREACHABLE, VIEW])

    async def twice() -> object:
        return [await bench.get(), await bench.get()]

    assert bench.run(twice()) == [[VIEW, VIEW]]
    assert bench.service.times("get_image") == [0.0, 1.0, 3.0, 7.0, 7.0, 8.0]


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.REJECTED,
        FaultKind.FORBIDDEN,
        FaultKind.NOT_FOUND,
        FaultKind.QUOTA,
        FaultKind.CONFLICT,
        FaultKind.MISREAD,
    ],
)
def test_a_refusal_that_waiting_cannot_change_is_not_repeated(kind: FaultKind) -> None:
    refused = service_error(kind)
    bench = Bench(create=[refused], get_image=[refused])
    assert bench.run(bench.create(), bench.get()) == [refused, refused]
    assert len(bench.service.sent) == 2
    assert bench.notebook.notices == []


@pytest.mark.fault(6)
def test_one_throttled_call_holds_back_all_the_others() -> None:
    """After a refusal nobody sends anything before the moment it names."""
    bench = Bench(create=[THROTTLED_7, VIEW], get_image=[VIEW])

    async def later() -> object:
        await asyncio.sleep(1)
        return await bench.get()

    assert bench.run(bench.create(), later()) == [VIEW, VIEW]
    assert bench.service.times("create") == [0.0, 7.0]
    assert bench.service.times("get_image") == [7.0]
    assert bench.notebook.notices == [
        (
            "service.throttled",
            {"operation": "test", "code": "test", "wait_s": 7.0},
        )
    ]


def test_a_later_shorter_hint_does_not_open_the_gate_early() -> None:
    brief = service_error(FaultKind.THROTTLED, retry_after_s=1.0)
    bench = Bench(create=[THROTTLED_7, VIEW], get_image=[brief, VIEW])
    assert bench.run(bench.create(), bench.get()) == [VIEW, VIEW]
    assert bench.service.times("get_image") == [0.0, 7.0]


@pytest.mark.parametrize(
    ("rng", "waits_s"),
    [(Highest(), [2.0, 4.0, 8.0, 8.0]), (Lowest(), [1.0, 2.0, 4.0, 4.0])],
)
def test_without_a_hint_the_wait_is_at_least_half_its_ceiling(
    rng: random.Random, waits_s: list[float]
) -> None:
    bench = Bench(rng=rng, create=[THROTTLED] * 4 + [VIEW])
    assert bench.run(bench.create()) == [VIEW]
    times = bench.service.times("create")
    assert [b - a for a, b in pairwise(times)] == waits_s


def test_throttling_never_counts_as_a_failed_attempt() -> None:
    bench = Bench(create=[THROTTLED_7] * 50 + [VIEW], register=[BUSY] * 50 + [JOB])
    assert bench.run(bench.create(), bench.register()) == [VIEW, JOB]
    assert bench.stop.reason is None


@pytest.mark.parametrize("name", ["create", "register", "get_image"])
@pytest.mark.parametrize("kind", [FaultKind.THROTTLED, FaultKind.BUSY])
def test_a_call_that_is_refused_for_too_long_fails_with_a_passing_error(
    name: str, kind: FaultKind
) -> None:
    """The entry is left for the next run; it must not hold its slot for ever."""
    refused = service_error(kind, retry_after_s=20.0)
    answers: dict[str, Any] = {name: [refused]}
    bench = Bench(replace(POLICY, refused_s=100.0), **answers)
    calls = {"create": bench.create, "register": bench.register, "get_image": bench.get}
    assert bench.run(calls[name]()) == [refused]
    assert refused.fault.is_passing
    assert bench.service.times(name) == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    assert bench.stop.reason is None


def test_each_call_has_its_own_patience_with_refusals() -> None:
    bench = Bench(
        replace(POLICY, refused_s=100.0),
        get_image=[THROTTLED_60, THROTTLED_60, VIEW, THROTTLED_60, VIEW],
    )

    async def twice() -> object:
        return [await bench.get(), await bench.get()]

    assert bench.run(twice()) == [[VIEW, VIEW]]
    assert bench.service.times("get_image") == [0.0, 60.0, 120.0, 120.0, 180.0]


def test_registers_go_side_by_side_until_the_service_is_busy() -> None:
    bench = Bench(register=[JOB])
    bench.service.takes_s = 3.0
    assert bench.run(*[bench.register() for _ in range(4)]) == [JOB] * 4
    assert bench.service.peak == 4


def test_registers_go_in_single_file_once_the_service_has_been_busy() -> None:
    """A place or two that come free must not be asked for by everybody at once."""
    bench = Bench(register=[BUSY_20, JOB])
    bench.service.takes_s = 3.0

    async def scenario() -> list[object]:
        first = await bench._all((bench.register(),))
        bench.service.peak = 0
        return first + await bench._all(tuple(bench.register() for _ in range(4)))

    assert bench.run(scenario()) == [[JOB] * 5]
    assert bench.service.peak == 1
    times = bench.service.times("register")
    assert times == [0.0, 23.0, 26.0, 29.0, 32.0, 35.0]


def test_single_file_holds_back_registers_only() -> None:
    bench = Bench(register=[BUSY_20, JOB], get_image=[VIEW])
    bench.service.takes_s = 3.0

    async def scenario() -> list[object]:
        await bench._all((bench.register(),))
        return await bench._all(
            (bench.register(), bench.register(), bench.get(), bench.get())
        )

    assert bench.run(scenario()) == [[JOB, JOB, VIEW, VIEW]]
    assert bench.service.times("get_image") == [26.0, 26.0]


def test_a_stop_empties_the_single_file_without_sending() -> None:
    bench = Bench(register=[BUSY_20])

    async def scenario() -> tuple[list[object], float]:
        loop = asyncio.get_running_loop()
        loop.call_later(5, bench.stop.request, StopReason.SIGTERM)
        ended = await bench._all(tuple(bench.register() for _ in range(3)))
        return ended, loop.time()

    ended, at_s = run_virtually(scenario())
    assert [type(one) for one in ended] == [StoppedError] * 3
    assert at_s == 5.0
    assert bench.service.times("register") == [0.0] * 3


def test_a_register_that_is_cancelled_leaves_the_file_to_the_next() -> None:
    bench = Bench(register=[BUSY_20, JOB])

    async def scenario() -> object:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(_outcome(bench.register()))
            await asyncio.sleep(5)
            second = group.create_task(_outcome(bench.register()))
            await asyncio.sleep(5)
            first.cancel()
        return second.result()

    assert run_virtually(scenario()) == JOB
    assert bench.service.times("register") == [0.0, 20.0]


@pytest.mark.fault(8)
def test_too_many_jobs_hold_back_registers_and_creates_but_no_polling() -> None:
    """A shell that nobody may register yet would only count against the quota."""
    bench = Bench(register=[BUSY_20, JOB], create=[VIEW], get_image=[VIEW])

    async def later() -> object:
        await asyncio.sleep(1)
        await bench.get()
        await bench.create()
        return await bench.register()

    assert bench.run(bench.register(), later()) == [JOB, JOB]
    assert bench.service.times("register") == [0.0, 20.0, 20.0]
    assert bench.service.times("get_image") == [1.0]
    assert bench.service.times("create") == [20.0]


def test_too_many_jobs_without_a_hint_wait_by_their_own_backoff() -> None:
    bench = Bench(register=[BUSY, BUSY, JOB])
    assert bench.run(bench.register()) == [JOB]
    assert bench.service.times("register") == [0.0, 10.0, 30.0]


def test_a_register_that_waited_for_jobs_still_minds_the_gate_of_all() -> None:
    """A 429 that comes while a register waits out a BUSY holds that register too."""
    slow = service_error(FaultKind.THROTTLED, retry_after_s=100.0)
    bench = Bench(register=[BUSY_20, JOB], get_image=[slow, VIEW])

    async def later() -> object:
        await asyncio.sleep(5)
        return await bench.get()

    assert bench.run(bench.register(), later()) == [JOB, VIEW]
    assert bench.service.times("register") == [0.0, 105.0]


def test_registers_that_waited_together_keep_the_distance_of_the_rate() -> None:
    bench = Bench(
        replace(POLICY, max_rate_per_s=0.5), register=[BUSY_20, JOB], create=[VIEW]
    )
    calls = [bench.register() for _ in range(4)]
    assert bench.run(*calls) == [JOB] * 4
    times = bench.service.times("register")
    assert min(b - a for a, b in pairwise(times)) >= 2.0


def test_the_highest_rate_spaces_calls_evenly() -> None:
    bench = Bench(replace(POLICY, max_rate_per_s=4.0), get_image=[VIEW])
    bench.run(*[bench.get() for _ in range(4)])
    assert bench.service.times("get_image") == [0.0, 0.25, 0.5, 0.75]


def test_a_gate_that_closes_while_a_call_waits_for_its_turn_holds_it() -> None:
    bench = Bench(replace(POLICY, max_rate_per_s=1.0), create=[THROTTLED_7, VIEW])
    assert bench.run(bench.create(), bench.create()) == [VIEW, VIEW]
    assert bench.service.times("create")[1] >= 7.0


def test_an_outage_that_names_a_time_is_obeyed_by_all() -> None:
    """503 with Retry-After (RFC 9110, section 10.2.3) is a request to stay away."""
    away = service_error(FaultKind.SERVER, retry_after_s=30.0)
    bench = Bench(get_image=[away, VIEW], list=[[VIEW]])

    async def later() -> object:
        await asyncio.sleep(1)
        return await bench.throttle.list_images(ImageQuery())

    assert bench.run(bench.get(), later()) == [VIEW, [VIEW]]
    assert sorted(bench.service.sent) == [
        (0.0, "get_image"),
        (30.0, "get_image"),
        (30.0, "list"),
    ]


def test_a_throttled_write_that_may_have_arrived_closes_the_gate_and_is_not_repeated() -> (
    None
):
    unsure = service_error(
        FaultKind.THROTTLED, applied=Applied.UNKNOWN, retry_after_s=7.0
    )
    bench = Bench(create=[unsure, VIEW], get_image=[VIEW])

    async def both() -> object:
        first = await _outcome(bench.create())
        await bench.get()
        return first

    assert bench.run(both()) == [unsure]
    assert bench.service.sent == [(0.0, "create"), (7.0, "get_image")]


@pytest.mark.fault(10)
def test_refused_credentials_stop_the_run() -> None:
    refused = AuthenticationError("test", fault(FaultKind.UNAUTHENTICATED))
    bench = Bench(get_image=[refused])
    assert bench.run(bench.get()) == [refused]
    assert bench.stop.reason is StopReason.UNAUTHENTICATED


def test_what_comes_after_a_stop_does_not_explain_it() -> None:
    refused = AuthenticationError("test", fault(FaultKind.UNAUTHENTICATED))
    rejected = service_error(FaultKind.REJECTED)
    bench = Bench(get_image=[refused], create=[rejected])
    bench.service.takes_s = 5.0

    async def create_a_moment_later() -> ImageView:
        await asyncio.sleep(1)
        return await bench.create()

    outcomes = bench.run(bench.get(), create_a_moment_later())
    assert outcomes == [refused, rejected]
    assert bench.throttle.last_error is refused


def _patient(**answers: Any) -> Bench:
    policy = replace(POLICY, attempts=1, first_word_s=30.0, silence_s=300.0)
    return Bench(policy, **answers)


async def _reads(bench: Bench, *at_s: float) -> StopReason | None:
    for moment_s in at_s:
        await asyncio.sleep(moment_s - asyncio.get_running_loop().time())
        await _outcome(bench.get())
    return bench.stop.reason


@pytest.mark.parametrize(
    ("at_s", "reason"),
    [((0.0, 29.0), None), ((0.0, 30.0), StopReason.UNREACHABLE), ((40.0,), None)],
)
def test_a_service_that_never_answers_is_given_up_soon(
    at_s: tuple[float, ...], reason: StopReason | None
) -> None:
    """The time counts from the first failure, so that one call alone proves nothing."""
    bench = _patient(get_image=[SERVER])
    assert run_virtually(_reads(bench, *at_s)) is reason


@pytest.mark.parametrize(
    ("at_s", "reason"),
    [
        ((0.0, 10.0, 309.0), None),
        ((0.0, 10.0, 310.0), StopReason.UNREACHABLE),
    ],
)
def test_a_service_that_has_answered_gets_more_patience(
    at_s: tuple[float, ...], reason: StopReason | None
) -> None:
    bench = _patient(get_image=[VIEW, SERVER])
    assert run_virtually(_reads(bench, *at_s)) is reason


@pytest.mark.parametrize("kind", [FaultKind.UNREACHABLE, FaultKind.LOST])
@pytest.mark.parametrize(
    ("heard", "reason"), [([], StopReason.UNREACHABLE), ([VIEW], None)]
)
def test_what_waiting_cannot_mend_is_not_waited_for_at_the_start(
    kind: FaultKind, heard: list[object], reason: StopReason | None
) -> None:
    """A certificate, say; in mid-run it is one node of the service that has it."""
    mended_by_others = replace(fault(kind), action=Action.CONTACT_PROVIDER)
    wrong = ServiceError("test", mended_by_others)
    bench = _patient(get_image=[*heard, wrong, VIEW])
    assert run_virtually(_reads(bench, 0.0, 1.0)) is reason


@pytest.mark.parametrize("word", [VIEW, service_error(FaultKind.NOT_FOUND)])
def test_any_answer_in_between_resets_the_patience(word: object) -> None:
    bench = _patient(get_image=[VIEW, SERVER, word, SERVER])
    assert run_virtually(_reads(bench, 0.0, 10.0, 200.0, 210.0, 400.0)) is None


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ({"create": [THROTTLED_7, VIEW]}, "create"),
        ({"create": [UNREACHABLE, VIEW]}, "create"),
        ({"register": [BUSY_20, JOB]}, "register"),
    ],
)
def test_a_stop_cuts_every_wait_short_and_sends_nothing(
    answers: dict[str, Any], name: str
) -> None:
    bench = Bench(**answers)

    async def scenario() -> tuple[object, float]:
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, bench.stop.request, StopReason.SIGTERM)
        call = bench.create() if name == "create" else bench.register()
        return await _outcome(call), loop.time()

    error, at_s = run_virtually(scenario())
    assert isinstance(error, StoppedError)
    assert at_s == 0.5
    assert bench.service.sent == [(0.0, name)]


def test_a_stop_also_ends_the_wait_for_ones_turn() -> None:
    bench = Bench(replace(POLICY, max_rate_per_s=0.1), get_image=[VIEW])

    async def scenario() -> list[object]:
        loop = asyncio.get_running_loop()
        loop.call_later(3, bench.stop.request, StopReason.SIGTERM)
        return await bench._all((bench.get(), bench.get()))

    first, second = run_virtually(scenario())
    assert first == VIEW
    assert isinstance(second, StoppedError)


def test_nothing_goes_out_after_a_stop_even_through_an_open_gate() -> None:
    bench = Bench(create=[VIEW])
    bench.stop.request(StopReason.WINDOW)
    outcomes = bench.run(bench.create(), bench.register(), bench.get())
    assert [type(outcome) for outcome in outcomes] == [StoppedError] * 3
    assert bench.service.sent == []


def test_a_call_under_way_at_the_stop_brings_its_answer_home() -> None:
    bench = Bench(create=[VIEW])
    bench.service.takes_s = 5.0

    async def scenario() -> object:
        asyncio.get_running_loop().call_later(1, bench.stop.request, StopReason.SIGINT)
        return await bench.create()

    assert run_virtually(scenario()) == VIEW


def test_the_error_of_a_call_is_the_services_own() -> None:
    bench = Bench(create=[LOST])
    (error,) = bench.run(bench.create())
    assert isinstance(error, ServiceError)
    assert (error.kind, error.applied) == (FaultKind.LOST, Applied.UNKNOWN)
