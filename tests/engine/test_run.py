"""A whole run: the bound, what stops it and what does not, the look at its start."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import NoReturn

import pytest

from batch_register.engine import RunOutcome
from batch_register.errors import AuthenticationError, LedgerError, ServiceError
from batch_register.event import CreateRefused, Event, ImageAdopted
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    Pairs,
    RunCounts,
    StopReason,
)
from batch_register.stage import Created, Planned, Registered
from batch_register.throttle import ThrottlePolicy
from tests.engine.rig import LoggedCloud, LoggedLedger, Rig, rig
from tests.fakes import fault, service_error, spec

OUTAGE = service_error(FaultKind.UNREACHABLE)
BROKEN_FILE = Fault(
    kind=FaultKind.JOB_FAILED,
    code="IMG.0057",
    reason="the file cannot be read",
    action=Action.FIX_SOURCE,
)


LOOK_FAILED = ("look.failed", {"error": "test: as scripted"})
CALL_FAILED = (
    "service.call_failed",
    {"operation": "test", "error": "test: as scripted"},
)


def refused() -> ServiceError:
    return AuthenticationError("test", fault(FaultKind.UNAUTHENTICATED))


def writes(one: Rig) -> list[str]:
    return [line for line in one.cloud.log if line.startswith("send")]


# ------------------------------------------------------------ the bound


@pytest.mark.parametrize("concurrency", [1, 3, 7])
def test_no_more_images_are_in_flight_than_allowed(concurrency: int) -> None:
    one = rig(20, job_s=60.0)
    one.concurrency = concurrency
    assert one.run().exit_code == 0
    assert one.cloud.peak_jobs == concurrency
    assert one.images_and_jobs() == (20, [1] * 20)


def test_a_slot_is_held_from_before_the_create() -> None:
    one = rig(20, job_s=60.0, write_s=3.0)
    one.concurrency = 4
    one.run()
    assert one.cloud.peak_writes == 4


def test_no_task_exists_before_it_has_a_slot() -> None:
    """A batch of many entries must not cost a task for each."""
    one = rig(200, job_s=60.0)
    one.concurrency = 3
    peak = 0

    async def scenario() -> int:
        nonlocal peak

        def count() -> None:
            nonlocal peak
            peak = max(peak, len(asyncio.all_tasks()))

        one.cloud.read_error = lambda _: count()
        await one.execute()
        return peak

    assert one.play(scenario()) <= 3 + 6


def test_entries_go_in_the_order_of_admission() -> None:
    sizes = {"a": 1, "b": 5, "c": 9}
    specs = [spec(key, size_bytes=size) for key, size in sizes.items()]
    one = rig([*specs, spec("d", priority=1)])
    one.concurrency = 1
    one.run()
    creates = [line for line in writes(one) if "create" in line]
    assert creates == [f"send create {key}" for key in "dcba"]


@pytest.mark.fault(11)
def test_failing_entries_stop_nothing_else_and_free_their_slots() -> None:
    failing = {f"web-{n}": BROKEN_FILE for n in range(0, 12, 2)}
    one = rig(12, failing_jobs=failing, replies=deque(["refuse"] * 2))
    outcome = one.run()
    assert outcome.exit_code == 3
    assert outcome.counts.failed + outcome.counts.active == 12
    assert outcome.counts.failed >= 6


# ------------------------------------------------------------ what stops a run


@pytest.mark.fault(4, 5)
@pytest.mark.parametrize("lines", range(14))
def test_nothing_is_written_to_the_cloud_after_the_ledger_has_failed(
    lines: int,
) -> None:
    one = rig(4, job_s=30.0)
    one.ledger.lines_until_full = lines
    with pytest.raises(LedgerError, match="no space left on device"):
        one.run()
    after = one.cloud.log[one.cloud.log.index("disk full") :]
    assert set(after) == {"disk full"}
    one.ledger.lines_until_full = None
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (4, [1] * 4)


def test_a_bug_is_shown_rather_than_the_ledger_error_beside_it() -> None:
    """The ledger's error has a remedy that would not help; the bug must be seen."""
    one = rig(2)

    async def buggy(spec: ImageSpec, tags: Pairs) -> NoReturn:
        try:
            await asyncio.sleep(3600)
        finally:
            message = "a bug"
            raise ZeroDivisionError(message)

    one.cloud.create_image = buggy  # type: ignore[method-assign]

    @dataclass
    class FailingLedger(LoggedLedger):
        async def append(self, key: EntryKey, *events: Event) -> str:
            await asyncio.sleep(5.0 if key == "web-1" else 0.0)
            if key == "web-1":
                raise LedgerError("wave-07.ledger.jsonl", "no space left on device")
            return await super().append(key, *events)

    one.ledger = FailingLedger(log=one.cloud.log)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        one.run()


