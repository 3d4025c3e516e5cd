"""The tally: counts by state, pace and expected end, whatever was tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from batch_register.cli.tally import Tally, format_left
from batch_register.entry import EntryRecord, EntryState
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    JobId,
)
from batch_register.stage import (
    Active,
    Created,
    Creating,
    Deferred,
    Failed,
    Planned,
    Registered,
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


def states(**by_key: EntryState) -> dict[EntryKey, EntryState]:
    return {EntryKey(key): state for key, state in by_key.items()}


def test_an_entry_that_was_never_named_is_pending() -> None:
    tally = Tally(3, START)
    tally.note(record("a", RUNNING))
    standing = tally.standing(START)
    assert {state: count for state, count in standing.counts.items() if count} == {
        EntryState.UNFINISHED: 1,
        EntryState.PENDING: 2,
    }
    assert standing.line() == "0/3: 1 unfinished, 2 pending"


def test_pace_and_end_come_from_what_this_run_settled() -> None:
    tally = Tally(10, START)
    tally.start(states(a=EntryState.ACTIVE, b=EntryState.FAILED), START)
    for key in ("c", "d"):
        tally.note(record(key, ACTIVE))
    two_of_ten = tally.standing(START + timedelta(minutes=10))
    assert two_of_ten.time_left is None  # too early to say
    tally.note(record("e", FAILED))

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
        "5/10: 3 active, 2 failed, 5 pending; 8 images/h; "
        f"about 25 min left, until {local:%H:%M}"
    )


def test_what_is_tried_again_counts_as_open_meanwhile() -> None:
    tally = Tally(1, START)
    tally.start(states(a=EntryState.FAILED), START)
    assert tally.standing(START).settled == 1
    tally.note(record("a", PENDING))
    assert tally.standing(START).settled == 0
    tally.note(record("a", ACTIVE))
    assert tally.standing(START).settled == 1


def test_a_deferred_entry_that_turns_out_active_settles_once() -> None:
    tally = Tally(4, START)
    for key in "abc":
        tally.note(record(key, Deferred(fault=FAULT)))
        tally.note(record(key, ACTIVE))
    left = tally.standing(START + timedelta(seconds=30)).time_left
    assert left == timedelta(seconds=10)


def test_the_last_trouble_is_kept_until_the_next() -> None:
    tally = Tally(3, START)
    assert tally.standing(START).last_trouble == ""
    tally.note(record("a", FAILED))
    tally.note(record("b", ACTIVE))
    assert tally.standing(START).last_trouble == "a: IMG.0100: no file"
    tally.note(record("c", Unknown(fault=FAULT, was=RUNNING)))
    tally.note(record("a", FAILED))  # moved, but nowhere new
    assert tally.standing(START).last_trouble == "c: IMG.0100: no file"


def test_the_guess_is_bounded() -> None:
    tally = Tally(100_000, START)
    for key in "abc":
        tally.note(record(key, ACTIVE))
    assert tally.standing(START + timedelta(days=3)).time_left == timedelta(hours=99)


@pytest.mark.fault(22)
def test_a_clock_that_goes_back_breaks_nothing() -> None:
    tally = Tally(5, START)
    for key in "abc":
        tally.note(record(key, ACTIVE))
    standing = tally.standing(START - timedelta(hours=1))
    assert standing.time_left == timedelta(seconds=2 / 3)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(STAGES))),
    st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(EntryState)),
)
def test_counts_are_what_the_records_say(
    moves: list[tuple[str, Stage]], before: dict[str, EntryState]
) -> None:
    tally = Tally(8, START)
    tally.start(states(**before), START)
    last = dict(before)
    for key, stage in moves:
        entry = record(key, stage)
        tally.note(entry)
        last[key] = entry.state

    counts = tally.standing(START + timedelta(hours=1)).counts

    assert sum(counts.values()) == 8
    for state in set(EntryState) - {EntryState.PENDING}:
        assert counts[state] == list(last.values()).count(state)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 min"),
        (60, "1 min"),
        (61, "2 min"),
        (3599, "1 h 00 min"),
        (7500, "2 h 05 min"),
    ],
)
def test_what_is_left_is_rounded_up_to_minutes(seconds: float, text: str) -> None:
    assert format_left(timedelta(seconds=seconds)) == text
