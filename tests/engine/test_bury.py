"""A dead shell is deleted under all its conditions, and under no other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from batch_register.engine.bury import Undertaker
from batch_register.engine.look import Look
from batch_register.engine.sightings import Sightings
from batch_register.entry import EntryRecord
from batch_register.errors import StoppedError
from batch_register.event import (
    Event,
    ImageAdopted,
    OutcomeUnknown,
    ShellDeleted,
    ShellKept,
)
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    SPEC_TAG,
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
    SpecDigest,
    StopReason,
    entry_digest,
)
from batch_register.pacing import SettleTime
from batch_register.stage import Replacing
from batch_register.stopping import Stop
from tests.fakes import Notebook, ScriptedService, fault, service_error
from tests.virtual_time import run_virtually

IMAGE, JOB = ImageId("image-1"), JobId("job-1")
TAG = entry_digest("wave-07", EntryKey("web-01"))
DELETED = ShellDeleted(image_id=IMAGE)
CREATED_AT = "2026-09-01T00:00:00Z"
SETTLE_S = 30.0


def view(status: ImageStatus, tag: str = TAG, raw_status: str = "") -> ImageView:
    return ImageView(
        image_id=IMAGE,
        name="web-01",
        status=status,
        tags=((ENTRY_TAG, tag), (SPEC_TAG, "spec-1")),
        created_at=CREATED_AT,
        raw_status=raw_status,
    )


def job(status: JobStatus) -> JobView:
    return JobView(job_id=JOB, status=status)


DONE = job(JobStatus.FAIL)
STRANGER = ImageView(
    image_id=ImageId("image-9"),
    name="web-01",
    status=ImageStatus.SAVING,
    tags=((MANIFEST_TAG, "wave-07"), (ENTRY_TAG, TAG)),
)


def adopted(status: ImageStatus) -> Event:
    return ImageAdopted(
        image_id=IMAGE,
        status=status,
        spec=SpecDigest("spec-1"),
        created_at=CREATED_AT,
    )


def alive(why: str) -> Event:
    return OutcomeUnknown(
        error=Fault(
            kind=FaultKind.CONTRADICTION,
            code="shell.alive",
            reason=f"the image of the failed attempt is not dead: {why}",
            action=Action.WAIT,
        )
    )


class Bench:
    """An undertaker over a scripted service; an answer in a list is one of several."""

    def __init__(self, job_id: JobId | None = JOB, **answers: Any) -> None:
        scripts = {
            name: one if isinstance(one, list) else [one]
            for name, one in answers.items()
        }
        self.service, self.stop = ScriptedService(answers=scripts), Stop()
        stage = Replacing(image_id=IMAGE, job_id=job_id)
        self.record = EntryRecord(key=EntryKey("web-01"), stage=stage)
        settle = SettleTime(least_s=SETTLE_S)
        self.look = Look(
            self.service,
            "wave-07",
            poll_interval_s=5.0,
            settle=settle,
            stop=self.stop,
            observer=Notebook(),
        )
        self.sightings = Sightings(
            manifest_name="wave-07",
            records={self.record.key: self.record},
            settle=settle,
            patience_s=3600.0,
        )

    async def bury(self) -> Event:
        undertaker = Undertaker(
            self.service, look=self.look, sightings=self.sightings, stop=self.stop
        )
        return await undertaker.bury(self.record, IMAGE)


def buried(job_id: JobId | None = JOB, **answers: Any) -> tuple[Event, list[str]]:
    """Return what came of it, and which calls went out."""
    bench = Bench(job_id, **answers)
    event = run_virtually(bench.bury())
    return event, [call for _, call in bench.service.sent]


KILLED, QUEUED = view(ImageStatus.KILLED), view(ImageStatus.QUEUED)


@pytest.mark.parametrize("image", [KILLED, QUEUED])
@pytest.mark.parametrize("ended", [None, DONE, job(JobStatus.SUCCESS)])
def test_a_dead_shell_without_a_running_job_goes(
    image: ImageView, ended: JobView | None
) -> None:
    assert buried(get_image=image, get_job=ended) == (
        DELETED,
        ["get_image", "get_job", "delete"],
    )


def test_a_shell_that_never_had_a_job_goes() -> None:
    assert buried(None, get_image=QUEUED) == (DELETED, ["get_image", "delete"])


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    "gone", [view(ImageStatus.DELETED), view(ImageStatus.PENDING_DELETE)]
)
def test_a_shell_that_is_gone_already_is_deleted(gone: ImageView) -> None:
    assert buried(get_image=gone) == (DELETED, ["get_image"])


def test_no_image_counts_only_when_it_is_seen_twice_a_settle_time_apart() -> None:
    bench = Bench(get_image=None, list=[[]])
    assert run_virtually(bench.bury()) == DELETED
    assert bench.service.sent == [
        (0.0, "get_image"),
        (SETTLE_S, "get_image"),
        (SETTLE_S, "list"),
    ]


def test_an_image_that_a_list_still_shows_is_not_gone_whatever_a_get_says() -> None:
    """A bare 404 may be a proxy's: taking it for the truth made a second image."""
    alive = view(ImageStatus.ACTIVE)
    event, calls = buried(None, get_image=None, list=[[alive]])
    assert event == adopted(ImageStatus.ACTIVE)
    assert calls == ["get_image", "get_image", "list"]


