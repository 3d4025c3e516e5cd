"""How events add up to one entry's record, and the state that a report shows."""

from __future__ import annotations

import pytest

from batch_register.entry import EntryRecord, EntryState
from batch_register.errors import InvalidTransitionError
from batch_register.event import (
    CreateIntended,
    CreateRefused,
    DuplicateSeen,
    Event,
    ImageActive,
    ImageAdopted,
    ImageCreated,
    ImageFailed,
    OutcomeUnknown,
    RegisterAccepted,
    RegisterIntended,
    RegisterRefused,
    RetryStarted,
    ShellDeleted,
    ShellFate,
    SourceAccepted,
    SourceSeen,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
)
from batch_register.model import (
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageStatus,
    SpecDigest,
)
from batch_register.source import FileStamp, SourcePin, UploadMark
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
from tests.unit.samples import FINAL, IMAGE, JOB, PASSING, SPEC

STARTED: list[Event] = [
    CreateIntended(spec=SPEC),
    ImageCreated(image_id=IMAGE, created_at="2026-09-01T00:00:00Z"),
    RegisterIntended(image_id=IMAGE),
    RegisterAccepted(image_id=IMAGE, job_id=JOB),
]
OTHER = ImageId("image-2")


def told(*events: Event) -> EntryRecord:
    """Return a record that these events happened to, one a minute."""
    record = EntryRecord(key=EntryKey("web-01"))
    record.declare("web-01", "b:o", SPEC, (("owner", "team-db"),))
    for minute, event in enumerate(events):
        record.apply(event, f"00:{minute:02}")
    return record


def test_a_success_keeps_ids_size_stamps_and_the_number_of_attempts() -> None:
    record = told(*STARTED, ImageActive(image_id=IMAGE, size_bytes=7))
    assert record.stage == Active(image_id=IMAGE, job_id=JOB, size_bytes=7)
    assert (record.image_id, record.job_id, record.size_bytes) == (IMAGE, JOB, 7)
    assert (record.started_at, record.finished_at) == ("00:00", "00:04")
    assert record.attempts == 1
    assert record.image_created_at == "2026-09-01T00:00:00Z"
    assert (record.state, record.fault) == (EntryState.ACTIVE, None)


def test_a_retry_after_a_failed_job_buries_the_image_and_counts_on() -> None:
    failed = ImageFailed(error=FINAL, stage="job", image_id=IMAGE)
    replaced: list[Event] = [
        RetryStarted(shell=ShellFate.REPLACE),
        ShellDeleted(image_id=IMAGE),
    ]
    record = told(*STARTED, failed, *replaced, CreateIntended(spec=SPEC))
    assert record.dead_images == {IMAGE}
    assert record.attempts == 2
    assert (record.started_at, record.finished_at) == ("00:05", None)


def test_a_shell_that_is_registered_again_is_not_buried() -> None:
    refused = RegisterRefused(image_id=IMAGE, error=FINAL)
    record = told(*STARTED[:3], refused, RetryStarted(shell=ShellFate.REUSE))
    assert record.dead_images == frozenset()
    assert record.stage == Created(image_id=IMAGE)


def test_a_conflict_without_an_image_buries_nothing() -> None:
    conflict = ImageFailed(error=fault(FaultKind.SPEC_CONFLICT), stage="create")
    record = told(CreateIntended(spec=SPEC), conflict)
    assert record.dead_images == frozenset()
    assert record.state is EntryState.CONFLICT


def test_an_adopted_image_brings_its_spec_and_age_along() -> None:
    adopted = ImageAdopted(
        image_id=IMAGE, status=ImageStatus.SAVING, spec=SPEC, created_at="2026"
    )
    record = told(adopted)
    assert (record.made_spec, record.image_created_at) == (SPEC, "2026")
    assert record.started_at == "00:00"


def test_what_an_image_was_made_from_outlasts_a_later_declaration() -> None:
    record = told(*STARTED)
    record.declare("web", "b:new", SpecDigest("edited"), ())
    assert (record.made_url, record.image_url) == ("b:o", "b:new")


@pytest.mark.parametrize(("spec", "url"), [(SPEC, "b:o"), (SpecDigest("x"), "")])
def test_the_source_of_an_adopted_image_is_known_where_its_create_is(
    spec: SpecDigest, url: str
) -> None:
    adopted = ImageAdopted(
        image_id=IMAGE, status=ImageStatus.QUEUED, spec=spec, created_at="2026"
    )
    assert told(CreateIntended(spec=SPEC), adopted).made_url == url


def test_a_duplicate_is_remembered_and_moves_nothing() -> None:
    seen = DuplicateSeen(image_id=OTHER, status=ImageStatus.QUEUED)
    record = told(*STARTED, seen)
    assert record.duplicates == {OTHER}
    assert record.finished_at is None
    assert record.stage == Registered(image_id=IMAGE, job_id=JOB)


def test_a_duplicate_seen_later_does_not_lengthen_a_finished_image() -> None:
    seen = DuplicateSeen(image_id=OTHER, status=ImageStatus.QUEUED)
    record = told(*STARTED, ImageActive(image_id=IMAGE, size_bytes=7), seen)
    assert record.finished_at == "00:04"


