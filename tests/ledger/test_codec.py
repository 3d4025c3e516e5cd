"""Events to fields and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from batch_register.event import (
    DURABLE_EVENTS,
    CreateRefused,
    ImageActive,
    ImageCreated,
    NoneFound,
    RegisterAccepted,
    RetryStarted,
    ShellFate,
)
from batch_register.ledger.codec import from_fields, to_fields
from batch_register.ledger.line import DamagedLineError
from batch_register.model import ImageId
from tests.ledger.stories import BUSY, IMAGE, events

BUSY_FIELDS = {
    "kind": "busy",
    "http_status": 400,
    "code": "IMG.0060",
    "reason": "too many tasks",
    "request_id": "req-1",
    "action": "run_again",
}


@pytest.mark.parametrize("cls", DURABLE_EVENTS, ids=lambda cls: cls.__name__)
@given(data=st.data())
def test_every_event_comes_back_through_json(cls, data):
    event = data.draw(events(cls))
    name, fields = to_fields(event)
    assert (name, from_fields(name, json.loads(json.dumps(fields)))) == (
        cls.ledger_name,
        event,
    )


def test_fault_is_written_in_the_documented_order():
    name, fields = to_fields(CreateRefused(error=BUSY))
    error = fields["error"]
    assert (name, error) == ("image.create_refused", BUSY_FIELDS)
    assert isinstance(error, dict)
    assert list(error) == list(BUSY_FIELDS)


def test_enumerations_are_plain_text():
    _, fields = to_fields(RetryStarted(shell=ShellFate.REUSE))
    assert (fields, type(fields["shell"])) == ({"shell": "reuse"}, str)


def test_null_is_written_and_read():
    event = RegisterAccepted(image_id=IMAGE, job_id=None)
    assert to_fields(event)[1] == {"image_id": IMAGE, "job_id": None}


def test_event_that_lives_only_inside_a_run_is_not_written():
    with pytest.raises(ValueError, match="NoneFound is not for the ledger"):
        to_fields(NoneFound())


def test_unknown_event_is_none():
    assert from_fields("image.renamed", {"to": "x"}) is None


def test_field_with_a_default_may_be_missing():
    found = from_fields("image.created", {"image_id": "i"})
    assert found == ImageCreated(image_id=ImageId("i"))


def test_unknown_field_is_left_out():
    fields = {"image_id": "i", "size_bytes": 1, "colour": "red"}
    event = ImageActive(image_id=ImageId("i"), size_bytes=1)
    assert from_fields("image.active", fields) == event


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("image.created", {}, "field image_id is missing"),
        ("image.created", {"image_id": 5}, "field image_id: 5 is not a text"),
        ("image.created", {"image_id": None}, "field image_id: None is not a text"),
        ("image.registered", {"image_id": "i"}, "field job_id is missing"),
        (
            "image.registered",
            {"image_id": "i", "job_id": 1},
            "field job_id: 1 is not a text",
        ),
        (
            "image.active",
            {"image_id": "i", "size_bytes": True},
            "field size_bytes: True is not a whole number",
        ),
        (
            "image.retry_started",
            {"shell": "burn"},
            "field shell: 'burn' is not a ShellFate",
        ),
        ("image.retry_started", {"shell": []}, "field shell: [] is not a text"),
        ("image.unknown", {"error": "x"}, "field error: 'x' is not an object"),
        (
            "image.unknown",
            {"error": BUSY_FIELDS | {"kind": "odd"}},
            "field error: field kind: 'odd' is not a FaultKind",
        ),
    ],
)
def test_wrong_field_is_damage_and_is_named(name, fields, why):
    with pytest.raises(DamagedLineError) as caught:
        from_fields(name, fields)
    assert str(caught.value) == why
