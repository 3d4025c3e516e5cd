"""The short way of a line does what the machine does, or nothing."""

from __future__ import annotations

import copy

import pytest

from batch_register.entry import EntryRecord
from batch_register.errors import InvalidTransitionError
from batch_register.event import Event
from batch_register.ledger.codec import from_fields, to_fields
from batch_register.ledger.usual import SHORT_WAYS
from batch_register.model import EntryKey, SpecDigest
from batch_register.stage import Stage
from tests.ledger.stories import TO_ACTIVE
from tests.unit.samples import STAGES

AT = "2026-03-04T05:06:07.008Z"
USUAL = {to_fields(event)[0]: event for event in TO_ACTIVE}


def record_at(stage: Stage) -> EntryRecord:
    return EntryRecord(
        key=EntryKey("web-01"),
        name="web-01",
        stage=stage,
        attempts=1,
        made_spec=SpecDigest("s0"),
        finished_at="2026-03-04T01:00:00.000Z",
    )


def test_every_step_of_the_usual_way_has_a_short_one():
    assert set(SHORT_WAYS) == set(USUAL)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: type(stage).__name__)
@pytest.mark.parametrize("event", TO_ACTIVE, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("started_at", [None, "2026-03-03T00:00:00.000Z"])
def test_short_way_does_what_the_machine_does_or_nothing(
    stage: Stage, event: Event, started_at: str | None
):
    name, fields = to_fields(event)
    record = record_at(stage)
    record.started_at = started_at
    by_machine = copy.deepcopy(record)
    untouched = copy.deepcopy(record)

    if not SHORT_WAYS[name](record, fields, AT):
        assert record == untouched
        return

    by_machine.apply(event, AT)
    assert record == by_machine


def test_short_way_is_taken_where_it_is_meant_to_be():
    record = record_at(STAGES[0])
    taken = [
        SHORT_WAYS[name](record, fields, AT)
        for name, fields in map(to_fields, TO_ACTIVE)
    ]
    assert taken == [True] * len(TO_ACTIVE)


@pytest.mark.parametrize("name", SHORT_WAYS)
@pytest.mark.parametrize("wrong", [None, 7.5, True, [], {}])
def test_short_way_leaves_wrong_fields_to_the_long_one(name: str, wrong: object):
    _, fields = to_fields(USUAL[name])
    for field in fields:
        for stage in STAGES:
            record = record_at(stage)
            untouched = copy.deepcopy(record)
            assert not SHORT_WAYS[name](record, {**fields, field: wrong}, AT)
            assert record == untouched


@pytest.mark.parametrize("name", SHORT_WAYS)
def test_short_way_does_without_the_fields_that_older_tools_did_not_write(name: str):
    """What the codec takes with a field left out, the short way takes too, or neither."""
    _, fields = to_fields(USUAL[name])
    for left_out in fields:
        fewer = {key: value for key, value in fields.items() if key != left_out}
        for stage in STAGES:
            short, long = record_at(stage), record_at(stage)
            if SHORT_WAYS[name](short, fewer, AT):
                event = from_fields(name, fewer)
                assert event is not None
                long.apply(event, AT)
            assert short == long


def test_machine_refuses_what_no_short_way_takes():
    """A guard of this test's own: a refusal is left to the machine's words."""
    record = record_at(STAGES[1])
    name, fields = to_fields(TO_ACTIVE[-1])
    assert not SHORT_WAYS[name](record, fields, AT)
    with pytest.raises(InvalidTransitionError):
        record.apply(TO_ACTIVE[-1], AT)
