"""The usual way of an image, folded without events: the bulk of every ledger's lines.

Decides: which lines may take the short way, and what they do to a record; exactly what
`EntryRecord.apply` would do, which a test holds against the machine's table. Must not
know: files, seq, what any other line means.

Each function returns whether it took the line; where anything is not as usual it has
touched nothing, and the long way through the machine decides, and words what is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from batch_register.entry import EntryRecord
from batch_register.event import (
    CreateIntended,
    ImageActive,
    ImageCreated,
    RegisterAccepted,
    RegisterIntended,
)
from batch_register.model import SpecDigest
from batch_register.stage import (
    Active,
    Created,
    Creating,
    Planned,
    Registered,
    Registering,
)

Short = Callable[[EntryRecord, Mapping[str, Any], str], bool]

_CREATING = Creating()  # one for all: it holds nothing


def _create_intended(record: EntryRecord, found: Mapping[str, Any], at: str) -> bool:
    spec, name = found.get("spec"), found.get("name", "")
    if type(record.stage) is not Planned or not (type(spec) is type(name) is str):
        return False
    record.attempts += 1
    record.made_spec = SpecDigest(sys.intern(spec))
    # One text for both where the image is called as the entry is: memory.
    record.made_name = record.name if name == record.name else name
    record.made_url = record.image_url
    record.started_at = record.started_at or at
    record.finished_at = None
    record.stage = _CREATING
    return True


def _created(record: EntryRecord, found: Mapping[str, Any], _at: str) -> bool:
    image_id, created_at = found.get("image_id"), found.get("created_at", "")
    if type(record.stage) is not Creating or not (
        type(image_id) is type(created_at) is str
    ):
        return False
    record.image_created_at = sys.intern(created_at)  # many share one second
    record.finished_at = None
    record.stage = Created(image_id=found["image_id"])
    return True


def _register_intended(record: EntryRecord, found: Mapping[str, Any], _at: str) -> bool:
    image_id = found.get("image_id")
    if type(record.stage) is not Created or type(image_id) is not str:
        return False
    record.finished_at = None
    record.made_source = record.source
    record.stage = Registering(image_id=found["image_id"])
    return True


def _registered(record: EntryRecord, found: Mapping[str, Any], _at: str) -> bool:
    image_id, job_id = found.get("image_id"), found.get("job_id")
    if type(record.stage) is not Registering or not (
        type(image_id) is type(job_id) is str
    ):
        return False
    record.finished_at = None
    record.stage = Registered(image_id=found["image_id"], job_id=found["job_id"])
    return True


def _active(record: EntryRecord, found: Mapping[str, Any], at: str) -> bool:
    image_id, size_bytes = found.get("image_id"), found.get("size_bytes")
    stage = record.stage
    if (
        type(stage) is not Registered
        or type(image_id) is not str
        or type(size_bytes) is not int
    ):
        return False
    record.size_bytes = size_bytes
    record.made_source = record.made_source or record.source
    record.finished_at = at
    record.stage = Active(
        image_id=found["image_id"], job_id=stage.job_id, size_bytes=size_bytes
    )
    return True


SHORT_WAYS: Final[Mapping[str, Short]] = {
    CreateIntended.ledger_name: _create_intended,
    ImageCreated.ledger_name: _created,
    RegisterIntended.ledger_name: _register_intended,
    RegisterAccepted.ledger_name: _registered,
    ImageActive.ledger_name: _active,
}
