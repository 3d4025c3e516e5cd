"""One entry's way: what is written before what is sent, and what is never sent."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from batch_register.entry import EntryState
from batch_register.errors import ServiceError
from batch_register.event import (
    DuplicateSeen,
    EntryDeferred,
    Event,
    ImageActive,
    ImageAdopted,
    ImageFailed,
    OutcomeUnknown,
    RegisterRefused,
    RetryStarted,
    ShellDeleted,
    ShellKept,
)
from batch_register.model import (
    Action,
    Applied,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageStatus,
    ImageView,
    JobId,
    RunCounts,
    identity_tags,
)
from batch_register.plan import RetryPolicy
from batch_register.stage import (
    Active,
    Created,
    Creating,
    Deferred,
    Failed,
    Planned,
    Registered,
    Registering,
    Replacing,
    Stage,
    Unknown,
)
from batch_register.throttle import ThrottlePolicy
from tests.engine.rig import LoggedCloud, Rig, rig, watch_limits
from tests.fakes import FakeImage, service_error, spec

KEY = EntryKey("web-0")
JOB_FAULT = Fault(
    kind=FaultKind.JOB_FAILED,
    code="IMG.0057",
    reason="the file cannot be read",
    action=Action.FIX_SOURCE,
)


def stage_of(one: Rig, key: str = "web-0") -> Stage:
    return one.ledger.replay()[EntryKey(key)].stage


def unknown_fault(one: Rig) -> Fault:
    stage = stage_of(one)
    assert isinstance(stage, Unknown)
    return stage.fault


def last_event(one: Rig) -> Event:
    return one.ledger.events("web-0")[-1]


def test_each_intent_is_durable_before_its_call_and_each_result_before_the_next() -> (
    None
):
    one = rig()
    assert one.run().exit_code == 0
    assert one.cloud.log == [
        "write image.create_intended web-0",
        "send create web-0",
        "write image.created web-0",
        "write image.register_intended web-0",
        "send register web-0",
        "write image.registered web-0",
        "write image.active web-0",
    ]
    assert [event for _, event in one.notebook.moves] == one.ledger.events("web-0")


@pytest.mark.fault(13)
def test_a_lost_create_that_arrived_is_found_and_not_repeated() -> None:
    one = rig(replies=deque(["lose-after"]))
    assert one.run().exit_code == 0
    assert one.cloud.log[:4] == [
        "write image.create_intended web-0",
        "send create web-0",
        "write image.adopted web-0",
        "write image.register_intended web-0",
    ]
    assert one.images_and_jobs() == (1, [1])


@pytest.mark.fault(12)
def test_a_lost_create_that_never_arrived_is_repeated_after_the_settle_time() -> None:
    one = rig(replies=deque(["lose-before"]))
    assert one.run().exit_code == 0
    assert one.cloud.log.count("send create web-0") == 2
    assert one.images_and_jobs() == (1, [1])


@pytest.mark.fault(13)
def test_a_lost_register_that_arrived_is_followed_by_its_image() -> None:
    one = rig(replies=deque(["ok", "lose-after"]))
    assert one.run().exit_code == 0
    assert one.cloud.calls["register"] == 1
    assert stage_of(one) == Active(
        image_id=ImageId("image-1"), job_id=None, size_bytes=1000
    )


def lost(number: int) -> ServiceError:
    """Return a lost answer that can be told from the others."""
    error = Fault(
        kind=FaultKind.LOST,
        code=f"lost.{number}",
        reason="cut off",
        action=Action.WAIT,
        http_status=500 + number,
        request_id=f"req-{number}",
    )
    return ServiceError("test", error, applied=Applied.UNKNOWN)


@pytest.mark.parametrize("call", ["create", "register"])
def test_a_write_that_is_lost_three_times_is_unknown_in_the_services_own_words(
    call: str,
) -> None:
    one = rig()
    sent = 0

    async def lose(*_: object) -> NoReturn:
        nonlocal sent
        sent += 1
        raise lost(sent)

    cloud = one.cloud
    original = getattr(cloud, f"{call}_image")
    setattr(cloud, f"{call}_image", lose)
    assert one.run().exit_code == 4
    assert sent == 3
    assert last_event(one) == OutcomeUnknown(
        error=Fault(
            kind=FaultKind.UNPROVEN,
            code="lost.3",
            reason="cut off (sent 3 times without any effect to be seen)",
            action=Action.WAIT,
            http_status=503,
            request_id="req-3",
        )
    )
    setattr(cloud, f"{call}_image", original)
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (1, [1])


def cut_off_after_the_create(**cloud: Any) -> Rig:
    """Return a rig whose only create arrived and was lost, and is not listed yet."""
    one = rig(replies=deque(["lose-after"]), list_lag_s=20.0, **cloud)
    one.run(stop_after_s=5.0)
    assert stage_of(one) == Creating()
    return one


@pytest.mark.fault(28)
def test_a_renamed_entry_still_knows_its_lost_image_by_the_name_it_was_sent_with() -> (
    None
):
    """Where the cloud drops tags, only that name keeps a second image from being made."""
    one = cut_off_after_the_create(keeps_tags=False)
    assert one.ledger.replay()[KEY].made_name == "web-0"
    one.specs = [replace(one.specs[0], name="renamed")]
    assert one.run().exit_code == 4
    assert unknown_fault(one).code == "create.unproven"
    assert one.run().exit_code == 4
    assert (one.cloud.calls["create"], len(one.cloud.images)) == (1, 1)


def test_a_renamed_entry_finds_its_lost_image_where_tag_queries_show_nothing() -> None:
    one = cut_off_after_the_create(honours_tag_query=False)
    one.specs = [replace(one.specs[0], name="renamed")]
    one.run()
    assert ImageAdopted in [type(event) for event in one.ledger.events("web-0")]
    assert one.cloud.calls["create"] - one.cloud.calls["delete"] == 1
    assert one.images_and_jobs() == (1, [1])


def test_waiting_for_a_busy_service_does_not_eat_the_images_own_time() -> None:
    """300 refusals of a second each, then a job of 100 s, with a deadline of 200 s."""
    one = rig(replies=deque(["ok"] + ["busy"] * 300), job_s=100.0)
    one.watch = watch_limits(image_deadline_s=200.0)
    assert one.run().exit_code == 0
    assert one.cloud.calls["register"] == 301


class AliveAfterAll(LoggedCloud):
    """Its images become active even where their jobs fail."""

    def _now(self, image: FakeImage) -> ImageView:
        shown = super()._now(image)
        if shown.status is not ImageStatus.KILLED:
            return shown
        return replace(shown, status=ImageStatus.ACTIVE, size_bytes=1000)


@pytest.mark.fault(32)
def test_a_contradiction_is_not_turned_into_success_by_a_later_list() -> None:
    one = rig()
    one.cloud = AliveAfterAll(
        log=one.cloud.log, failing_jobs={"web-0": JOB_FAULT}, list_lag_s=1000.0
    )
    assert one.run().exit_code == 4
    first = last_event(one)
    assert isinstance(first, OutcomeUnknown)
    assert first.error.kind is FaultKind.CONTRADICTION
    one.cloud.list_lag_s = 0.0
    for _ in range(2):
        assert one.run().exit_code == 4
        assert last_event(one) == first
    assert one.images_and_jobs() == (1, [1])


def test_a_failed_image_that_has_come_alive_is_taken_over_and_not_replaced() -> None:
    one = rig(failing_jobs={"web-0": JOB_FAULT})
    assert one.run().exit_code == 3
    one.cloud.images[ImageId("image-1")].failure = None
    assert one.run().exit_code == 0
    kinds = [type(event) for event in one.ledger.events("web-0")[-3:]]
    assert kinds == [RetryStarted, ImageAdopted, ImageActive]
    assert one.cloud.calls["delete"] == 0
    assert one.images_and_jobs() == (1, [1])


@pytest.mark.fault(32)
def test_a_failed_image_that_is_alive_although_its_job_failed_stays_unknown() -> None:
    one = rig(failing_jobs={"web-0": JOB_FAULT})
    one.run()
    one.cloud = AliveAfterAll(
        log=one.cloud.log,
        failing_jobs=one.cloud.failing_jobs,
        images=one.cloud.images,
        accepted_registers=one.cloud.accepted_registers,
    )
    for _ in range(2):
        assert one.run().exit_code == 4
        assert unknown_fault(one).code == "image.risen"
    assert one.cloud.calls["delete"] == 0
    assert one.images_and_jobs() == (1, [1])


class StaleLists(LoggedCloud):
    """Its lists show every image as it was made."""

    async def list_images(self, query: ImageQuery) -> list[ImageView]:
        await super().list_images(query)
        return [image.view for image in self.images.values()]


@pytest.mark.fault(31)
def test_an_image_that_a_stale_list_shows_queued_is_not_registered_again() -> None:
    one = rig(job_s=60.0)
    one.cloud = StaleLists(log=one.cloud.log, job_s=600.0)
    one.run(stop_after_s=30.0)
    one.lose_ledger()
    assert one.run().exit_code == 0
    adopted = one.ledger.events("web-0")[0]
    assert isinstance(adopted, ImageAdopted)
    assert adopted.status is ImageStatus.SAVING
    assert one.cloud.calls["register"] == 1


def test_a_cloud_that_drops_tags_gives_unknown_and_never_a_second_image() -> None:
    one = rig(2, keeps_tags=False, replies=deque(["ok", "lose-after"]))
    assert one.run().exit_code == 4
    assert one.images_and_jobs() == (2, [0, 1])
    assert one.run().exit_code == 4
    assert one.images_and_jobs() == (2, [0, 1])


def test_a_refused_create_fails_its_entry_only() -> None:
    one = rig(3, replies=deque(["refuse"]))
    outcome = one.run()
    assert (outcome.exit_code, outcome.counts.failed, outcome.counts.active) == (
        3,
        1,
        2,
    )


def test_a_refused_register_is_tried_again_with_the_same_image() -> None:
    one = rig(replies=deque(["ok", "refuse"]))
    assert one.run().exit_code == 3
    refused = last_event(one)
    assert isinstance(refused, RegisterRefused)
    assert one.run().exit_code == 0
    assert (one.cloud.calls["create"], one.images_and_jobs()) == (1, (1, [1]))


def test_a_failed_job_is_retried_with_a_fresh_image_in_place_of_the_dead_one() -> None:
    one = rig(failing_jobs={"web-0": JOB_FAULT})
    assert one.run().exit_code == 3
    assert last_event(one) == ImageFailed(
        error=JOB_FAULT, stage="job", image_id=ImageId("image-1")
    )
    one.cloud.failing_jobs.clear()
    one.cloud.log.clear()
    assert one.run().exit_code == 0
    assert one.cloud.log[:4] == [
        "write image.retry_started web-0",
        "send delete image-1",
        "write image.shell_deleted web-0",
        "write image.create_intended web-0",
    ]


def test_keep_failed_leaves_the_dead_image_and_makes_one_beside_it() -> None:
    one = rig(failing_jobs={"web-0": JOB_FAULT})
    one.retry = RetryPolicy(keep_failed=True)
    one.run()
    one.cloud.failing_jobs.clear()
    assert one.run().exit_code == 0
    assert one.cloud.calls["delete"] == 0
    assert one.images_and_jobs() == (2, [1, 1])


@pytest.mark.parametrize("is_away", [False, True], ids=["at work again", "not told"])
def test_keep_failed_makes_nothing_beside_an_image_that_may_be_alive(
    *, is_away: bool
) -> None:
    """A run with another ledger may have given the dead image a file since."""
    one = rig(failing_jobs={"web-0": JOB_FAULT})
    one.retry = RetryPolicy(keep_failed=True)
    one.run()
    (image,) = one.cloud.images.values()
    one.cloud.failing_jobs.clear()
    dead = image.view
    if is_away:
        one.cloud.read_error = lambda call: (
            service_error(FaultKind.SERVER) if call == "get_image" else None
        )
    else:
        image.view, image.job_id = replace(dead, status=ImageStatus.SAVING), None
    assert one.run().exit_code == 3
    assert one.cloud.calls["create"] == 1
    image.view, one.cloud.read_error = dead, lambda _: None
    assert one.run().exit_code == 0
    assert one.cloud.calls["create"] == 2


def test_without_retries_a_failed_entry_costs_no_request() -> None:
    one = rig(failing_jobs={"web-0": JOB_FAULT})
    one.run()
    before = one.cloud.calls.copy()
    one.retry = RetryPolicy(retry_failed=False)
    assert one.run().exit_code == 3
    assert one.cloud.calls == before


@pytest.mark.fault(28)
def test_a_changed_spec_replaces_a_shell_that_has_no_file() -> None:
    one = rig(replies=deque(["ok", "refuse"]))
    one.run()
    one.specs = [replace(one.specs[0], min_disk_gb=99)]
    one.cloud.log.clear()
    assert one.run().exit_code == 0
    assert one.cloud.log[:4] == [
        "write image.retry_started web-0",
        "send delete image-1",
        "write image.shell_deleted web-0",
        "write image.create_intended web-0",
    ]


@pytest.mark.parametrize("stopped_at", ["created", "registering"])
def test_a_changed_spec_replaces_a_shell_that_an_earlier_run_left(
    stopped_at: str,
) -> None:
    """An unregistered shell of the old spec must not get the new file."""
    one = rig()
    cut = 2 if stopped_at == "created" else 3
    one.ledger.lines_until_full = cut
    with pytest.raises(Exception, match="no space left"):
        one.run()
    one.ledger.lines_until_full = None
    one.cloud.accepted_registers.clear()
    for image in one.cloud.images.values():
        image.job_id = None
    wanted = Created if stopped_at == "created" else Registering
    assert isinstance(stage_of(one), wanted)
    one.specs = [replace(one.specs[0], min_disk_gb=99)]
    assert one.run().exit_code == 0
    (image,) = one.cloud.images.values()
    assert set(identity_tags("wave-07", one.specs[0])) <= set(image.view.tags)


@pytest.mark.fault(8, 36)
def test_a_full_quota_holds_the_rest_back_without_asking() -> None:
    one = rig(5, replies=deque(["quota"]))
    one.concurrency = 1
    outcome = one.run()
    assert (outcome.exit_code, outcome.counts.deferred) == (6, 5)
    assert one.cloud.calls["create"] == 1
    assert [type(event) for event in one.ledger.events("web-4")] == [EntryDeferred]
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (5, [1] * 5)


def untold(call: str) -> ServiceError | None:
    """Refuse to tell the quota."""
    return service_error(FaultKind.FORBIDDEN) if call == "quota" else None


@pytest.mark.fault(36)
def test_a_deleted_shell_makes_room_for_those_that_come_after_it() -> None:
    """web-0 meets the full quota, web-1 replaces its dead image, web-2 comes after.

    This cloud does not tell its quota: whoever comes next may try.
    """
    one = rig(3, failing_jobs={"web-1": JOB_FAULT})
    one.concurrency = 1
    one.selected = lambda key: key == "web-1"
    one.run()
    one.cloud.failing_jobs.clear()
    one.cloud.replies = deque(["quota"])
    one.cloud.read_error = untold
    one.selected = lambda _: True
    outcome = one.run()
    assert (outcome.counts.deferred, outcome.counts.active) == (1, 2)
    assert isinstance(stage_of(one), Deferred)


def test_a_full_quota_still_adopts_what_is_there_already() -> None:
    one = rig(3)
    one.concurrency = 1
    one.specs = one.specs[1:]
    one.run()
    one.lose_ledger()
    one.specs = [spec("web-0", priority=9), *one.specs]
    one.cloud.replies = deque(["quota"])
    outcome = one.run()
    assert (outcome.counts.deferred, outcome.counts.active) == (1, 2)


def test_an_image_of_another_spec_is_neither_adopted_nor_created_over() -> None:
    one = rig()
    one.run()
    one.lose_ledger()
    original = one.specs[0]
    one.specs = [replace(original, min_disk_gb=99)]
    for _ in range(3):
        outcome = one.run()
        assert (outcome.exit_code, outcome.counts.conflict) == (3, 1)
    assert one.images_and_jobs() == (1, [1])
    one.specs = [original]
    assert one.run().exit_code == 0
    assert one.cloud.calls["create"] == 1


def test_a_conflict_ends_when_somebody_deletes_the_other_image() -> None:
    one = rig()
    one.run()
    one.lose_ledger()
    one.specs = [replace(one.specs[0], min_disk_gb=99)]
    one.run()
    one.cloud.images.clear()
    assert one.run().exit_code == 0


@pytest.mark.fault(28)
def test_an_active_image_whose_spec_changed_is_a_conflict_and_left_alone() -> None:
    one = rig()
    one.run()
    before = one.cloud.calls.copy()
    one.specs = [replace(one.specs[0], min_disk_gb=99)]
    outcome = one.run()
    assert (outcome.exit_code, outcome.has_moved) == (3, False)
    assert outcome.counts == RunCounts(total=1, conflict=1, skipped=0)
    assert one.cloud.calls == before


async def _twins(one: Rig) -> None:
    tags = identity_tags("wave-07", one.specs[0])
    await one.cloud.create_image(one.specs[0], tags)
    await asyncio.sleep(120)
    await one.cloud.create_image(one.specs[0], tags)


def test_a_second_image_of_one_entry_is_reported_once_and_left_alone() -> None:
    one = rig()
    one.play(_twins(one))
    one.cloud.calls.clear()
    assert one.run().exit_code == 0
    events = one.ledger.events("web-0")
    assert events[:2] == [
        DuplicateSeen(image_id=ImageId("image-2"), status=ImageStatus.QUEUED),
        ImageAdopted(
            image_id=ImageId("image-1"),
            status=ImageStatus.QUEUED,
            spec=dict(identity_tags("wave-07", one.specs[0]))["br-spec"],  # type: ignore[arg-type]
            created_at="2026-09-01T00:00:00Z",
        ),
    ]
    assert one.run().exit_code == 0
    assert one.ledger.events("web-0") == events
    assert one.cloud.calls["create"] == one.cloud.calls["delete"] == 0


@pytest.mark.parametrize(
    ("reply", "stage", "code"),
    [
        (["lose-before"], Planned, "left-nothing"),
        (["ok", "lose-before"], Created, "left-nothing"),
    ],
)
@pytest.mark.parametrize("removed", [True, False])
def test_an_open_entry_that_is_not_wanted_is_looked_after_and_nothing_is_sent(
    reply: list[str], stage: type[Stage], code: str, removed: bool
) -> None:
    one = rig(1, replies=deque(reply))
    one.run(stop_after_s=10.0)
    sent = [line for line in one.cloud.log if line.startswith("send")]
    if removed:
        one.specs = [spec("other")]
    one.selected = lambda key: key != "web-0"
    one.run()
    resolved = stage_of(one)
    assert isinstance(resolved, Planned | Created)
    assert (type(resolved), resolved.fault and resolved.fault.code) == (stage, code)
    others = [line for line in one.cloud.log if "other" not in line]
    assert [line for line in others if line.startswith("send")] == sent


def test_an_unwanted_entry_whose_create_had_arrived_is_adopted_and_not_registered() -> (
    None
):
    one = rig(replies=deque(["lose-after"]), list_lag_s=20.0)
    one.run(stop_after_s=5.0)
    assert stage_of(one) == Creating()
    one.selected = lambda _: False
    one.run()
    assert stage_of(one) == Created(image_id=ImageId("image-1"))
    assert one.cloud.calls["register"] == 0


def test_an_unwanted_entry_under_way_is_followed_to_its_end() -> None:
    one = rig(job_s=60.0)
    one.run(stop_after_s=10.0)
    assert isinstance(stage_of(one), Registered)
    one.selected = lambda _: False
    one.run()
    assert isinstance(stage_of(one), Active)


LOST_JOB = replace(JOB_FAULT, action=Action.RUN_AGAIN)


@pytest.mark.parametrize(
    ("fault", "code", "creates"), [(LOST_JOB, 0, 2), (JOB_FAULT, 3, 1)]
)
def test_a_job_that_the_service_lost_before_is_made_up_for_by_the_run_that_finds_it(
    fault: Fault, code: int, creates: int
) -> None:
    one = rig(job_s=60.0, failing_jobs={"web-0": fault})
    one.run(stop_after_s=10.0)
    assert isinstance(stage_of(one), Registered)
    one.cloud.failing_jobs.clear()
    assert one.run().exit_code == code
    assert one.cloud.calls["create"] == creates
    assert len(one.cloud.images) == 1


def test_a_job_that_is_lost_in_the_run_that_began_it_waits_for_the_next() -> None:
    one = rig(failing_jobs={"web-0": LOST_JOB})
    assert one.run().exit_code == 3
    assert one.cloud.calls["create"] == 1
    one.cloud.failing_jobs.clear()
    assert one.run().exit_code == 0


def test_an_image_that_was_waited_for_in_vain_is_asked_about_at_once() -> None:
    one = rig(job_s=5000.0)
    one.watch = watch_limits(image_deadline_s=400.0)
    assert one.run().exit_code == 4
    asked = one.cloud.calls["get_job"]
    one.run(stop_after_s=20.0)
    assert one.cloud.calls["get_job"] == asked + 1


def test_an_image_that_never_shows_whether_it_took_the_file_is_unknown() -> None:
    one = rig(replies=deque(["ok", "lose-after"]))
    one.watch = watch_limits(image_deadline_s=200.0)
    outage = service_error(FaultKind.REJECTED)

    def broken(call: str) -> ServiceError | None:
        return outage if call == "get_image" else None

    one.cloud.read_error = broken
    assert one.run().exit_code == 4
    event = last_event(one)
    assert isinstance(event, OutcomeUnknown)
    assert (event.error.code, event.error.reason) == (
        "register.unproven",
        "the image does not show whether it took the file: test: as scripted",
    )


@pytest.mark.parametrize(
    ("kind", "after_s"),
    [(FaultKind.REJECTED, 0.0), (FaultKind.FORBIDDEN, 0.0), (FaultKind.SERVER, 200.0)],
)
def test_a_create_whose_image_cannot_be_looked_for_is_unknown(
    kind: FaultKind, after_s: float
) -> None:
    """At once where the look is refused for good, else when the entry's time is over."""
    one = rig(replies=deque(["lose-after"]), list_lag_s=1000.0)
    one.watch = watch_limits(image_deadline_s=200.0)
    one.policy = ThrottlePolicy(silence_s=3600.0)
    outage = service_error(kind)

    def broken(call: str) -> ServiceError | None:
        return outage if call == "list" and one.cloud.calls["create"] else None

    one.cloud.read_error = broken
    assert one.run().exit_code == 4
    assert unknown_fault(one).code == "create.unproven"
    assert one.cloud.calls["create"] == 1
    took_s = one.elapsed_s - 60.0
    assert after_s <= took_s <= after_s + 60.0 * (after_s > 0)