class LapsingCloud(LoggedCloud):
    """Its credentials lapse after so many creates."""

    writes_left = 1

    async def create_image(self, *arguments) -> ImageView:
        self.writes_left -= 1
        if self.writes_left < 0:
            raise refused()
        return await super().create_image(*arguments)


@pytest.mark.fault(10)
def test_refused_credentials_stop_the_run_and_fail_no_entry() -> None:
    one = rig(6, job_s=60.0)
    one.cloud = cloud = LapsingCloud(log=one.cloud.log, job_s=60.0)
    outcome = one.run()
    assert (outcome.exit_code, outcome.stop_reason) == (
        77,
        StopReason.UNAUTHENTICATED,
    )
    assert outcome.counts == RunCounts(total=6, unfinished=1, pending=5)
    assert one.ledger.replay()[EntryKey("web-1")].stage == Planned(
        fault=fault(FaultKind.UNAUTHENTICATED)
    )
    cloud.writes_left = 99
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (6, [1] * 6)


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("error", "reason", "code", "notice"),
    [
        (OUTAGE, StopReason.UNREACHABLE, 69, CALL_FAILED),
        (service_error(FaultKind.SERVER), StopReason.UNREACHABLE, 69, LOOK_FAILED),
        (refused(), StopReason.UNAUTHENTICATED, 77, LOOK_FAILED),
        (
            service_error(FaultKind.FORBIDDEN),
            StopReason.UNAUTHENTICATED,
            77,
            LOOK_FAILED,
        ),
        (service_error(FaultKind.MISREAD), StopReason.UNREACHABLE, 69, LOOK_FAILED),
    ],
)
def test_a_service_that_cannot_be_listed_ends_the_run_before_anything_is_made(
    error: ServiceError,
    reason: StopReason,
    code: int,
    notice: tuple[str, dict[str, object]],
) -> None:
    one = rig(3)
    one.cloud.read_error = lambda _: error
    outcome = one.run()
    assert (outcome.stop_reason, outcome.exit_code) == (reason, code)
    assert not outcome.has_moved
    assert outcome.counts == RunCounts(total=3, pending=3)
    assert writes(one) == []
    assert one.notebook.notices[-1] == notice


def test_a_service_that_falls_silent_stops_the_run_and_harms_no_image() -> None:
    one = rig(6, job_s=60.0)
    one.policy = ThrottlePolicy(silence_s=120.0)
    one.cloud.read_error = lambda _: OUTAGE if one.cloud.calls["register"] else None
    outcome = one.run()
    assert outcome.stop_reason is StopReason.UNREACHABLE
    assert outcome.counts == RunCounts(total=6, unfinished=2, pending=4)
    assert (outcome.has_moved, outcome.exit_code) == (True, 4)
    one.cloud.read_error = lambda _: OUTAGE
    outcome = one.run()
    assert outcome.stop_reason is StopReason.UNREACHABLE
    assert (outcome.has_moved, outcome.exit_code) == (False, 69)
    one.cloud.read_error = lambda _: None
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (6, [1] * 6)


# ------------------------------------------------------------ the look at the start


def test_a_lost_ledger_is_rebuilt_and_nothing_is_made_again() -> None:
    one = rig(5, job_s=60.0)
    one.run(stop_after_s=100.0)
    made = one.cloud.calls["create"]
    one.lose_ledger()
    one.cloud.calls = Counter()
    assert one.run().exit_code == 0
    assert one.cloud.calls["create"] == 5 - made
    assert one.images_and_jobs() == (5, [1] * 5)
    events = one.ledger.events("web-0")
    assert [type(event) for event in events][:1] == [ImageAdopted]


