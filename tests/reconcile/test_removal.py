"""An orphan is deleted only where nothing at all stands in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from batch_register.entry import EntryRecord
from batch_register.model import (
    Action,
    Fault,
    FaultKind,
    ImageStatus,
    ImageView,
    JobStatus,
    JobView,
)
from batch_register.reconcile.removal import (
    Circumstances,
    Obstacle,
    judging_time,
    known_jobs,
    moment,
    obstacles,
    orphan_age_s,
)
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
from tests.reconcile.scenes import JOB, NAME, ONE, TWO, job, record, retagged, view

NOW = datetime(2026, 9, 2, 1, 0, 1, tzinfo=UTC)  # a day and a second after the image
FREE = view(ONE, ImageStatus.QUEUED)
AROUND = Circumstances(
    manifest_name=NAME,
    has_ledger=True,
    has_entries=True,
    is_covered=True,
    is_named=False,
    records=(record(Active(image_id=TWO, job_id=JOB, size_bytes=1)),),
    jobs=(job(JobStatus.SUCCESS),),
    unseen_jobs=0,
    now=NOW,
    age=timedelta(hours=24),
)
WHY = fault(FaultKind.LOST)


def test_a_dead_old_shell_that_nobody_knows_may_go() -> None:
    assert obstacles(FREE, AROUND) == ()


@pytest.mark.parametrize("status", [ImageStatus.QUEUED, ImageStatus.KILLED])
def test_only_queued_and_killed_images_are_dead(status: ImageStatus) -> None:
    assert obstacles(replace(FREE, status=status), AROUND) == ()


# Each breaks exactly one condition, and that one is named.
@pytest.mark.parametrize(
    ("changed", "obstacle"),
    [
        (retagged(FREE, br_manifest="wave-08"), Obstacle.FOREIGN),
        (retagged(FREE, br_manifest=None), Obstacle.FOREIGN),
        (retagged(FREE, br_entry=None), Obstacle.NO_ENTRY),
        (retagged(FREE, br_entry=""), Obstacle.NO_ENTRY),
        (retagged(FREE, br_spec=None), Obstacle.NO_SPEC),
        (retagged(FREE, br_spec=""), Obstacle.NO_SPEC),
        *(
            (replace(FREE, status=status), Obstacle.ALIVE)
            for status in ImageStatus
            if status not in (ImageStatus.QUEUED, ImageStatus.KILLED)
        ),
        (replace(FREE, is_protected=True), Obstacle.PROTECTED),
        (replace(FREE, created_at="2026-09-01T01:00:01Z"), Obstacle.YOUNG),
        (replace(FREE, created_at="2027-01-01T00:00:00Z"), Obstacle.YOUNG),
        (replace(FREE, created_at=""), Obstacle.AGE_UNKNOWN),
        (replace(FREE, created_at="yesterday"), Obstacle.AGE_UNKNOWN),
    ],
)
def test_each_property_of_the_image_can_keep_it(
    changed: ImageView, obstacle: Obstacle
) -> None:
    assert obstacles(changed, AROUND) == (obstacle,)


@pytest.mark.parametrize(
    ("around", "obstacle"),
    [
        (replace(AROUND, has_ledger=False), Obstacle.NO_LEDGER),
        (replace(AROUND, has_entries=False), Obstacle.NO_ENTRIES),
        (replace(AROUND, is_named=True), Obstacle.NAMED),
        (replace(AROUND, is_covered=False), Obstacle.OTHER_SHARD),
        (replace(AROUND, unseen_jobs=1), Obstacle.RUNNING_JOB),
        *(
            (replace(AROUND, jobs=(None, job(status))), Obstacle.RUNNING_JOB)
            for status in JobStatus
            if status not in (JobStatus.SUCCESS, JobStatus.FAIL)
        ),
        (replace(AROUND, age=timedelta(hours=24, seconds=1)), Obstacle.YOUNG),
        (replace(AROUND, now=NOW - timedelta(seconds=1)), Obstacle.YOUNG),
    ],
)
def test_each_circumstance_can_keep_it(
    around: Circumstances, obstacle: Obstacle
) -> None:
    assert obstacles(FREE, around) == (obstacle,)


@pytest.mark.parametrize(
    "stage",
    [
        Creating(),
        Registering(image_id=TWO),
        Replacing(image_id=TWO),
        Unknown(fault=WHY, was=Planned()),
        Unknown(fault=WHY, was=Creating()),
        Unknown(fault=WHY, was=Registered(image_id=TWO, job_id=JOB)),
    ],
)
def test_an_open_call_of_its_entry_in_any_ledger_keeps_it(stage: Stage) -> None:
    records = (record(), record(stage))
    around = replace(AROUND, records=records)
    assert obstacles(FREE, around) == (Obstacle.OPEN_CALL,)


@pytest.mark.parametrize(
    "records",
    [
        (),
        (record(Planned()),),
        (record(Deferred(fault=WHY)),),
        (record(Created(image_id=TWO)),),
        (record(Registered(image_id=TWO, job_id=JOB)),),
        (record(Failed(fault=WHY, image_id=TWO)), record(Planned())),
    ],
)
def test_an_entry_without_an_open_call_keeps_nothing(
    records: tuple[EntryRecord, ...],
) -> None:
    assert obstacles(FREE, replace(AROUND, records=records)) == ()


@pytest.mark.parametrize(
    "jobs", [(), (None,), (job(JobStatus.FAIL),), (job(JobStatus.SUCCESS), None)]
)
def test_jobs_that_ended_or_are_forgotten_keep_nothing(
    jobs: tuple[JobView | None, ...],
) -> None:
    assert obstacles(FREE, replace(AROUND, jobs=jobs)) == ()


def test_everything_that_stands_in_the_way_is_named() -> None:
    worst = replace(FREE, tags=(), status=ImageStatus.ACTIVE, is_protected=True)
    around = replace(
        AROUND,
        has_ledger=False,
        is_covered=False,
        is_named=True,
        records=(record(Creating()),),
        unseen_jobs=1,
    )
    assert set(obstacles(worst, around)) == set(Obstacle) - {
        Obstacle.NO_ENTRIES,
        Obstacle.YOUNG,
        Obstacle.AGE_UNKNOWN,
        Obstacle.GOES_ON,  # of uploads alone
    }


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-09-01T01:00:04Z", 1),
        ("2026-09-01 01:00:04", 1),
        ("2026-09-01T03:00:04+02:00", 1),
        ("", None),
        ("2026-13-01T00:00:00Z", None),
    ],
)
def test_the_clouds_stamps_are_utc_unless_they_say_otherwise(
    text: str, hour: int | None
) -> None:
    found = moment(text)
    assert (None if found is None else found.astimezone(UTC).hour) == hour


@pytest.mark.parametrize(
    ("services", "ours", "judged"),
    [
        (timedelta(0), timedelta(0), timedelta(0)),
        (-timedelta(days=3), timedelta(0), -timedelta(days=3)),  # it may be right
        (timedelta(days=3), timedelta(0), timedelta(hours=1)),  # it may be broken
        (None, timedelta(0), -timedelta(hours=1)),  # ours may be wrong
    ],
)
def test_the_clouds_clock_counts_within_reason(
    services: timedelta | None, ours: timedelta, judged: timedelta
) -> None:
    said = None if services is None else NOW + services
    assert judging_time(said, NOW + ours) == NOW + judged


def test_the_jobs_that_ledgers_know_of_an_entry() -> None:
    assert known_jobs([record(), record(Planned())]) == [JOB]


def test_a_fault_alone_is_no_open_call() -> None:
    why = Fault(kind=FaultKind.DEADLINE, code="c", reason="r", action=Action.NONE)
    failed = record(Failed(fault=why, image_id=TWO))
    assert obstacles(FREE, replace(AROUND, records=(failed,))) == ()


def test_an_orphan_is_never_younger_than_an_image_at_work_may_be() -> None:
    assert orphan_age_s(86400.0, 3600.0) == 86400.0
    assert orphan_age_s(2.0, 3600.0) == 3600.0
