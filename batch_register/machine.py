"""How one image moves: the table that joins stages, events and commands.

Decides: what follows from what happened. Must not know: clocks, loops, sockets,
disks, randomness, other images.

The rules:

1. `advance(stage, event)` is the only way to move; a pair without a row is a bug.
2. An intent is durable before its call goes out, a result before the next call. After
   an intent without a result the way on is to look, never to repeat.
3. A refusal is its own event for each call, so that a refused look-up can never be
   taken for a refused create.
4. `NoneFound` and `StillQueued` are settled: whoever sends one vouches that the look
   was made after the settle time, by a query that would have shown the image.
5. `SourceRefused` comes only in the place of a create or a register that was not sent
   yet, or was proven to have had no effect.
6. A step without a command ends the entry's part of this run; `resume` is where the
   next run takes it up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

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
from batch_register.model import FaultKind, ImageStatus, SpecDigest
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


@dataclass(frozen=True, slots=True)
class Step:
    """Where an image stands now, and what to do next (None: nothing in this run)."""

    stage: Stage
    command: Command | None


def resume(stage: Stage) -> Command | None:
    """Return what a run does first with an image that it finds at `stage`."""
    return _RESUME[type(stage)](stage)


def intent(command: Command, spec: SpecDigest, name: str) -> Event | None:
    """Return the event that must be durable before `command` goes out, if any."""
    match command:
        case CreateImage():
            return CreateIntended(spec=spec, name=name)
        case RegisterImage(image_id=image_id):
            return RegisterIntended(image_id=image_id)
        case _:
            return None


def advance(stage: Stage, event: Event) -> Step:
    """Return where `event` takes an image that stands at `stage`.

    Raises:
        InvalidTransitionError: the table has no row for this pair.
    """
    if isinstance(event, Aside):
        return Step(stage, resume(stage))
    origin = stage.was if isinstance(stage, Unknown) else stage
    row = TABLE.get((type(origin), type(event)))
    if row is None:
        message = f"{type(event).__name__} cannot happen at {type(stage).__name__}"
        raise InvalidTransitionError(message, hint="please report this as a bug")
    return row.move(origin, event)


# ------------------------------------------------------------ what each event leads to


def _to_creating(_stage: Stage, _event: CreateIntended) -> Step:
    return Step(Creating(), CreateImage())


def _created(_stage: Stage, event: ImageCreated) -> Step:
    return Step(Created(image_id=event.image_id), RegisterImage(event.image_id))


def _create_refused(_stage: Stage, event: CreateRefused) -> Step:
    if event.error.is_passing:
        return Step(Planned(fault=event.error), None)
    return Step(Failed(fault=event.error), None)


def _look_for_image(_stage: Stage, _event: CreateUnclear) -> Step:
    return Step(Creating(), FindImage())


def _create_again(_stage: Stage, _event: NoneFound) -> Step:
    return Step(Creating(), CreateImage())


def _adopted(_stage: Stage, event: ImageAdopted) -> Step:
    if event.status is ImageStatus.QUEUED:
        return Step(Created(image_id=event.image_id), RegisterImage(event.image_id))
    stage = Registered(image_id=event.image_id, job_id=None)
    return Step(stage, WatchImage(event.image_id, None))


def _to_registering(_stage: Stage, event: RegisterIntended) -> Step:
    return Step(Registering(image_id=event.image_id), RegisterImage(event.image_id))


def _registered(_stage: Stage, event: RegisterAccepted) -> Step:
    stage = Registered(image_id=event.image_id, job_id=event.job_id)
    return Step(stage, WatchImage(event.image_id, event.job_id))


def _register_refused(_stage: Stage, event: RegisterRefused) -> Step:
    if event.error.is_passing:
        return Step(Created(image_id=event.image_id, fault=event.error), None)
    failed = Failed(fault=event.error, image_id=event.image_id, shell_reusable=True)
    return Step(failed, None)


def _inspect(stage: Registering, _event: RegisterUnclear) -> Step:
    return Step(stage, InspectImage(stage.image_id))


def _register_again(stage: Registering, _event: StillQueued) -> Step:
    return Step(stage, RegisterImage(stage.image_id))


def _active(stage: Registered, event: ImageActive) -> Step:
    active = Active(
        image_id=event.image_id, job_id=stage.job_id, size_bytes=event.size_bytes
    )
    return Step(active, None)


def _failed(stage: Creating | Registering | Registered, event: ImageFailed) -> Step:
    job_id = stage.job_id if isinstance(stage, Registered) else None
    failed = Failed(
        fault=event.error,
        image_id=event.image_id,
        job_id=job_id,
        shell_dead=event.error.kind is FaultKind.JOB_FAILED,
    )
    return Step(failed, None)


def _unknown(stage: Any, event: OutcomeUnknown) -> Step:  # noqa: ANN401 - any row's
    return Step(Unknown(fault=event.error, was=stage), None)


def _unknown_deferred(_stage: Deferred, event: OutcomeUnknown) -> Step:
    return Step(Unknown(fault=event.error, was=Planned()), None)


def _deferred(_stage: Stage, event: EntryDeferred) -> Step:
    return Step(Deferred(fault=event.error), None)


def _retry(stage: Failed, event: RetryStarted) -> Step:
    if stage.image_id is None or event.shell in (ShellFate.NONE, ShellFate.KEEP):
        return Step(Planned(), CreateImage())
    if event.shell is ShellFate.REUSE:
        return Step(Created(image_id=stage.image_id), RegisterImage(stage.image_id))
    replacing = Replacing(image_id=stage.image_id, job_id=stage.job_id)
    return Step(replacing, DeleteShell(stage.image_id))


def _redo(stage: Created | Registering, _event: RetryStarted) -> Step:
    """Give up a shell without a file: it was made from a spec that has changed."""
    return Step(Replacing(image_id=stage.image_id), DeleteShell(stage.image_id))


def _start_afresh(_stage: Stage, _event: ShellDeleted | ShellKept) -> Step:
    return Step(Planned(), CreateImage())


def _source_refused(_stage: Stage, event: SourceRefused) -> Step:
    if event.error.is_passing:
        return Step(Planned(fault=event.error), None)
    return Step(Failed(fault=event.error), None)


def _shell_waits(stage: Created | Registering, event: SourceRefused) -> Step:
    if event.error.is_passing:
        return Step(Created(image_id=stage.image_id, fault=event.error), None)
    failed = Failed(fault=event.error, image_id=stage.image_id, shell_reusable=True)
    return Step(failed, None)


def _still_failed(stage: Failed, event: SourceRefused) -> Step:
    return Step(replace(stage, fault=event.error), None)


# ------------------------------------------------------------ the table


@dataclass(frozen=True, slots=True)
class Row:
    """One row: how an event moves a stage, and which stages it can lead to."""

    move: Callable[[Any, Any], Step]
    leads_to: tuple[type[Stage], ...]


_ADOPTED = Row(_adopted, (Created, Registered))
_TO_CREATING = Row(_to_creating, (Creating,))
_UNKNOWN = Row(_unknown, (Unknown,))
_DEFERRED = Row(_deferred, (Deferred,))
_FAILED = Row(_failed, (Failed,))
_SOURCE_REFUSED = Row(_source_refused, (Planned, Failed))
_SHELL_WAITS = Row(_shell_waits, (Created, Failed))

TABLE: dict[tuple[type[Stage], type[Event]], Row] = {
    (Planned, CreateIntended): _TO_CREATING,
    (Planned, ImageAdopted): _ADOPTED,
    (Planned, EntryDeferred): _DEFERRED,
    (Planned, ImageFailed): _FAILED,
    (Planned, OutcomeUnknown): _UNKNOWN,
    (Planned, SourceRefused): _SOURCE_REFUSED,
    (Deferred, CreateIntended): _TO_CREATING,
    (Deferred, ImageAdopted): _ADOPTED,
    (Deferred, EntryDeferred): _DEFERRED,
    (Deferred, ImageFailed): _FAILED,
    (Deferred, OutcomeUnknown): Row(_unknown_deferred, (Unknown,)),
    (Deferred, SourceRefused): _SOURCE_REFUSED,
    (Creating, CreateIntended): _TO_CREATING,
    (Creating, ImageCreated): Row(_created, (Created,)),
    (Creating, CreateRefused): Row(_create_refused, (Planned, Failed)),
    (Creating, CreateUnclear): Row(_look_for_image, (Creating,)),
    (Creating, NoneFound): Row(_create_again, (Creating,)),
    (Creating, ImageAdopted): _ADOPTED,
    (Creating, ImageFailed): _FAILED,
    (Creating, OutcomeUnknown): _UNKNOWN,
    (Creating, EntryDeferred): _DEFERRED,
    (Creating, SourceRefused): _SOURCE_REFUSED,
    (Created, RegisterIntended): Row(_to_registering, (Registering,)),
    (Created, RetryStarted): Row(_redo, (Replacing,)),
    (Created, OutcomeUnknown): _UNKNOWN,
    (Created, SourceRefused): _SHELL_WAITS,
    (Registering, RegisterIntended): Row(_to_registering, (Registering,)),
    (Registering, RegisterAccepted): Row(_registered, (Registered,)),
    (Registering, RegisterRefused): Row(_register_refused, (Created, Failed)),
    (Registering, RegisterUnclear): Row(_inspect, (Registering,)),
    (Registering, StillQueued): Row(_register_again, (Registering,)),
    (Registering, RetryStarted): Row(_redo, (Replacing,)),
    (Registering, ImageFailed): _FAILED,
    (Registering, OutcomeUnknown): _UNKNOWN,
    (Registering, SourceRefused): _SHELL_WAITS,
    (Registered, ImageActive): Row(_active, (Active,)),
    (Registered, ImageFailed): _FAILED,
    (Registered, OutcomeUnknown): _UNKNOWN,
    (Failed, SourceRefused): Row(_still_failed, (Failed,)),
    (Failed, RetryStarted): Row(_retry, (Planned, Created, Replacing)),
    (Replacing, ShellDeleted): Row(_start_afresh, (Planned,)),
    (Replacing, ShellKept): Row(_start_afresh, (Planned,)),
    (Replacing, ImageAdopted): _ADOPTED,
    (Replacing, OutcomeUnknown): _UNKNOWN,
}

_RESUME: dict[type[Stage], Callable[[Any], Command | None]] = {
    Planned: lambda _: CreateImage(),
    Deferred: lambda _: CreateImage(),
    Creating: lambda _: FindImage(),
    Created: lambda stage: RegisterImage(stage.image_id),
    Registering: lambda stage: InspectImage(stage.image_id),
    Registered: lambda stage: WatchImage(stage.image_id, stage.job_id),
    Replacing: lambda stage: DeleteShell(stage.image_id),
    Unknown: lambda stage: resume(stage.was),
    Active: lambda _: None,
    Failed: lambda _: None,
}
