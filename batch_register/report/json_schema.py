"""The JSON Schemas (draft 2020-12) of the report's and the story's JSON forms, version 1.

Decides: what a reader may rely on. Further fields may come in later releases, so
objects are open. Must not know: how a report is made.
"""

from __future__ import annotations

from dataclasses import fields

from batch_register.entry import EntryState
from batch_register.model import Action, FaultKind, RunCounts, Target
from batch_register.report.rows import REPORT_VERSION
from batch_register.report.story import STORY_VERSION

Schema = dict[str, object]

_TEXT: Schema = {"type": "string"}
_SOME_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}


def _record(properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
    }


_ERROR = _record(
    {
        "kind": {"enum": [str(kind) for kind in FaultKind]},
        "http_status": {"type": ["integer", "null"]},
        "code": _SOME_TEXT,
        "reason": _SOME_TEXT,
        "request_id": _TEXT_OR_NULL,
    }
)

_SOURCE = _record({"etag": _TEXT, "size_bytes": _COUNT})
_UPLOAD = _record({"sent_bytes": _COUNT, "size_bytes": _COUNT})

_IMAGE = _record(
    {
        "key": _SOME_TEXT,
        "name": _TEXT,
        "image_url": _TEXT,
        "state": {"enum": [str(state) for state in EntryState]},
        "image_id": _TEXT_OR_NULL,
        "job_id": _TEXT_OR_NULL,
        "attempts": _COUNT,
        "started_at": _TEXT_OR_NULL,
        "finished_at": _TEXT_OR_NULL,
        "duration_s": {"type": ["number", "null"], "minimum": 0},
        "size_bytes": {"type": ["integer", "null"], "minimum": 0},
        "error": {"anyOf": [_ERROR, {"type": "null"}]},
        "action": {"enum": [str(action) for action in Action]},
        "labels": {"type": "object", "additionalProperties": _TEXT},
        "source": {"anyOf": [_SOURCE, {"type": "null"}]},
        "upload": {"anyOf": [_UPLOAD, {"type": "null"}]},
    }
)

_DRAFT = "https://json-schema.org/draft/2020-12/schema"

REPORT: Schema = {
    "$schema": _DRAFT,
    "title": "batch_register report, version 1",
    **_record(
        {
            "version": {"const": REPORT_VERSION},
            "manifest": _SOME_TEXT,
            "shard": _TEXT_OR_NULL,
            "run_id": _TEXT_OR_NULL,
            "target": _record({field.name: _TEXT for field in fields(Target)}),
            "summary": _record({field.name: _COUNT for field in fields(RunCounts)}),
            "images": {"type": "array", "items": _IMAGE},
        }
    ),
}

_EVENT = _record(
    {
        "seq": {"type": "integer", "minimum": 1},
        "at": _TEXT,
        "event": _SOME_TEXT,
        "words": _SOME_TEXT,
        "fields": {"type": "object"},
    }
)

STORY: Schema = {
    "$schema": _DRAFT,
    "title": "batch_register history of one entry, version 1",
    **_record(
        {
            "version": {"const": STORY_VERSION},
            "manifest": _TEXT,
            "image": _IMAGE,
            "runs": {
                "type": "array",
                "items": _record(
                    {
                        "run_id": _TEXT,
                        "started_at": _TEXT_OR_NULL,
                        "finished_at": _TEXT_OR_NULL,
                        "exit_code": {"type": ["integer", "null"]},
                        "events": {"type": "array", "items": _EVENT},
                    }
                ),
            },
        }
    ),
}
