"""The schema of a ledger line takes what the ledger writes, and refuses what it refuses."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator

from batch_register.event import DURABLE_EVENTS, Event
from batch_register.ledger import notes
from batch_register.ledger.codec import from_fields, to_fields
from batch_register.ledger.line import DamagedLineError, Line, encode
from batch_register.ledger.line_schema import line_schema
from batch_register.model import EntryKey, ImageSpec, RunCounts, Target
from batch_register.shard import Shard

SCHEMA = line_schema()
CHECK = Draft202012Validator(SCHEMA)
SPEC = ImageSpec(
    key=EntryKey("k"),
    name="n",
    image_url="b:o",
    os_version="Ubuntu 22.04 server 64bit",
    min_disk_gb=40,
    labels=(("owner", "team-db"),),
)
NOTES = [
    notes.ledger_opened("m", Target(endpoint="e", project_id="p", region="r")),
    notes.run_started("1.0"),
    notes.run_finished(RunCounts(total=1), 3),
    notes.cloud_observed({"list_lag_s": 1.5}),
    notes.entry_declared(SPEC),
    notes.entry_removed(SPEC.key),
    notes.Note(event=notes.ORPHAN_DELETED, fields={"image_id": "i"}),
    notes.Note(
        event=notes.UPLOAD_ABORTED,
        fields={"bucket": "b", "object": "o", "upload_id": "u", "reason": ""},
        key=SPEC.key,
    ),
]


def written(event: str, fields: Any, key: str | None) -> dict[str, Any]:
    at = "2026-03-01T00:00:00.000Z"
    line = Line(seq=1, run_id="r", at=at, event=event, key=key, fields=fields)
    found: dict[str, Any] = json.loads(encode(line))
    return found


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@given(st.sampled_from(DURABLE_EVENTS).flatmap(st.builds))
def test_every_event_of_an_image_fits(event: Event) -> None:
    CHECK.validate(written(*to_fields(event), "k"))


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.event)
def test_every_other_line_fits(note: notes.Note) -> None:
    CHECK.validate(written(note.event, note.fields, note.key))


def test_the_first_line_of_a_shards_ledger_fits() -> None:
    target = Target(endpoint="e", project_id="p", region="r")
    note = notes.ledger_opened("m", target, Shard(index=0, count=4))
    assert note.fields["shard"] == "0/4"
    CHECK.validate(written(note.event, note.fields, note.key))


WITH_FIELDS = [cls for cls in DURABLE_EVENTS if fields(cls)]


@given(st.sampled_from(WITH_FIELDS).flatmap(st.builds), st.data())
def test_a_missing_field_is_a_fault_to_the_schema_and_to_the_reader_alike(
    event: Event, data: st.DataObject
) -> None:
    name, found = to_fields(event)
    dropped = data.draw(st.sampled_from(sorted(found)))
    del found[dropped]
    try:
        from_fields(name, found)
    except DamagedLineError:
        is_read = False
    else:
        is_read = True
    assert CHECK.is_valid(written(name, found, "k")) == is_read


@pytest.mark.parametrize(
    "change", [{"v": 2}, {"seq": 0}, {"crc": "XYZ"}, {"at": 7}, {"key": None}]
)
def test_a_wrong_envelope_does_not_fit(change: dict[str, object]) -> None:
    line = written("image.retry_started", {"shell": "none"}, "k")
    CHECK.validate(line)
    assert not CHECK.is_valid({**line, **change})


def test_an_event_about_an_image_needs_the_entry() -> None:
    line = written("image.retry_started", {"shell": "none"}, None)
    assert not CHECK.is_valid(line)


def test_events_and_fields_of_later_releases_fit() -> None:
    CHECK.validate(written("image.warped", {"to": 9}, "k"))
    CHECK.validate(written("entry.removed", {"why": "x"}, "k"))