def test_an_active_image_of_another_spec_is_a_conflict() -> None:
    record = told(*STARTED, ImageActive(image_id=IMAGE, size_bytes=7))
    record.declare("web-01", "b:other", SpecDigest("new"), ())
    assert record.state is EntryState.CONFLICT


def test_an_event_that_cannot_happen_changes_nothing() -> None:
    record = told(*STARTED)
    with pytest.raises(InvalidTransitionError):
        record.apply(CreateRefused(error=FINAL), "09:00")
    assert record.stage == Registered(image_id=IMAGE, job_id=JOB)


@pytest.mark.parametrize(
    ("stage", "state", "shown"),
    [
        (Planned(), EntryState.PENDING, None),
        (Planned(fault=PASSING), EntryState.PENDING, PASSING),
        (Creating(), EntryState.UNFINISHED, None),
        (Created(image_id=IMAGE, fault=PASSING), EntryState.UNFINISHED, PASSING),
        (Registering(image_id=IMAGE), EntryState.UNFINISHED, None),
        (Registered(image_id=IMAGE, job_id=JOB), EntryState.UNFINISHED, None),
        (Replacing(image_id=IMAGE), EntryState.UNFINISHED, None),
        (Failed(fault=FINAL), EntryState.FAILED, FINAL),
        (Unknown(fault=PASSING, was=Creating()), EntryState.UNKNOWN, PASSING),
        (Deferred(fault=PASSING), EntryState.DEFERRED, PASSING),
    ],
)
def test_each_stage_has_its_word_in_the_report(
    stage: Stage, state: EntryState, shown: Fault | None
) -> None:
    record = EntryRecord(key=EntryKey("web-01"), stage=stage)
    assert (record.state, record.fault) == (state, shown)


def test_an_unknown_outcome_still_names_what_is_known() -> None:
    record = told(*STARTED, OutcomeUnknown(error=PASSING))
    assert (record.image_id, record.job_id) == (IMAGE, JOB)


# ------------------------------------------------------------ the source

PIN = SourcePin(etag="e1", size_bytes=9)
SEEN = SourceSeen(etag="e1", size_bytes=9, virtual_size_bytes=40)
CHANGED = SourceSeen(etag="e2", size_bytes=9)
ACTIVE = ImageActive(image_id=IMAGE, size_bytes=7)


def test_the_source_of_an_image_is_what_was_seen_last_before_its_register() -> None:
    record = told(SEEN, *STARTED, ACTIVE)
    assert (record.source, record.made_source) == (PIN, PIN)
    assert record.virtual_size_bytes == 40
    assert record.state is EntryState.ACTIVE


def test_a_source_that_changes_after_success_is_a_conflict_until_it_is_back() -> None:
    changed = told(SEEN, *STARTED, ACTIVE, CHANGED)
    assert changed.state is EntryState.CONFLICT
    back = told(SEEN, *STARTED, ACTIVE, CHANGED, SEEN)
    assert back.state is EntryState.ACTIVE


def test_a_source_that_was_accepted_is_what_the_image_counts_as_made_of() -> None:
    accepted = (SEEN, *STARTED, ACTIVE, CHANGED, SourceAccepted())
    assert told(*accepted).state is EntryState.ACTIVE
    assert told(*accepted, SEEN).state is EntryState.ACTIVE  # the true one is back
    third = SourceSeen(etag="e3", size_bytes=9)
    assert told(*accepted, third).state is EntryState.CONFLICT
    assert told(*accepted, third, CHANGED).state is EntryState.ACTIVE


def test_what_was_accepted_is_forgotten_with_what_the_image_was_made_of() -> None:
    record = told(SEEN, *STARTED, ACTIVE, CHANGED, SourceAccepted())
    record.accepted_file = FileStamp(size_bytes=1, modified_ns=1)
    record.forget_what_it_was_made_of()
    assert record.accepted_source is record.made_source is None
    assert not record.has_other_source
    record.other_file = FileStamp(size_bytes=1, modified_ns=1)
    assert record.has_other_source


def test_what_an_active_image_of_an_older_ledger_was_made_of_is_seen_once() -> None:
    record = told(*STARTED, ACTIVE, SEEN)
    assert (record.made_source, record.state) == (PIN, EntryState.ACTIVE)
    record.apply(CHANGED, "09:00")
    assert record.state is EntryState.CONFLICT


def test_an_upload_is_unfinished_until_its_object_is_complete() -> None:
    begun = UploadBegun(upload_id="u", part_bytes=4, size_bytes=9, modified_ns=1)
    going = UploadProgressed(sent_bytes=4)
    record = told(begun, going)
    file = FileStamp(size_bytes=9, modified_ns=1)
    assert record.upload == UploadMark(upload_id="u", part_bytes=4, file=file)
    assert (record.state, record.uploaded_bytes) == (EntryState.UNFINISHED, 4)
    ended = told(begun, going, SourceUploaded(etag="e1", size_bytes=9, sent_bytes=9))
    assert (ended.state, ended.upload) == (EntryState.PENDING, None)
    assert (ended.source, ended.uploaded_bytes) == (PIN, 9)
