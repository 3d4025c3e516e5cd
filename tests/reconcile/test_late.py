"""What the ledger lacks of an entry whose image has ended; nothing is ever guessed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from batch_register.entry import EntryRecord, EntryState
from batch_register.event import (
    DuplicateSeen,
    Event,
    ImageActive,
    ImageAdopted,
    ImageFailed,
    RegisterAccepted,
)
from batch_register.machine import advance
from batch_register.model import (
    FaultKind,
    ImageStatus,
    ImageView,
    JobStatus,
    SpecDigest,
    spec_digest,
)
from batch_register.reconcile.findings import LateFinisher
from batch_register.reconcile.late import late_finisher
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
from tests.fakes import fault, spec
from tests.reconcile.scenes import (
    JOB,
    LEDGER,
    ONE,
    OTHER_SPEC,
    THREE,
    TWO,
    holding,
    job,
    known,
    record,
    retagged,
    sight,
    view,
)

S, J = ImageStatus, JobStatus
OVERDUE = fault(FaultKind.DEADLINE, "deadline")
JOB_FAULT = fault(FaultKind.JOB_FAILED, "IMG.1075")
REGISTERED = Registered(image_id=ONE, job_id=JOB)
REGISTERING = Registering(image_id=ONE)
REPLACING = Replacing(image_id=ONE, job_id=JOB)
ACTIVE = ImageActive(image_id=ONE, size_bytes=1000)
ACCEPTED = RegisterAccepted(image_id=ONE, job_id=None)
JOB_FAILED = ImageFailed(error=JOB_FAULT, stage="job", image_id=ONE)
ADOPTED = ImageAdopted(
    image_id=ONE,
    status=S.ACTIVE,
    spec=spec_digest(spec()),
    created_at="2026-09-01T01:00:00Z",
)
RUNNING, DONE, FAILED = job(J.RUNNING), job(J.SUCCESS), job(J.FAIL, fault=JOB_FAULT)


def unknown(stage: Any) -> Unknown:
    return Unknown(fault=OVERDUE, was=stage)


def late(
    one: EntryRecord, *seen: ImageView, is_first: bool = True, **more: Any
) -> LateFinisher | None:
    what = sight(*seen, looked={each.image_id: each for each in seen}, **more)
    return late_finisher(holding(one, is_first=is_first), known(), what)


def events(one: EntryRecord, *seen: ImageView, **more: Any) -> list[Event]:
    """Return the events that the ledger lacks, after the machine has taken them."""
    found = late(one, *seen, **more)
    stage: Stage = one.stage
    for event in found.events if found is not None else ():
        stage = advance(stage, event).stage
    return list(found.events) if found is not None else []


@pytest.mark.parametrize(
    ("stage", "seen", "its_job", "lacking"),
    [
        (REGISTERED, view(), DONE, [ACTIVE]),
        (REGISTERED, view(), RUNNING, [ACTIVE]),  # it cannot take the image back
        (REGISTERED, view(), None, [ACTIVE]),  # the service has forgotten the job
        (REGISTERED, view(), FAILED, []),  # a contradiction
        (REGISTERED, view(status=S.SAVING), FAILED, [JOB_FAILED]),
        (REGISTERED, view(status=S.QUEUED), FAILED, [JOB_FAILED]),
        (REGISTERED, view(status=S.SAVING), RUNNING, []),
        (REGISTERED, view(status=S.SAVING), DONE, []),
        (REGISTERED, view(status=S.SAVING), None, []),
        (REGISTERED, view(status=S.KILLED), RUNNING, []),
        (REGISTERED, view(size_bytes=0), DONE, []),
        (REGISTERED, view(status=S.UNRECOGNISED), DONE, []),
        (REGISTERED, view(status=S.DELETED), DONE, []),  # one look proves nothing
        (REGISTERED, None, DONE, []),
        (REGISTERED, None, RUNNING, []),
        (REGISTERED, None, FAILED, [JOB_FAILED]),
        (REGISTERING, view(), None, [ACCEPTED, ACTIVE]),
        (REGISTERING, view(status=S.SAVING), None, []),
        (REGISTERING, view(status=S.QUEUED), None, []),
        (REGISTERING, view(size_bytes=0), None, []),
        (REGISTERING, None, None, []),
        (REPLACING, view(), None, [ADOPTED, ACTIVE]),
        (REPLACING, view(), DONE, [ADOPTED, ACTIVE]),
        (REPLACING, view(), FAILED, []),
        (REPLACING, view(status=S.SAVING), DONE, []),
        (REPLACING, retagged(view(), br_entry="other"), DONE, []),
        (REPLACING, None, DONE, []),
        (Creating(), view(), None, [ADOPTED, ACTIVE]),
        (Creating(), view(status=S.SAVING), None, []),
        (Creating(), view(status=S.QUEUED), None, []),
        (Creating(), None, None, []),
        (Creating(), retagged(view(), br_spec=OTHER_SPEC), None, []),
        (Creating(), retagged(view(), br_entry="other"), None, []),
    ],
)
@pytest.mark.parametrize("is_unknown", [False, True])
def test_an_open_entry_lacks_what_the_cloud_proves(
    stage: Any,
    seen: ImageView | None,
    its_job: Any,
    lacking: list[Event],
    *,
    is_unknown: bool,
) -> None:
    one = record(unknown(stage) if is_unknown else stage)
    views = [] if seen is None else [seen]
    assert events(one, *views, jobs={JOB: its_job}) == lacking


@pytest.mark.parametrize(
    ("stage", "where"), [(REGISTERED, "job"), (REGISTERING, "register")]
)
def test_a_killed_image_has_failed(stage: Stage, where: str) -> None:
    (failed,) = events(record(stage), view(status=S.KILLED))
    assert isinstance(failed, ImageFailed)
    assert (failed.stage, failed.error.code) == (where, "image.killed")


@pytest.mark.parametrize(
    "stage",
    [
        Planned(),
        Deferred(fault=OVERDUE),
        Failed(fault=JOB_FAULT, image_id=ONE),
        Active(image_id=ONE, job_id=None, size_bytes=1),
    ],
)
def test_an_entry_that_is_not_open_is_not_late(stage: Stage) -> None:
    assert late(record(stage), view()) is None


def test_a_contradiction_is_not_cleared_by_looking() -> None:
    doubt = fault(FaultKind.CONTRADICTION)
    assert late(record(Unknown(fault=doubt, was=REGISTERED)), view()) is None


@pytest.mark.parametrize("unseen", [ONE, JOB])
def test_what_could_not_be_looked_at_proves_nothing(unseen: str) -> None:
    assert late(record(REGISTERED), view(), unseen={unseen: "HTTP 500"}) is None


def test_a_lost_creates_further_images_are_noted_and_dead_ones_passed_over() -> None:
    twin = view(TWO, status=S.QUEUED)
    dead = view(THREE, status=S.SAVING, created_at="2026-01-01T00:00:00Z")
    one = record(Creating(), dead_images=frozenset({THREE}))
    assert events(one, view(), twin, dead) == [
        DuplicateSeen(image_id=TWO, status=S.QUEUED),
        ADOPTED,
        ACTIVE,
    ]


def test_a_fresh_try_that_ended_unknown_passes_over_its_dead_shell() -> None:
    one = record(unknown(Planned()), dead_images=frozenset({TWO}))
    assert events(one, view(), view(TWO, status=S.QUEUED)) == [ADOPTED, ACTIVE]
    assert events(one, view(TWO)) == []  # active after all: nothing to take over


def test_a_shell_that_lost_its_spec_tag_is_adopted_without_one() -> None:
    adopted, _ = events(record(REPLACING), retagged(view(), br_spec=None))
    assert adopted == replace(ADOPTED, spec=SpecDigest(""))


def test_a_late_finisher_says_where_it_stood_and_where_it_is_recorded() -> None:
    assert late(record(unknown(REGISTERED)), view()) == LateFinisher(
        key=record().key,
        ledger=LEDGER,
        was=EntryState.UNKNOWN,
        image_id=ONE,
        is_active=True,
        events=(ACTIVE,),
    )


def test_what_another_ledger_lacks_is_shown_and_not_written() -> None:
    found = late(
        record(REGISTERED), view(status=S.SAVING), is_first=False, jobs={JOB: FAILED}
    )
    assert found is not None
    assert (found.is_active, found.events) == (False, ())
    assert found.why_not == "this ledger is not the one written to"


def test_a_shell_that_somebody_else_registered_is_left_to_the_next_run() -> None:
    found = late(record(unknown(Created(image_id=ONE))), view())
    assert found is not None
    assert (found.is_active, found.events) == (True, ())
    assert "next run" in found.why_not
    assert late(record(Created(image_id=ONE)), view(status=S.SAVING)) is None
    assert late(record(Created(image_id=ONE))) is None
