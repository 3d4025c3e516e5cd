"""What a run decides for each entry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batch_register.entry import EntryRecord, EntryState
from batch_register.event import ShellFate
from batch_register.model import Action, EntryKey, FaultKind, SpecDigest
from batch_register.plan import (
    Decision,
    Intention,
    RetryPolicy,
    blocked,
    decide,
    is_mended_at_once,
    makes_image,
    needs_look,
    over_quota,
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
from tests.unit.samples import FINAL, IMAGE, JOB, PASSING

KEY = EntryKey("web-01")
OLD, NEW = SpecDigest("old"), SpecDigest("new")
ACTIVE = Active(image_id=IMAGE, job_id=JOB, size_bytes=1)
JOB_FAILED = Failed(fault=FINAL, image_id=IMAGE, job_id=JOB)
REFUSED = Failed(fault=FINAL, image_id=IMAGE, shell_reusable=True)


def record(stage: Stage, *, declared: SpecDigest = OLD, removed: bool = False):
    return EntryRecord(
        key=KEY, stage=stage, made_spec=OLD, declared_spec=declared, is_removed=removed
    )


def decision(intention: Intention, reason: str, shell: ShellFate = ShellFate.NONE):
    return Decision(key=KEY, intention=intention, reason=reason, shell=shell)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (Planned(), decision(Intention.START, "nothing was sent yet")),
        (
            Planned(fault=PASSING),
            decision(Intention.START, "held back by an earlier run"),
        ),
        (
            Deferred(fault=PASSING),
            decision(Intention.START, "held back by an earlier run"),
        ),
        (Creating(), decision(Intention.RESUME, "stands at creating")),
        (
            Registered(image_id=IMAGE, job_id=JOB),
            decision(Intention.RESUME, "stands at registered, image image-1 job job-1"),
        ),
        (
            Unknown(fault=PASSING, was=Creating()),
            decision(Intention.RESUME, "its outcome is unknown (test)"),
        ),
        (ACTIVE, decision(Intention.SKIP, "active already")),
        (
            JOB_FAILED,
            decision(Intention.RETRY, "failed before: test", ShellFate.REPLACE),
        ),
        (REFUSED, decision(Intention.RETRY, "failed before: test", ShellFate.REUSE)),
        (Failed(fault=FINAL), decision(Intention.RETRY, "failed before: test")),
    ],
)
def test_a_wanted_entry_is_taken_up_where_it_stands(
    stage: Stage, expected: Decision
) -> None:
    assert decide(record(stage), is_wanted=True, policy=RetryPolicy()) == expected


def test_an_upload_that_was_begun_is_told_where_nothing_else_was_sent() -> None:
    begun = record(Planned())
    file = FileStamp(size_bytes=9, modified_ns=1)
    begun.upload = UploadMark(upload_id="u", part_bytes=4, file=file)
    told = decide(begun, is_wanted=True, policy=RetryPolicy())
    assert told == decision(Intention.START, "its upload was begun")


def test_an_active_image_of_another_spec_is_a_conflict_and_left_alone() -> None:
    made = decide(record(ACTIVE, declared=NEW), is_wanted=True, policy=RetryPolicy())
    reason = "active, but the manifest has changed since it was made"
    assert made == decision(Intention.CONFLICT, reason)
    assert not made.needs_service


def test_a_refused_shell_is_not_registered_again_once_the_spec_has_changed() -> None:
    made = decide(record(REFUSED, declared=NEW), is_wanted=True, policy=RetryPolicy())
    assert made.shell is ShellFate.REPLACE


def test_a_dead_image_is_replaced_unless_it_shall_be_kept() -> None:
    error = fault(FaultKind.JOB_FAILED)
    dead = Failed(fault=error, image_id=IMAGE, job_id=JOB, shell_dead=True)

    def fate(policy: RetryPolicy) -> ShellFate:
        return decide(record(dead), is_wanted=True, policy=policy).shell

    assert fate(RetryPolicy()) is ShellFate.REPLACE
    assert fate(RetryPolicy(keep_failed=True)) is ShellFate.KEEP


def test_keep_failed_does_not_keep_what_only_seems_to_be_gone() -> None:
    """It may be alive: it is looked at once more before a fresh one is made."""
    policy = RetryPolicy(keep_failed=True)
    vanished = Failed(fault=fault(FaultKind.NOT_FOUND), image_id=IMAGE)
    made = decide(record(vanished), is_wanted=True, policy=policy)
    assert made.shell is ShellFate.REPLACE


def test_without_retries_a_failed_entry_is_held() -> None:
    policy = RetryPolicy(retry_failed=False)
    made = decide(record(JOB_FAILED), is_wanted=True, policy=policy)
    assert made == decision(Intention.HOLD, "failed before: test")


@pytest.mark.parametrize(
    "stage",
    [
        Creating(),
        Registering(image_id=IMAGE),
        Registered(image_id=IMAGE, job_id=None),
        Unknown(fault=PASSING, was=Creating()),
    ],
)
def test_an_unwanted_entry_that_is_open_is_resolved_but_not_written(
    stage: Stage,
) -> None:
    made = decide(record(stage, removed=True), is_wanted=False, policy=RetryPolicy())
    assert made.intention is Intention.RESOLVE
    assert made.reason.startswith("no longer in the manifest; ")


@pytest.mark.parametrize(
    "stage", [Planned(), Created(image_id=IMAGE), JOB_FAILED, ACTIVE]
)
def test_an_unwanted_entry_that_is_settled_is_left(stage: Stage) -> None:
    made = decide(record(stage), is_wanted=False, policy=RetryPolicy())
    assert made == decision(Intention.LEAVE, "not selected")


def look_is_needed(stage: Stage, *, is_wanted: bool = True) -> bool:
    entry = record(stage)
    made = decide(entry, is_wanted=is_wanted, policy=RetryPolicy())
    return needs_look([made])


def test_whatever_seems_new_may_have_been_made_by_a_lost_ledger_so_the_run_looks() -> (
    None
):
    assert look_is_needed(Planned())
    assert look_is_needed(Deferred(fault=PASSING))
    assert not look_is_needed(ACTIVE)
    assert not look_is_needed(Registered(image_id=IMAGE, job_id=JOB), is_wanted=False)
    assert not look_is_needed(Planned(), is_wanted=False)


def test_what_failed_here_may_have_been_made_by_a_run_with_another_ledger() -> None:
    assert look_is_needed(JOB_FAILED)
    assert look_is_needed(Replacing(image_id=IMAGE))
    assert look_is_needed(Failed(fault=fault(FaultKind.SPEC_CONFLICT)))


def test_only_what_calls_the_cloud_needs_it():
    needing = {one for one in Intention if decision(one, "why").needs_service}
    assert needing == {
        Intention.START,
        Intention.RESUME,
        Intention.RETRY,
        Intention.RESOLVE,
    }


def test_scripts_know_intentions_by_these_words() -> None:
    """`plan` prints them, and counts by them in its JSON."""
    assert [str(one) for one in Intention] == [
        *("start", "resume", "retry", "skip", "conflict"),
        *("hold", "resolve", "adopt", "defer", "block", "leave"),
    ]


# ------------------------------------------------------------ sources that are not fit


@pytest.mark.parametrize(
    "stage",
    [
        Planned(),
        Deferred(fault=PASSING),
        Created(image_id=IMAGE),
        Failed(fault=FINAL),
        Unknown(fault=PASSING, was=Planned()),
    ],
)
def test_nothing_is_sent_for_a_source_that_is_not_fit(stage: Stage) -> None:
    entry = record(stage)
    planned = decide(entry, is_wanted=True, policy=RetryPolicy())
    made = blocked(planned, entry.certain_stage, FINAL)
    assert made == decision(Intention.BLOCK, FINAL.sentence())
    assert not made.needs_service
    assert blocked(planned, entry.certain_stage, None) == planned


@pytest.mark.parametrize(
    "stage",
    [Creating(), Registering(image_id=IMAGE), Replacing(image_id=IMAGE), ACTIVE],
)
def test_what_the_service_may_have_in_hand_is_followed_whatever_the_source_is(
    stage: Stage,
) -> None:
    planned = decide(record(stage), is_wanted=True, policy=RetryPolicy())
    assert blocked(planned, stage, FINAL) == planned


def test_an_active_image_whose_source_has_changed_is_a_conflict() -> None:
    entry = record(ACTIVE)
    entry.made_source = SourcePin(etag="a", size_bytes=1)
    entry.source = SourcePin(etag="b", size_bytes=1)
    made = decide(entry, is_wanted=True, policy=RetryPolicy())
    reason = "active, but its source has changed since it was made"
    assert made == decision(Intention.CONFLICT, reason)
    assert entry.state is EntryState.CONFLICT


# ------------------------------------------------------------ the quota


@pytest.mark.parametrize(
    ("stage", "is_maker"),
    [
        (Planned(), True),
        (Deferred(fault=PASSING), True),
        (Creating(), True),
        (Unknown(fault=PASSING, was=Planned()), True),
        (Unknown(fault=PASSING, was=Created(image_id=IMAGE)), False),
        (Created(image_id=IMAGE), False),
        (Registering(image_id=IMAGE), False),
        (Registered(image_id=IMAGE, job_id=JOB), False),
        (Replacing(image_id=IMAGE), False),
        (ACTIVE, False),
        (JOB_FAILED, False),
        (REFUSED, False),
        (Failed(fault=FINAL), True),
    ],
)
def test_only_what_has_no_image_takes_a_place_of_the_quota(
    stage: Stage, is_maker: bool
) -> None:
    one = record(stage)
    made = decide(one, is_wanted=True, policy=RetryPolicy())
    assert makes_image(made, one.certain_stage) is is_maker


def test_an_image_beside_a_kept_one_takes_a_place() -> None:
    error = fault(FaultKind.JOB_FAILED)
    dead = Failed(fault=error, image_id=IMAGE, job_id=JOB, shell_dead=True)
    keeping = RetryPolicy(keep_failed=True)
    assert makes_image(decide(record(dead), is_wanted=True, policy=keeping), dead)


def test_an_entry_that_is_only_looked_at_takes_no_place() -> None:
    made = decide(record(Creating()), is_wanted=False, policy=RetryPolicy())
    assert not makes_image(made, Creating())


@pytest.mark.parametrize(
    ("room", "waiting"),
    [
        (None, ""),
        (4, ""),
        (3, "d"),
        (2, "cd"),
        (1, "acd"),  # b may have an image already: it is not told to wait
        (0, "acd"),
        (-2, "acd"),
    ],
)
def test_places_are_given_in_the_order_of_admission(
    room: int | None, waiting: str
) -> None:
    intentions = {
        "a": Intention.START,
        "b": Intention.RESUME,
        "c": Intention.RETRY,
        "d": Intention.START,
    }
    makers = [
        Decision(key=EntryKey(key), intention=intention, reason="why")
        for key, intention in intentions.items()
    ]
    assert over_quota(makers, room) == set(waiting)


LOST = fault(FaultKind.JOB_FAILED)
STALLED = fault(FaultKind.UNPROVEN)


@pytest.mark.parametrize(
    ("before", "why", "now"),
    [
        (Intention.RESUME, LOST, True),
        (Intention.RESUME, STALLED, True),
        (Intention.RESUME, replace(LOST, action=Action.FIX_SOURCE), False),
        (Intention.RESUME, fault(FaultKind.NOT_FOUND), False),
        (Intention.START, LOST, False),
        (Intention.RETRY, LOST, False),
        (Intention.RESOLVE, LOST, False),
    ],
)
def test_what_a_resumed_run_finds_lost_it_mends_itself(before, why, now) -> None:
    failed = record(Failed(fault=why, image_id=IMAGE, job_id=JOB))
    again = decide(failed, is_wanted=True, policy=RetryPolicy())
    assert is_mended_at_once(decision(before, ""), failed, again) is now


def test_what_is_held_or_has_not_failed_is_not_mended_at_once() -> None:
    failed = record(Failed(fault=LOST, image_id=IMAGE, job_id=JOB))
    resumed = decision(Intention.RESUME, "")
    held = decide(failed, is_wanted=True, policy=RetryPolicy(retry_failed=False))
    assert not is_mended_at_once(resumed, failed, held)
    active = record(ACTIVE)
    retry = decision(Intention.RETRY, "")
    assert not is_mended_at_once(resumed, active, retry)