@pytest.mark.parametrize(
    ("honours_tag_query", "stop_after_s"), [(True, 25.0), (False, 35.0)]
)
def test_a_ledger_that_is_lost_within_the_lists_lag_makes_no_twin(
    honours_tag_query: bool, stop_after_s: float
) -> None:
    """At the first look web-0 is listed, web-1 is there but not listed yet."""
    one = rig(3, job_s=14.0, list_lag_s=20.0, honours_tag_query=honours_tag_query)
    one.concurrency = 1

    async def scenario() -> RunOutcome:
        await one.execute(stop_after_s=stop_after_s)
        assert (len(one.cloud.images), one.cloud.calls["create"]) == (2, 2)
        one.lose_ledger()
        return await one.execute()

    assert one.play(scenario()).exit_code == 0
    assert ("look.waits_for_lists", {"seconds": 30.0}) in one.notebook.notices
    assert one.cloud.calls["create"] == 3
    assert one.images_and_jobs() == (3, [1] * 3)


def test_a_first_run_over_an_empty_project_does_not_wait() -> None:
    one = rig(1, job_s=10.0)
    assert one.run().exit_code == 0
    assert one.notebook.notices == []
    assert one.elapsed_s <= 60.0 + 15.0


def test_a_ledger_that_knows_its_runs_looks_once_and_does_not_wait() -> None:
    one = rig(3, job_s=60.0)
    one.concurrency = 1
    one.run(stop_after_s=20.0)
    one.cloud.log.clear()
    one.cloud.calls.clear()
    lists_before_create = []
    create = one.cloud.create_image

    async def noting(spec: ImageSpec, tags: Pairs) -> ImageView:
        lists_before_create.append(one.cloud.calls["list"])
        return await create(spec, tags)

    one.specs = [*one.specs, spec("first", priority=9)]
    one.cloud.create_image = noting  # type: ignore[method-assign]
    assert one.run().exit_code == 0
    assert lists_before_create[0] == 1
    assert "look.waits_for_lists" not in [name for name, _ in one.notebook.notices]


@pytest.mark.parametrize("honours_tag_query", [True, False])
@pytest.mark.parametrize("stop_after_s", [0.0, 0.5, 7.0, 12.0])
def test_a_run_that_ends_before_it_has_adopted_everything_makes_nothing_twice(
    stop_after_s: float, honours_tag_query: bool
) -> None:
    """The ledger is no longer new in the second run, but knows no image yet."""
    one = rig(4, job_s=60.0, honours_tag_query=honours_tag_query)
    one.concurrency = 4
    one.run(stop_after_s=30.0)
    assert len(one.cloud.images) == 4
    one.lose_ledger()
    one.concurrency = 1
    one.run(stop_after_s=stop_after_s)
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (4, [1] * 4)


def test_a_ledger_put_back_from_an_older_copy_makes_nothing_twice() -> None:
    one = rig(3)
    one.run(stop_after_s=0.0)
    older = LoggedLedger(
        lines=list(one.ledger.lines), declared=list(one.ledger.declared)
    )
    one.run()
    one.ledger = older
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (3, [1] * 3)


def test_a_run_that_goes_on_looks_once_and_then_lists_only_what_is_in_flight() -> None:
    one = rig(2, job_s=60.0)
    one.run(stop_after_s=20.0)
    registered = [record.stage for record in one.ledger.replay().values()]
    assert all(isinstance(stage, Registered) for stage in registered)
    asked: list[ImageQuery] = []
    listing = one.cloud.list_images

    async def noting(query: ImageQuery) -> list[ImageView]:
        asked.append(query)
        return await listing(query)

    one.cloud.list_images = noting  # type: ignore[method-assign]
    assert one.run().exit_code == 0
    assert [query.created_since is not None for query in asked] == [False, True]


# ------------------------------------------------------------ the window


def test_admission_ends_when_a_typical_image_would_not_end_inside() -> None:
    """Twenty images of 65 s each, one after the other, in a window of 200 s."""
    one = rig(20, job_s=60.0)
    one.concurrency, one.window_s = 1, 200.0
    outcome = one.run()
    assert (outcome.exit_code, outcome.stop_reason) == (5, StopReason.WINDOW)
    assert outcome.counts == RunCounts(total=20, active=3, pending=17)
    assert one.elapsed_s <= 200.0 + 60.0
    assert one.notebook.notices == [
        ("run.window_closed", {"first_left_out": EntryKey("web-3")})
    ]