@pytest.mark.parametrize(
    ("image", "calls"),
    [
        (view(ImageStatus.KILLED), ["get_image", "get_image", "get_job", "delete"]),
        (view(ImageStatus.DELETED), ["get_image", "get_image"]),
    ],
)
def test_a_shell_that_only_seemed_to_be_gone_is_judged_by_what_it_is(
    image: ImageView, calls: list[str]
) -> None:
    """One empty answer of a lagging service must not leave a shell behind for ever."""
    assert buried(get_image=[None, image], get_job=DONE) == (DELETED, calls)


def test_an_image_that_comes_back_alive_is_taken_over_not_replaced() -> None:
    event, calls = buried(None, get_image=[None, view(ImageStatus.SAVING)])
    assert (event, calls) == (adopted(ImageStatus.SAVING), ["get_image"] * 2)


def test_a_stop_between_the_two_looks_leaves_everything_as_it_is() -> None:
    bench = Bench(get_image=None)

    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(7, bench.stop.request, StopReason.SIGTERM)
        with pytest.raises(StoppedError):
            await bench.bury()
        return loop.time()

    assert run_virtually(scenario()) == 7.0
    assert bench.service.sent == [(0.0, "get_image")]


def kept(why: str) -> Event:
    foreign = Fault(
        kind=FaultKind.CONFLICT, code="shell.not-ours", reason=why, action=Action.NONE
    )
    return ShellKept(image_id=IMAGE, error=foreign)


@pytest.mark.parametrize("status", [ImageStatus.KILLED, ImageStatus.ACTIVE])
def test_an_image_that_is_another_entrys_now_stays(status: ImageStatus) -> None:
    assert buried(get_image=view(status, tag="other"), get_job=DONE) == (
        kept("the image carries another entry's tag"),
        ["get_image", "get_job"],
    )


def test_a_dead_image_whose_tags_are_gone_stays() -> None:
    bare = replace(view(ImageStatus.QUEUED), tags=())
    assert buried(get_image=bare, get_job=DONE) == (
        kept("the image no longer carries this entry's tag"),
        ["get_image", "get_job"],
    )


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        (ImageStatus.SAVING, DONE),
        (ImageStatus.SAVING, None),
        (ImageStatus.ACTIVE, None),
    ],
)
def test_beside_a_living_image_whose_tags_are_gone_nothing_is_made(
    status: ImageStatus, ended: JobView | None
) -> None:
    """Found by simulation, on a cloud that drops tags: a twin of an active image."""
    bare = replace(view(status), tags=())
    assert buried(get_image=bare, get_job=ended) == (
        alive(f"it is {status}"),
        ["get_image", "get_job"],
    )