@pytest.mark.fault(34)
@pytest.mark.parametrize("after", ["vanishes", "killed"])
def test_a_lost_register_of_an_image_that_is_no_more_has_failed(after: str) -> None:
    fails = {"web-0": JOB_FAULT} if after == "killed" else {}
    one = rig(replies=deque(["ok", "lose-after"]), failing_jobs=fails, job_s=0.0)
    if after == "vanishes":

        def vanish(call: str) -> None:
            if call == "get_image":
                one.cloud.images.clear()

        one.cloud.read_error = vanish
    assert one.run().exit_code == 3
    event = last_event(one)
    assert isinstance(event, ImageFailed)
    code = "image.vanished" if after == "vanishes" else "image.killed"
    assert (event.stage, event.error.code) == ("register", code)


def test_a_register_that_meets_no_image_is_looked_into_before_it_counts() -> None:
    """An image that was only just made may not be known everywhere yet."""
    one = rig()
    register = one.cloud.register_image
    refusals = iter([True])

    async def unknown_at_first(image_id: ImageId, spec: ImageSpec) -> JobId:
        if next(refusals, False):
            raise service_error(FaultKind.NOT_FOUND)
        return await register(image_id, spec)

    one.cloud.register_image = unknown_at_first  # type: ignore[method-assign]
    assert one.run().exit_code == 0
    assert one.images_and_jobs() == (1, [1])


