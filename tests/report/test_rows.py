"""One row per entry: action, error and duration where the ledger leaves them open."""

from __future__ import annotations

import pytest

from batch_register.entry import EntryRecord, EntryState
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    SpecDigest,
)
from batch_register.report.rows import ReportRow, UploadShare, row_of
from batch_register.stage import (
    Active,
    Created,
    Creating,
    Deferred,
    Failed,
    Planned,
    Stage,
    Unknown,
)

MUTE = Fault(kind=FaultKind.SERVER, code=" ", reason="", action=Action.NONE)
WAIT = Fault(kind=FaultKind.BUSY, code="c", reason="r", action=Action.WAIT)
IMAGE = ImageId("i-1")


def _record(stage: Stage, **more) -> EntryRecord:
    return EntryRecord(key=EntryKey("k"), name="k", stage=stage, **more)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (Planned(), (EntryState.PENDING, Action.RUN_AGAIN)),
        (Planned(fault=WAIT), (EntryState.PENDING, Action.WAIT)),
        (Creating(), (EntryState.UNFINISHED, Action.RUN_AGAIN)),
        (Created(image_id=IMAGE, fault=WAIT), (EntryState.UNFINISHED, Action.WAIT)),
        (Failed(fault=MUTE), (EntryState.FAILED, Action.RUN_AGAIN)),
        (Unknown(fault=MUTE, was=Creating()), (EntryState.UNKNOWN, Action.RUN_AGAIN)),
        (Deferred(fault=MUTE), (EntryState.DEFERRED, Action.RAISE_QUOTA)),
        (
            Active(image_id=IMAGE, job_id=None, size_bytes=1),
            (EntryState.ACTIVE, Action.NONE),
        ),
    ],
)
def test_a_fault_decides_the_action_and_without_its_word_the_state_does(
    stage: Stage, expected: tuple[EntryState, Action]
) -> None:
    row = row_of(_record(stage))
    assert (row.state, row.action) == expected


def test_an_upload_of_which_nothing_is_noted_yet_is_not_said_to_be_empty() -> None:
    share = UploadShare(sent_bytes=0, size_bytes=600 << 20)
    assert share.sentence() == "upload begun, nothing noted of it yet"


def test_code_and_reason_are_never_empty() -> None:
    error = row_of(_record(Failed(fault=MUTE))).error
    assert error == Fault(
        kind=FaultKind.SERVER,
        code="server",
        reason="no reason was given",
        action=Action.NONE,
    )


@pytest.mark.parametrize(
    ("is_removed", "expected"),
    [
        (False, (EntryState.CONFLICT, "spec.changed", Action.FIX_MANIFEST)),
        (True, (EntryState.ACTIVE, None, Action.NONE)),
    ],
)
def test_an_active_image_conflicts_only_with_a_manifest_that_names_it(
    is_removed: bool, expected: tuple[EntryState, str | None, Action]
) -> None:
    record = _record(
        Active(image_id=IMAGE, job_id=None, size_bytes=1),
        made_spec=SpecDigest("a"),
        declared_spec=SpecDigest("b"),
    )
    row = row_of(record, is_removed=is_removed, was_active=True)
    assert (row.state, row.error and row.error.code, row.action) == expected
    assert row.is_skipped is is_removed  # a conflict does not count as skipped


@pytest.mark.parametrize(
    ("stage", "action", "is_in_cloud"),
    [
        (Failed(fault=WAIT), Action.NONE, False),
        (Failed(fault=WAIT, image_id=IMAGE), Action.NONE, True),
        (Planned(), Action.NONE, False),
        (Unknown(fault=WAIT, was=Creating()), Action.WAIT, True),
        (Creating(), Action.RUN_AGAIN, True),
    ],
)
def test_of_a_removed_entry_only_open_ends_ask_for_something(
    stage: Stage, action: Action, is_in_cloud: bool
) -> None:
    row = row_of(_record(stage), is_removed=True)
    assert (row.action, row.is_in_cloud) == (action, is_in_cloud)


@pytest.mark.parametrize(
    ("started", "finished", "duration_s"),
    [
        ("2026-03-01T10:00:00.000Z", "2026-03-01T10:06:52.300Z", 412.3),
        ("2026-03-01T10:00:00.000Z", None, None),
        (None, "2026-03-01T10:00:00.000Z", None),
        (
            "2026-03-01T10:00:01.000Z",
            "2026-03-01T10:00:00.000Z",
            None,
        ),  # clock set back
        ("yesterday", "2026-03-01T10:00:00.000Z", None),
        ("2026-03-01T10:00:00", "2026-03-01T10:00:01Z", None),  # no zone
    ],
)
def test_a_duration_is_shown_only_where_the_stamps_tell_it(
    started: str | None, finished: str | None, duration_s: float | None
) -> None:
    row: ReportRow = row_of(
        _record(Planned(), started_at=started, finished_at=finished)
    )
    assert row.duration_s == duration_s