@pytest.mark.parametrize("status", [ImageStatus.ACTIVE, ImageStatus.SAVING])
@pytest.mark.parametrize(
    "shown",
    [None, job(JobStatus.SUCCESS), job(JobStatus.RUNNING), job(JobStatus.INIT)],
)
def test_an_image_that_has_come_alive_is_taken_over_unless_its_job_failed(
    status: ImageStatus, shown: JobView | None
) -> None:
    assert buried(get_image=view(status), get_job=shown) == (
        adopted(status),
        ["get_image", "get_job"],
    )


def test_an_image_that_came_alive_without_a_known_job_is_taken_over() -> None:
    assert buried(None, get_image=view(ImageStatus.ACTIVE)) == (
        adopted(ImageStatus.ACTIVE),
        ["get_image"],
    )


@pytest.mark.parametrize("tags", [view(ImageStatus.ACTIVE).tags, ()])
def test_an_active_image_whose_job_failed_is_a_persons_to_judge(
    tags: tuple[tuple[str, str], ...],
) -> None:
    """Waiting would never end: found by a story of two ledgers."""
    risen = replace(view(ImageStatus.ACTIVE), tags=tags)
    event, _ = buried(get_image=risen, get_job=DONE)
    assert isinstance(event, OutcomeUnknown)
    assert (event.error.code, event.error.action) == (
        "image.risen",
        Action.CONTACT_PROVIDER,
    )


@pytest.mark.parametrize(
    ("then", "event"),
    [
        (view(ImageStatus.QUEUED), DELETED),
        (view(ImageStatus.SAVING), alive("it is saving")),
    ],
)
def test_beside_another_run_a_shell_that_had_a_job_is_looked_at_twice(
    then: ImageView, event: Event
) -> None:
    """That run may just have registered a file for it, and a look may lag."""
    bench = Bench(get_image=[view(ImageStatus.QUEUED), then], get_job=DONE)
    bench.sightings.note_listed([STRANGER], 0.0)
    assert run_virtually(bench.bury()) == event
    assert bench.service.times("get_image") == [0.0, SETTLE_S]


@pytest.mark.parametrize(
    ("image", "ended", "why"),
    [
        (view(ImageStatus.SAVING), DONE, "it is saving"),
        (view(ImageStatus.UNRECOGNISED, raw_status="baking"), DONE, "it is baking"),
        (view(ImageStatus.UNRECOGNISED, raw_status="baking"), None, "it is baking"),
        (view(ImageStatus.UNRECOGNISED), None, "it is unrecognised"),
    ],
)
def test_an_image_that_may_be_alive_stays_and_nothing_is_made_beside_it(
    image: ImageView, ended: JobView | None, why: str
) -> None:
    assert buried(get_image=image, get_job=ended) == (
        alive(why),
        ["get_image", "get_job"],
    )


@pytest.mark.parametrize("status", [JobStatus.INIT, JobStatus.RUNNING])
def test_an_image_whose_job_still_runs_stays(status: JobStatus) -> None:
    assert buried(get_image=KILLED, get_job=job(status)) == (
        alive("its job still runs"),
        ["get_image", "get_job"],
    )


@pytest.mark.parametrize("call", ["get_image", "get_job", "delete"])
@pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.UNAUTHENTICATED])
def test_a_passing_failure_leaves_it_open(call: str, kind: FaultKind) -> None:
    answers: dict[str, Any] = {"get_image": KILLED, "get_job": DONE}
    answers[call] = service_error(kind)
    event, _ = buried(**answers)
    assert event == OutcomeUnknown(error=fault(kind))


@pytest.mark.fault(34)
def test_a_shell_that_may_not_be_deleted_stays_and_is_reported() -> None:
    forbidden = service_error(FaultKind.FORBIDDEN)
    event, _ = buried(get_image=KILLED, get_job=DONE, delete=forbidden)
    assert event == ShellKept(image_id=IMAGE, error=fault(FaultKind.FORBIDDEN))


def test_a_look_that_was_refused_proves_no_shell_dead() -> None:
    """Found by simulation: a shell that lived was left, and a second image made."""
    refused = service_error(FaultKind.MISREAD)
    event, calls = buried(None, get_image=refused)
    assert event == OutcomeUnknown(error=refused.fault)
    assert calls == ["get_image"]