def test_a_delete_whose_answer_is_lost_leaves_the_replacement_open() -> None:
    one = rig(failing_jobs={"web-0": JOB_FAULT})
    one.run()
    one.cloud.failing_jobs.clear()
    delete = one.cloud.delete_image
    losses = iter([True])

    async def lost_once(image_id: ImageId) -> None:
        await delete(image_id)
        if next(losses, False):
            raise service_error(FaultKind.LOST, applied=Applied.UNKNOWN)

    one.cloud.delete_image = lost_once  # type: ignore[method-assign]
    assert one.run().exit_code == 4
    stage = stage_of(one)
    assert isinstance(stage, Unknown)
    assert isinstance(stage.was, Replacing)
    assert one.run().exit_code == 0
    assert ShellDeleted(image_id=ImageId("image-1")) in one.ledger.events("web-0")


def test_a_dead_image_that_may_not_be_deleted_stays_beside_the_fresh_one() -> None:
    one = rig(failing_jobs={"web-0": JOB_FAULT})
    one.run()
    one.cloud.failing_jobs.clear()

    async def forbidden(image_id: ImageId) -> None:
        raise service_error(FaultKind.FORBIDDEN)

    one.cloud.delete_image = forbidden  # type: ignore[method-assign]
    assert one.run().exit_code == 0
    kinds = [type(event) for event in one.ledger.events("web-0")]
    assert ShellKept in kinds
    assert isinstance(last_event(one), ImageActive)


