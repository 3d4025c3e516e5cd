"""The tally: counts by state, pace and expected end, whatever was tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from batch_register.cli.tally import (
    IN_FLIGHT,
    Phase,
    Slow,
    Tally,
    Trouble,
    phase_of,
)
from batch_register.entry import EntryRecord
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    JobId,
)
from batch_register.source import FileStamp, UploadMark
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

START = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
FAULT = Fault(
    kind=FaultKind.JOB_FAILED,
    code="IMG.0100",
    reason="no file",
    action=Action.FIX_SOURCE,
)
IMAGE = ImageId("image")
PENDING = Planned()
RUNNING = Registered(image_id=IMAGE, job_id=JobId("job"))
ACTIVE = Active(image_id=IMAGE, job_id=None, size_bytes=7)
FAILED = Failed(fault=FAULT)
STAGES: tuple[Stage, ...] = (
    PENDING,
    Creating(),
    Created(image_id=IMAGE),
    RUNNING,
    ACTIVE,
    FAILED,
    Deferred(fault=FAULT),
    Unknown(fault=FAULT, was=RUNNING),
)


def record(key: str, stage: Stage) -> EntryRecord:
    return EntryRecord(key=EntryKey(key), stage=stage)


def records(**by_key: Stage) -> list[EntryRecord]:
    return [record(key, stage) for key, stage in by_key.items()]


def test_an_entry_that_was_never_named_is_pending() -> None:
    tally = Tally(3, START)
    tally.note(record("a", RUNNING), START)
    standing = tally.standing(START)
    assert standing.counted() == {Phase.WAITING: 1, Phase.PENDING: 2}
    assert standing.line() == "0/3: 1 waiting, 2 pending"


@pytest.mark.parametrize(
    ("stage", "phase"),
    [
        (PENDING, Phase.PENDING),
        (Creating(), Phase.CREATING),
        (Created(image_id=IMAGE), Phase.REGISTERING),
        (Registering(image_id=IMAGE), Phase.REGISTERING),
        (RUNNING, Phase.WAITING),
        (Replacing(image_id=IMAGE), Phase.REPLACING),
        (ACTIVE, Phase.ACTIVE),
        (FAILED, Phase.FAILED),
        (Deferred(fault=FAULT), Phase.DEFERRED),
        (Unknown(fault=FAULT, was=RUNNING), Phase.UNKNOWN),
    ],
)
def test_what_is_in_flight_is_told_by_its_step(stage: Stage, phase: Phase) -> None:
    assert phase_of(record("a", stage)) is phase


def test_an_upload_that_an_earlier_run_began_waits_until_this_one_goes_on() -> None:
    begun = record("a", PENDING)
    begun.upload = UploadMark(
        upload_id="u", part_bytes=1, file=FileStamp(size_bytes=9, modified_ns=1)
    )
    tally = Tally(1, START)
    tally.start([begun], START)
    assert tally.standing(START).counted() == {Phase.PENDING: 1}
    tally.note_upload(begun.key, START + timedelta(seconds=5))
    standing = tally.standing(START + timedelta(seconds=65))
    assert standing.counted() == {Phase.UPLOADING: 1}
    assert standing.slowest == (
        Slow(key=begun.key, phase=Phase.UPLOADING, age=timedelta(seconds=60)),
    )


def test_an_image_whose_file_is_uploaded_waits_for_that_whatever_it_is_itself() -> None:
    tally = Tally(2, START)
    tally.note(record("a", Created(image_id=IMAGE)), START, is_uploading=True)
    tally.note(record("b", FAILED), START, is_uploading=True)
    tally.note_upload(EntryKey("b"), START)
    assert tally.standing(START).counted() == {Phase.FAILED: 1, Phase.UPLOADING: 1}


def test_pace_and_end_come_from_what_this_run_settled() -> None:
    tally = Tally(10, START)
    tally.start(records(a=ACTIVE, b=FAILED), START)
    for key in ("c", "d"):
        tally.note(record(key, ACTIVE), START)
    two_of_ten = tally.standing(START + timedelta(minutes=10))
    assert two_of_ten.time_left is None  # too early to say
    tally.note(record("e", FAILED), START)

    now = START + timedelta(minutes=15)
    standing = tally.standing(now)

    assert standing.settled == 5
    assert standing.images_per_hour == 8
    assert standing.time_left == timedelta(minutes=25)
    assert standing.ends_at == now + timedelta(minutes=25)
    clock = f"{now + timedelta(minutes=25):%H:%M}"
    local = (now + timedelta(minutes=25)).astimezone()
    assert clock == "22:40"
    assert standing.line() == (
        "5/10: 3 active, 2 failed, 5 pending; "
        f"about 25 min left, until {local:%H:%M}; 8 images/h"
    )


def test_what_is_tried_again_counts_as_open_meanwhile() -> None:
    tally = Tally(1, START)
    tally.start(records(a=FAILED), START)
    assert tally.standing(START).settled == 1
    tally.note(record("a", PENDING), START)
    assert tally.standing(START).settled == 0
    tally.note(record("a", ACTIVE), START)
    assert tally.standing(START).settled == 1


def test_a_deferred_entry_that_turns_out_active_settles_once() -> None:
    tally = Tally(4, START)
    for key in "abc":
        tally.note(record(key, Deferred(fault=FAULT)), START)
        tally.note(record(key, ACTIVE), START)
    left = tally.standing(START + timedelta(seconds=30)).time_left
    assert left == timedelta(seconds=10)


def test_entries_that_are_deferred_at_once_say_nothing_of_the_pace() -> None:
    tally = Tally(10, START)
    for key in "abcd":
        tally.note(record(key, Deferred(fault=FAULT)), START)
    assert tally.standing(START + timedelta(seconds=1)).time_left is None


def test_the_last_three_troubles_are_kept_the_last_first() -> None:
    tally = Tally(9, START)
    assert tally.standing(START).troubles == ()
    for key in "xab":
        tally.note(record(key, FAILED), START)
    tally.note(record("d", ACTIVE), START)
    tally.note(record("c", Unknown(fault=FAULT, was=RUNNING)), START)
    tally.note(record("a", FAILED), START)  # moved, but nowhere new
    assert tally.standing(START).troubles == tuple(
        Trouble(key=EntryKey(key), phase=phase, reason="IMG.0100: no file")
        for key, phase in (
            ("c", Phase.UNKNOWN),
            ("b", Phase.FAILED),
            ("a", Phase.FAILED),
        )
    )


def test_the_slowest_are_those_in_flight_for_longest_whatever_their_step() -> None:
    tally = Tally(9, START)
    for seconds, key in enumerate("abcde"):
        tally.note(record(key, Creating()), START + timedelta(seconds=seconds))
    tally.note(record("a", RUNNING), START + timedelta(seconds=30))
    tally.note(record("b", ACTIVE), START + timedelta(seconds=30))
    slowest = tally.standing(START + timedelta(seconds=60)).slowest
    assert slowest == tuple(
        Slow(key=EntryKey(key), phase=phase, age=timedelta(seconds=age))
        for key, phase, age in (
            ("a", Phase.WAITING, 60),
            ("c", Phase.CREATING, 58),
            ("d", Phase.CREATING, 57),
        )
    )


@pytest.mark.parametrize(
    ("stamp", "age"),
    [
        ("2026-03-01T20:00:00Z", timedelta(hours=2)),
        ("2026-03-01T20:00:00", timedelta(hours=2)),
        ("last night", timedelta(0)),
        (None, timedelta(0)),
    ],
)
def test_what_an_earlier_run_began_is_as_old_as_the_ledger_says(
    stamp: str | None, age: timedelta
) -> None:
    tally = Tally(1, START)
    begun = record("a", RUNNING)
    begun.started_at = stamp
    tally.start([begun], START)
    assert tally.standing(START).slowest[0].age == age


def test_the_guess_is_bounded() -> None:
    tally = Tally(100_000, START)
    for key in "abc":
        tally.note(record(key, ACTIVE), START)
    assert tally.standing(START + timedelta(days=3)).time_left == timedelta(hours=99)


@pytest.mark.fault(22)
def test_a_clock_that_goes_back_breaks_nothing() -> None:
    tally = Tally(5, START)
    for key in "abc":
        tally.note(record(key, ACTIVE), START)
    standing = tally.standing(START - timedelta(hours=1))
    assert standing.time_left == timedelta(seconds=2 / 3)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(STAGES))),
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(STAGES)),
)
def test_counts_are_what_the_records_say(
    moves: list[tuple[str, Stage]], before: dict[str, Stage]
) -> None:
    tally = Tally(8, START)
    tally.start(records(**before), START)
    last = {key: phase_of(record(key, stage)) for key, stage in before.items()}
    for key, stage in moves:
        entry = record(key, stage)
        tally.note(entry, START)
        last[key] = phase_of(entry)

    standing = tally.standing(START + timedelta(hours=1))

    assert sum(standing.counts.values()) == 8
    for phase in set(Phase) - {Phase.PENDING}:
        assert standing.counts[phase] == list(last.values()).count(phase)
    in_flight = sum(phase in IN_FLIGHT for phase in last.values())
    assert len(standing.slowest) == min(in_flight, 3)