@pytest.mark.fault(24)
def test_what_is_in_flight_at_the_windows_end_is_followed_on_next_time() -> None:
    one = rig(6, job_s=500.0)
    one.window_s = 200.0
    outcome = one.run()
    assert outcome.exit_code == 5
    assert outcome.counts == RunCounts(total=6, unfinished=2, pending=4)
    assert one.elapsed_s == 200.0 + 60.0
    one.window_s = None
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (6, [1] * 6)


def test_the_window_counts_from_the_runs_start_the_first_look_included() -> None:
    one = rig(1, job_s=500.0)
    one.window_s = 200.0
    throttled = service_error(FaultKind.THROTTLED, retry_after_s=150.0)
    answers = iter([throttled])
    one.cloud.read_error = lambda _: next(answers, None)
    assert one.run().exit_code == 5
    assert one.elapsed_s == 200.0 + 60.0


def test_a_window_that_ends_during_the_first_look_leaves_everything_for_later() -> None:
    one = rig(2)
    one.window_s = 200.0
    throttled = service_error(FaultKind.THROTTLED, retry_after_s=900.0)
    one.cloud.read_error = lambda _: throttled
    outcome = one.run()
    assert (outcome.exit_code, outcome.counts.pending) == (5, 2)
    assert one.elapsed_s == 200.0 + 60.0


def test_a_window_that_everything_fits_into_does_not_show() -> None:
    one = rig(4)
    one.window_s = 3600.0
    outcome = one.run()
    assert (outcome.exit_code, outcome.stop_reason) == (0, None)


# ------------------------------------------------------------ what a run comes to


def test_counts_tell_what_was_active_before() -> None:
    one = rig(3)
    one.run()
    one.specs = [*one.specs, spec("new")]
    outcome = one.run()
    assert outcome.counts == RunCounts(total=4, active=4, skipped=3)


def test_entries_that_are_not_selected_are_not_counted() -> None:
    one = rig(3)
    one.selected = lambda key: key == "web-1"
    outcome = one.run()
    assert outcome.counts == RunCounts(total=1, active=1)
    assert [line.split()[-1] for line in writes(one)] == ["web-1", "web-1"]


@pytest.mark.fault(28)
def test_what_changed_and_what_is_gone_is_declared() -> None:
    one = rig(2)
    one.run()
    changed = replace(one.specs[0], labels=(("owner", "x"),))
    one.specs = [changed]
    one.run()
    assert one.ledger.declared[2:] == [changed]
    assert one.ledger.removed == [EntryKey("web-1")]


def test_a_stop_between_an_intent_and_its_call_takes_the_intent_back() -> None:
    """A write that never went out must not cost the next run a settle time."""
    one = rig(1)

    @dataclass
    class StoppingLedger(LoggedLedger):
        async def append(self, key, *events) -> str:
            at = await super().append(key, *events)
            one.stop.request(StopReason.SIGTERM)
            return at

    one.ledger = StoppingLedger(log=one.cloud.log)
    assert one.run().exit_code == 143
    assert writes(one) == []
    last = one.ledger.events("web-0")[-1]
    assert isinstance(last, CreateRefused)
    assert last.error.code == "stopped"


def test_a_stop_between_a_registers_intent_and_its_call_leaves_the_shell() -> None:
    one = rig(1)

    @dataclass
    class StoppingLedger(LoggedLedger):
        async def append(self, key, *events) -> str:
            at = await super().append(key, *events)
            if len(self.lines) == 3:
                one.stop.request(StopReason.SIGTERM)
            return at

    one.ledger = StoppingLedger(log=one.cloud.log)
    one.run()
    assert writes(one) == ["send create web-0"]
    stage = one.ledger.replay()[EntryKey("web-0")].stage
    assert isinstance(stage, Created)
    assert (stage.image_id, stage.fault and stage.fault.code) == (
        ImageId("image-1"),
        "stopped",
    )
