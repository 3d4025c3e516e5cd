"""One value of every stage and every event, for tables and property tests."""

from __future__ import annotations

from batch_register.event import (
    CreateIntended,
    CreateRefused,
    CreateUnclear,
    DuplicateSeen,
    EntryDeferred,
    Event,
    FileSeen,
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
    SourceAccepted,
    SourceRefused,
    SourceSeen,
    SourceUnseen,
    SourceUploaded,
    StillQueued,
    UploadBegun,
    UploadProgressed,
)
from batch_register.model import FaultKind, ImageId, ImageStatus, JobId, SpecDigest
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
from tests.fakes import fault

IMAGE = ImageId("image-1")
JOB = JobId("job-1")
SPEC = SpecDigest("s" * 26)
FINAL = fault(FaultKind.REJECTED)
PASSING = fault(FaultKind.THROTTLED)

STAGES: tuple[Stage, ...] = (
    Planned(),
    Creating(),
    Created(image_id=IMAGE),
    Registering(image_id=IMAGE),
    Registered(image_id=IMAGE, job_id=JOB),
    Replacing(image_id=IMAGE, job_id=JOB),
    Active(image_id=IMAGE, job_id=JOB, size_bytes=1),
    Failed(fault=FINAL, image_id=IMAGE, job_id=JOB),
    Unknown(fault=PASSING, was=Creating()),
    Deferred(fault=PASSING),
)

EVENTS: tuple[Event, ...] = (
    CreateIntended(spec=SPEC),
    ImageCreated(image_id=IMAGE, created_at="2026-09-01T00:00:00Z"),
    CreateRefused(error=FINAL),
    CreateRefused(error=PASSING),
    CreateUnclear(error=PASSING),
    NoneFound(),
    ImageAdopted(image_id=IMAGE, status=ImageStatus.QUEUED, spec=SPEC),
    ImageAdopted(image_id=IMAGE, status=ImageStatus.SAVING, spec=SPEC),
    RegisterIntended(image_id=IMAGE),
    RegisterAccepted(image_id=IMAGE, job_id=JOB),
    RegisterRefused(image_id=IMAGE, error=FINAL),
    RegisterRefused(image_id=IMAGE, error=PASSING),
    RegisterUnclear(error=PASSING),
    StillQueued(),
    ImageActive(image_id=IMAGE, size_bytes=1),
    ImageFailed(error=FINAL, stage="job", image_id=IMAGE),
    OutcomeUnknown(error=PASSING),
    EntryDeferred(error=PASSING),
    RetryStarted(shell=ShellFate.NONE),
    RetryStarted(shell=ShellFate.REUSE),
    RetryStarted(shell=ShellFate.REPLACE),
    RetryStarted(shell=ShellFate.KEEP),
    ShellDeleted(image_id=IMAGE),
    ShellKept(image_id=IMAGE, error=FINAL),
    DuplicateSeen(image_id=ImageId("image-2"), status=ImageStatus.QUEUED),
    SourceSeen(etag="e", size_bytes=1),
    SourceUnseen(),
    SourceAccepted(),
    FileSeen(size_bytes=1, modified_ns=1),
    SourceRefused(error=FINAL),
    SourceRefused(error=PASSING),
    UploadBegun(upload_id="u", part_bytes=1, size_bytes=2, modified_ns=3),
    UploadProgressed(sent_bytes=1),
    SourceUploaded(etag="e", size_bytes=2, sent_bytes=1),
)
