"""The JSON Schema (draft 2020-12) of one ledger line, version 1.

Decides: what a reader may rely on. Later releases may add fields and events, so objects
are open and an event that is not listed is no fault. Must not know: files, how a line is
written.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import get_type_hints

from batch_register.event import DURABLE_EVENTS, Event
from batch_register.ledger import notes
from batch_register.ledger.line import VERSION
from batch_register.model import Fault, ImageId, JobId, RunCounts, SpecDigest, Target

Schema = dict[str, object]

_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}


def _record(properties: Schema, optional: frozenset[str] = frozenset()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _of_class(cls: type) -> Schema:
    """Return the shape of a dataclass; a field with a default may be missing."""
    hints = get_type_hints(cls)
    fields = dataclasses.fields(cls)
    defaulted = (f.name for f in fields if f.default is not dataclasses.MISSING)
    return _record(
        {f.name: _of_type(hints[f.name]) for f in fields}, frozenset(defaulted)
    )


def _of_type(hint: object) -> Schema:
    """Return the shape of a field; a type without one is a bug at the first call."""
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"enum": [str(member) for member in hint]}
    return _SHAPES[hint]


_SHAPES: dict[object, Schema] = {
    str: _TEXT,
    ImageId: _TEXT,
    SpecDigest: _TEXT,
    int: _COUNT,
    str | None: _TEXT_OR_NULL,
    ImageId | None: _TEXT_OR_NULL,
    JobId | None: _TEXT_OR_NULL,
    int | None: {"type": ["integer", "null"]},
    Fault: {"$ref": "#/$defs/fault"},
}

_ENVELOPE: Schema = {
    "v": {"const": VERSION},
    "seq": {"type": "integer", "minimum": 1, "description": "The line's number."},
    "run_id": _TEXT,
    "at": {"type": "string", "format": "date-time", "description": "UTC."},
    "event": _TEXT,
    "key": {"type": "string", "description": "The entry that the event is about."},
    "crc": {
        "type": "string",
        "pattern": "^[0-9a-f]{8}$",
        "description": "CRC-32 of the line's bytes before this field's comma.",
    },
}

_OF_AN_IMAGE: Schema = {"image_id": _TEXT, "status": _TEXT, "reason": _TEXT}
_OF_AN_UPLOAD: Schema = {
    "bucket": _TEXT,
    "object": _TEXT,
    "upload_id": _TEXT,
    "begun_at": _TEXT,
    "reason": _TEXT,
}


def _events() -> dict[str, Schema]:
    """Return the fields of every event by its name."""
    shapes = {
        notes.LEDGER_OPENED: _record(
            {
                "manifest": _TEXT,
                **{f.name: _TEXT for f in dataclasses.fields(Target)},
                "shard": {"type": "string", "pattern": "^[0-9]+/[0-9]+$"},
            },
            frozenset({"shard"}),
        ),
        notes.RUN_STARTED: _record({"tool_version": _TEXT}),
        notes.RUN_FINISHED: _record(
            {"exit_code": _COUNT, "counts": _of_class(RunCounts)}
        ),
        notes.CLOUD_OBSERVED: _record({}),
        notes.ENTRY_DECLARED: _about_entry(
            _record(
                {
                    "name": _TEXT,
                    "image_url": _TEXT,
                    "spec": _TEXT,
                    "labels": {"type": "object", "additionalProperties": _TEXT},
                }
            )
        ),
        notes.ENTRY_REMOVED: _about_entry(_record({})),
    }
    for event in DURABLE_EVENTS:
        shapes[str(event.ledger_name)] = _about_entry(_of_event(event))
    for name in sorted(notes.ORPHAN_EVENTS):
        shapes[name] = _record(_OF_AN_IMAGE, frozenset({"status", "reason"}))
    for name in sorted(notes.UPLOAD_EVENTS):
        shapes[name] = _about_entry(
            _record(_OF_AN_UPLOAD, frozenset({"begun_at", "reason"}))
        )
    return shapes


def _of_event(event: type[Event]) -> Schema:
    meaning = (event.__doc__ or "").splitlines()[0]
    return {"description": meaning, **_of_class(event)}


def _about_entry(fields: Schema) -> Schema:
    """Return the shape, with a key asked for."""
    return {"allOf": [{"required": ["key"]}, fields]}


def line_schema() -> Schema:
    """Return the schema of one line; the same at every call."""
    by_event = [
        {"if": {"properties": {"event": {"const": name}}}, "then": fields}
        for name, fields in _events().items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "batch_register ledger line, version 1",
        **_record(_ENVELOPE, frozenset({"key"})),
        "allOf": by_event,
        "$defs": {"fault": _of_class(Fault)},
    }