def test_a_failed_entry_without_an_image_starts_afresh() -> None:
    one = rig(replies=deque(["refuse"]))
    one.run()
    assert isinstance(stage_of(one), Failed)
    assert one.run().exit_code == 0
    assert one.ledger.replay()[KEY].attempts == 2


# ------------------------------------------------------------ a renamed key


def renamed_rig() -> Rig:
    """Return a rig whose one entry was made, and has had its key changed since."""
    one = rig(1)
    one.run()
    one.specs = [replace(one.specs[0], key=EntryKey("renamed"))]
    return one


@pytest.mark.fault(28)
def test_an_entry_under_a_new_key_is_not_made_beside_its_image() -> None:
    one = renamed_rig()
    assert one.run().exit_code == 3
    (failed,) = one.ledger.events("renamed")
    assert isinstance(failed, ImageFailed)
    assert (failed.error.code, failed.error.action) == (
        "renamed-key",
        Action.FIX_MANIFEST,
    )
    assert one.ledger.replay()[EntryKey("renamed")].state is EntryState.CONFLICT
    assert one.run().exit_code == 3
    assert len(one.cloud.images) == 1


@pytest.mark.fault(28, 34)
def test_an_entry_under_a_new_key_is_made_once_the_old_image_is_gone() -> None:
    one = renamed_rig()
    one.run()
    one.cloud.images.clear()
    assert one.run().exit_code == 0
    assert len(one.cloud.images) == 1


