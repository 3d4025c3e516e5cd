"""Ledgers to test with: one small one, and strategies for all others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from batch_register.entry import EntryRecord
from batch_register.event import (
    DURABLE_EVENTS,
    Aside,
    CreateIntended,
    CreateRefused,
    DuplicateSeen,
    Event,
    ImageActive,
    ImageCreated,
    RegisterAccepted,
    RegisterIntended,
    ShellFate,
)
from batch_register.ledger.codec import to_fields
from batch_register.ledger.line import Line, encode
from batch_register.ledger.notes import (
    Note,
    cloud_observed,
    entry_declared,
    entry_removed,
    ledger_opened,
    run_finished,
    run_started,
)
from batch_register.machine import TABLE
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageSpec,
    ImageStatus,
    JobId,
    Quota,
    RunCounts,
    SpecDigest,
)
from batch_register.stage import Unknown
from batch_register.usage import RunUsage
from tests.ledger.disks import TARGET

WEB = EntryKey("web-01")
DB = EntryKey("db-01")
IMAGE = ImageId("image-1")
JOB = JobId("job-1")
BUSY = Fault(
    kind=FaultKind.BUSY,
    code="IMG.0060",
    reason="too many tasks",
    action=Action.RUN_AGAIN,
    http_status=400,
    request_id="req-1",
)
TO_ACTIVE: tuple[Event, ...] = (
    CreateIntended(spec=SpecDigest("s1")),
    ImageCreated(image_id=IMAGE, created_at="2026-03-04T05:06:07Z"),
    RegisterIntended(image_id=IMAGE),
    RegisterAccepted(image_id=IMAGE, job_id=JOB),
    ImageActive(image_id=IMAGE, size_bytes=42),
)


def image_spec(key: EntryKey, **changes: Any) -> ImageSpec:
    fixed: dict[str, Any] = {
        "name": str(key),
        "image_url": f"bucket:{key}.qcow2",
        "os_version": "Ubuntu 22.04 server 64bit",
        "min_disk_gb": 40,
    }
    return ImageSpec(key=key, **(fixed | changes))


def noted(key: EntryKey, event: Event) -> Note:
    name, fields = to_fields(event)
    return Note(event=name, fields=fields, key=key)


def lines_of(notes: Iterable[Note], run_id: str = "run-1") -> list[bytes]:
    """Return the lines of a ledger that holds these notes after its first line."""
    first = ledger_opened("wave-07", TARGET)
    return [
        encode(
            Line(
                seq=seq,
                run_id=run_id,
                at=f"2026-03-04T05:06:07.{seq % 1000:03}Z",
                event=note.event,
                key=note.key,
                fields=note.fields,
            )
        )
        for seq, note in enumerate((first, *notes), start=1)
    ]


USAGE = RunUsage(
    requests={"create_image": {"ok": 1, "throttled": 1}, "list_images": {"ok": 4}},
    retries=1,
    throttled=1,
    pauses=(
        (
            datetime(2026, 3, 4, 5, 6, 7, 1000, UTC),
            datetime(2026, 3, 4, 5, 6, 37, tzinfo=UTC),
        ),
    ),
    quota=Quota(used=7, limit=50),
    uploaded_bytes=5,
)

SMALL = lines_of(
    (
        run_started("0.1.0"),
        entry_declared(image_spec(WEB, labels=(("owner", "team-é"),))),
        *(noted(WEB, event) for event in TO_ACTIVE),
        entry_declared(image_spec(DB)),
        noted(DB, CreateIntended(spec=SpecDigest("s2"))),
        noted(DB, CreateRefused(error=BUSY)),
        noted(DB, DuplicateSeen(image_id=IMAGE, status=ImageStatus.ACTIVE)),
        cloud_observed({"list_lag_s": 1.5}),
        entry_removed(DB),
        run_finished(RunCounts(total=1, active=1), 0, USAGE),
    )
)

# ------------------------------------------------------------ strategies

texts = st.text(max_size=20)
faults = st.builds(
    Fault,
    kind=st.sampled_from(FaultKind),
    code=texts,
    reason=texts,
    action=st.sampled_from(Action),
    http_status=st.none() | st.integers(100, 599),
    request_id=st.none() | texts,
)
_BY_TYPE: dict[object, st.SearchStrategy[object]] = {
    str: texts,
    int: st.integers(0, 2**50),
    NoneType: st.none(),
    ImageId: texts,
    JobId: texts,
    SpecDigest: texts,
    Fault: faults,
    ImageStatus: st.sampled_from(ImageStatus),
    ShellFate: st.sampled_from(ShellFate),
}


# As the ledger writes moments: UTC, milliseconds.
moments = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
counts = st.integers(0, 2**50)
usages = st.builds(
    RunUsage,
    requests=st.dictionaries(texts, st.dictionaries(texts, counts), max_size=4),
    retries=counts,
    throttled=counts,
    pauses=st.lists(st.tuples(moments, moments), max_size=4).map(tuple),
    quota=st.none() | st.builds(Quota, used=counts, limit=counts),
    uploaded_bytes=counts,
)


def _values(hint: object) -> st.SearchStrategy[object]:
    if hint in _BY_TYPE:
        return _BY_TYPE[hint]
    assert get_origin(hint) in (Union, UnionType), hint
    return st.one_of([_values(arm) for arm in get_args(hint)])


def events(cls: type[Event]) -> st.SearchStrategy[Event]:
    """Return a strategy for every event of one class, defaults or not."""
    hints = get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    return st.builds(cls, **{name: _values(hints[name]) for name in names})


@st.composite
def walks(draw: st.DrawFn, most: int = 12) -> list[Event]:
    """Draw a story of one entry that the machine allows."""
    record = EntryRecord(key=WEB)
    story: list[Event] = []
    for _ in range(draw(st.integers(0, most))):
        stage = record.stage
        origin = type(stage.was if isinstance(stage, Unknown) else stage)
        legal = [cls for cls in DURABLE_EVENTS if (origin, cls) in TABLE]
        event = draw(events(draw(st.sampled_from([*legal, *get_args(Aside)]))))
        record.apply(event, "")
        story.append(event)
    return story


@st.composite
def ledgers(draw: st.DrawFn) -> list[bytes]:
    """Draw the lines of a ledger: some entries' stories, shuffled into each other."""
    stories = {
        EntryKey(f"k{n}"): draw(walks(6)) for n in range(draw(st.integers(0, 3)))
    }
    order = [key for key, story in stories.items() for _ in story]
    left = {key: iter(story) for key, story in stories.items()}
    shuffled = draw(st.permutations(order))
    return lines_of(noted(key, next(left[key])) for key in shuffled)
