"""The table of the machine: each row, every pair without one, and where runs resume."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.errors import InvalidTransitionError
from batch_register.event import (
    Aside,
    CreateIntended,
    CreateRefused,
    CreateUnclear,
    EntryDeferred,
    Event,
    ImageActive,
    ImageAdopted,
    ImageCreated,
    ImageFailed,
    NoneFound,
    OutcomeUnknown,
    RegisterAccepted,
    RegisterIntended,
    RegisterRefused,
    RegisterUnclear,
    RetryStarted,
    ShellDeleted,
    ShellFate,
    ShellKept,
    SourceRefused,
    StillQueued,
)
from batch_register.machine import TABLE, Step, advance, intent, resume
from batch_register.model import FaultKind, ImageStatus
from batch_register.stage import (
    Active,
    Command,
    Created,
    CreateImage,
    Creating,
    Deferred,
    DeleteShell,
    Failed,
    FindImage,
    InspectImage,
    Planned,
    Registered,
    RegisterImage,
    Registering,
    Replacing,
    Stage,
    Unknown,
    WatchImage,
)
from tests.fakes import fault
from tests.unit.samples import EVENTS, FINAL, IMAGE, JOB, PASSING, SPEC, STAGES

PLANNED, CREATING = Planned(), Creating()
CREATED, REGISTERING = Created(image_id=IMAGE), Registering(image_id=IMAGE)
REGISTERED = Registered(image_id=IMAGE, job_id=JOB)
WITHOUT_JOB = Registered(image_id=IMAGE, job_id=None)
REPLACING = Replacing(image_id=IMAGE)
DEFERRED = Deferred(fault=PASSING)
JOB_FAILED = Failed(fault=FINAL, image_id=IMAGE, job_id=JOB)
REFUSED = Failed(fault=FINAL, image_id=IMAGE, shell_reusable=True)

QUEUED = ImageAdopted(image_id=IMAGE, status=ImageStatus.QUEUED, spec=SPEC)
SAVING = ImageAdopted(image_id=IMAGE, status=ImageStatus.SAVING, spec=SPEC)
INTEND_CREATE = CreateIntended(spec=SPEC)
INTEND_REGISTER = RegisterIntended(image_id=IMAGE)
ACCEPTED = RegisterAccepted(image_id=IMAGE, job_id=JOB)
IMAGE_FAILED = ImageFailed(error=FINAL, stage="job", image_id=IMAGE)
UNKNOWN = OutcomeUnknown(error=PASSING)
UNFIT, UNREAD = SourceRefused(error=FINAL), SourceRefused(error=PASSING)
WAITING_SHELL = Created(image_id=IMAGE, fault=PASSING)
QUOTA = EntryDeferred(error=PASSING)
DEAD = Failed(fault=FINAL, image_id=IMAGE)
OTHER = fault(FaultKind.NOT_FOUND)


def retry(shell: ShellFate) -> RetryStarted:
    return RetryStarted(shell=shell)


CREATE, FIND, INSPECT = CreateImage(), FindImage(), InspectImage(IMAGE)
REGISTER, DELETE = RegisterImage(IMAGE), DeleteShell(IMAGE)
WATCH, WATCH_WITHOUT_JOB = WatchImage(IMAGE, JOB), WatchImage(IMAGE, None)

ROWS: list[tuple[Stage, Event, Stage, Command | None]] = [
    (PLANNED, INTEND_CREATE, CREATING, CREATE),
    (PLANNED, QUEUED, CREATED, REGISTER),
    (PLANNED, SAVING, WITHOUT_JOB, WATCH_WITHOUT_JOB),
    (PLANNED, QUOTA, DEFERRED, None),
    (PLANNED, IMAGE_FAILED, DEAD, None),
    (PLANNED, UNKNOWN, Unknown(fault=PASSING, was=PLANNED), None),
    (DEFERRED, INTEND_CREATE, CREATING, CREATE),
    (DEFERRED, QUEUED, CREATED, REGISTER),
    (DEFERRED, SAVING, WITHOUT_JOB, WATCH_WITHOUT_JOB),
    (DEFERRED, QUOTA, DEFERRED, None),
    (DEFERRED, IMAGE_FAILED, DEAD, None),
    (DEFERRED, UNKNOWN, Unknown(fault=PASSING, was=PLANNED), None),
    (CREATING, INTEND_CREATE, CREATING, CREATE),
    (CREATING, ImageCreated(image_id=IMAGE), CREATED, REGISTER),
    (CREATING, CreateRefused(error=FINAL), Failed(fault=FINAL), None),
    (CREATING, CreateRefused(error=PASSING), Planned(fault=PASSING), None),
    (CREATING, CreateUnclear(error=PASSING), CREATING, FIND),
    (CREATING, NoneFound(), CREATING, CREATE),
    (CREATING, QUEUED, CREATED, REGISTER),
    (CREATING, SAVING, WITHOUT_JOB, WATCH_WITHOUT_JOB),
    (CREATING, IMAGE_FAILED, DEAD, None),
    (CREATING, UNKNOWN, Unknown(fault=PASSING, was=CREATING), None),
    (CREATING, QUOTA, DEFERRED, None),
    (CREATED, INTEND_REGISTER, REGISTERING, REGISTER),
    (CREATED, retry(ShellFate.REPLACE), REPLACING, DELETE),
    (CREATED, UNKNOWN, Unknown(fault=PASSING, was=CREATED), None),
    (REGISTERING, INTEND_REGISTER, REGISTERING, REGISTER),
    (REGISTERING, ACCEPTED, REGISTERED, WATCH),
    (REGISTERING, RegisterRefused(image_id=IMAGE, error=FINAL), REFUSED, None),
    (
        REGISTERING,
        RegisterRefused(image_id=IMAGE, error=PASSING),
        Created(image_id=IMAGE, fault=PASSING),
        None,
    ),
    (REGISTERING, RegisterUnclear(error=PASSING), REGISTERING, INSPECT),
    (REGISTERING, StillQueued(), REGISTERING, REGISTER),
    (REGISTERING, retry(ShellFate.REPLACE), REPLACING, DELETE),
    (REGISTERING, IMAGE_FAILED, DEAD, None),
    (REGISTERING, UNKNOWN, Unknown(fault=PASSING, was=REGISTERING), None),
    (
        REGISTERED,
        ImageActive(image_id=IMAGE, size_bytes=7),
        Active(image_id=IMAGE, job_id=JOB, size_bytes=7),
        None,
    ),
    (REGISTERED, IMAGE_FAILED, JOB_FAILED, None),
    (REGISTERED, UNKNOWN, Unknown(fault=PASSING, was=REGISTERED), None),
    (
        JOB_FAILED,
        retry(ShellFate.REPLACE),
        Replacing(image_id=IMAGE, job_id=JOB),
        DELETE,
    ),
    (JOB_FAILED, retry(ShellFate.KEEP), PLANNED, CREATE),
    (REFUSED, retry(ShellFate.REUSE), CREATED, REGISTER),
    (Failed(fault=FINAL), retry(ShellFate.NONE), PLANNED, CREATE),
    (Failed(fault=FINAL), retry(ShellFate.REUSE), PLANNED, CREATE),
    (REPLACING, ShellDeleted(image_id=IMAGE), PLANNED, CREATE),
    (REPLACING, ShellKept(image_id=IMAGE, error=FINAL), PLANNED, CREATE),
    (REPLACING, QUEUED, CREATED, REGISTER),
    (REPLACING, SAVING, WITHOUT_JOB, WATCH_WITHOUT_JOB),
    (REPLACING, UNKNOWN, Unknown(fault=PASSING, was=REPLACING), None),
    (PLANNED, UNFIT, Failed(fault=FINAL), None),
    (PLANNED, UNREAD, Planned(fault=PASSING), None),
    (DEFERRED, UNFIT, Failed(fault=FINAL), None),
    (DEFERRED, UNREAD, Planned(fault=PASSING), None),
    (CREATING, UNFIT, Failed(fault=FINAL), None),
    (CREATING, UNREAD, Planned(fault=PASSING), None),
    (CREATED, UNFIT, REFUSED, None),
    (CREATED, UNREAD, WAITING_SHELL, None),
    (REGISTERING, UNFIT, REFUSED, None),
    (REGISTERING, UNREAD, WAITING_SHELL, None),
    (DEAD, SourceRefused(error=OTHER), replace(DEAD, fault=OTHER), None),
]


def test_a_job_that_failed_proves_its_image_dead_whatever_is_said_of_the_source() -> (
    None
):
    error = fault(FaultKind.JOB_FAILED)
    failed = advance(REGISTERED, replace(IMAGE_FAILED, error=error)).stage
    assert isinstance(failed, Failed)
    assert failed.shell_dead
    assert advance(failed, UNFIT).stage == replace(failed, fault=FINAL)


@pytest.mark.parametrize(("stage", "event", "then", "command"), ROWS)
def test_each_row_leads_where_the_table_says(
    stage: Stage, event: Event, then: Stage, command: Command | None
) -> None:
    assert advance(stage, event) == Step(then, command)
    assert type(then) in TABLE[type(stage), type(event)].leads_to


def test_every_row_of_the_table_is_tried_with_every_stage_it_leads_to() -> None:
    tried = {(type(stage), type(event), type(then)) for stage, event, then, _ in ROWS}
    declared = {
        (stage, event, then)
        for (stage, event), row in TABLE.items()
        for then in row.leads_to
    }
    assert declared == tried


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: type(stage).__name__)
@pytest.mark.parametrize(
    "event",
    {type(event): event for event in EVENTS}.values(),
    ids=lambda event: type(event).__name__,
)
def test_every_other_pair_is_a_bug(stage: Stage, event: Event) -> None:
    if isinstance(event, Aside):
        assert advance(stage, event) == Step(stage, resume(stage))
        return
    origin = stage.was if isinstance(stage, Unknown) else stage
    if (type(origin), type(event)) in TABLE:
        return
    with pytest.raises(InvalidTransitionError, match=type(event).__name__):
        advance(stage, event)


def test_a_bug_is_told_by_event_and_stage() -> None:
    with pytest.raises(InvalidTransitionError) as caught:
        advance(PLANNED, StillQueued())
    assert str(caught.value) == "StillQueued cannot happen at Planned"
    assert caught.value.hint == "please report this as a bug"


def test_an_unknown_outcome_moves_on_from_where_it_was() -> None:
    unknown = Unknown(fault=PASSING, was=REGISTERED)
    event = ImageActive(image_id=IMAGE, size_bytes=7)
    assert advance(unknown, event) == advance(REGISTERED, event)


@pytest.mark.parametrize(
    ("stage", "command"),
    [
        (PLANNED, CREATE),
        (DEFERRED, CREATE),
        (CREATING, FIND),
        (CREATED, REGISTER),
        (REGISTERING, INSPECT),
        (REGISTERED, WATCH),
        (WITHOUT_JOB, WATCH_WITHOUT_JOB),
        (REPLACING, DELETE),
        (Unknown(fault=PASSING, was=CREATING), FIND),
        (Active(image_id=IMAGE, job_id=JOB, size_bytes=1), None),
        (JOB_FAILED, None),
    ],
)
def test_a_run_takes_each_stage_up_by_looking_before_it_repeats(
    stage: Stage, command: Command | None
) -> None:
    assert resume(stage) == command


def test_the_two_calls_that_make_something_have_an_intent_and_no_other() -> None:
    commands = (CREATE, FIND, REGISTER, INSPECT, WATCH, DELETE)
    intents = [intent(command, SPEC, "web-01") for command in commands]
    named = CreateIntended(spec=SPEC, name="web-01")
    assert intents == [named, None, INTEND_REGISTER, None, None, None]