@pytest.mark.fault(28)
def test_a_key_that_is_restored_stands_by_its_image() -> None:
    one = renamed_rig()
    one.run()
    one.specs = rig(1).specs
    assert one.run().exit_code == 0
    assert len(one.cloud.images) == 1


@pytest.mark.fault(28)
def test_an_entry_under_a_new_key_and_name_is_made_and_that_is_said() -> None:
    one = rig(1)
    one.run()
    one.specs = [replace(one.specs[0], key=EntryKey("other"), name="other")]
    assert one.run().exit_code == 0
    assert len(one.cloud.images) == 2
    facts = {"key": "other", "former": "web-0", "image_id": "image-1"}
    assert ("entry.same_file", facts) in one.notebook.notices


@pytest.mark.fault(28)
def test_an_entry_under_a_new_key_is_known_by_its_image_when_the_ledger_is_lost() -> (
    None
):
    """Found by simulation: only the tag of its spec tells."""
    one = renamed_rig()
    one.lose_ledger()
    assert one.run().exit_code == 3
    (failed,) = one.ledger.events("renamed")
    assert isinstance(failed, ImageFailed)
    assert failed.error.code == "renamed-key"
    assert len(one.cloud.images) == 1
    one.cloud.images.clear()
    assert one.run().exit_code == 0


def test_an_unknown_outcome_of_a_renamed_entry_is_looked_into_again() -> None:
    """Found by simulation: the run after it made the image a second time."""
    one = renamed_rig()
    refused = service_error(FaultKind.MISREAD)
    one.cloud.read_error = lambda call: refused if call == "get_image" else None
    one.run()
    one.cloud.read_error = lambda _: None
    assert one.run().exit_code == 3
    assert len(one.cloud.images) == 1


def test_whether_the_old_image_is_there_must_be_told_before_another_is_made() -> None:
    one = renamed_rig()
    refused = service_error(FaultKind.MISREAD)
    one.cloud.read_error = lambda call: refused if call == "get_image" else None
    assert one.run().exit_code == 4
    assert one.ledger.replay()[EntryKey("renamed")].stage == Unknown(
        fault=refused.fault, was=Planned()
    )
    assert one.cloud.calls["create"] == 1


def test_a_renamed_entry_whose_create_is_still_open_waits_for_what_comes_of_it() -> (
    None
):
    one = rig(1, replies=deque(["lose-after"]))
    one.run(stop_after_s=1.0)
    one.specs = [replace(one.specs[0], key=EntryKey("renamed"))]
    assert one.run().exit_code == 3
    assert len(one.cloud.images) == 1
