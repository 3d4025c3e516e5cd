"""Entries that a ledger leaves open and whose image has ended since.

Decides: which events the ledger lacks, by the rules of a run: success is an active image
with data and no failed job; failure is a failed job or a killed image. Everything else
is left to the next run. Must not know: how anything was read or is written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from batch_register.engine.findings import adoption, choose, judge_registered
from batch_register.entry import EntryRecord
from batch_register.event import (
    Event,
    ImageActive,
    ImageAdopted,
    ImageFailed,
    RegisterAccepted,
)
from batch_register.model import (
    ENTRY_TAG,
    SPEC_TAG,
    EntryKey,
    FaultKind,
    ImageId,
    ImageSpec,
    ImageView,
    JobStatus,
    JobView,
    SpecDigest,
)
from batch_register.pacing import SettleTime
from batch_register.reconcile.findings import LateFinisher
from batch_register.reconcile.known import Holding, Known, Sight
from batch_register.stage import (
    Created,
    Creating,
    Planned,
    Registered,
    Registering,
    Replacing,
    Unknown,
)
from batch_register.watcher.verdict import (
    Watched,
    WatchLimits,
    judge_image,
    judge_job,
)

# A single look proves neither that an image is gone nor that it is overdue.
_ONE_LOOK = WatchLimits(
    poll_interval_s=1.0,
    settle=SettleTime(least_s=math.inf),
    image_deadline_s=math.inf,
)
_UNDER_WAY = (JobStatus.INIT, JobStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Ending:
    """The events that a ledger lacks, up to the end of the entry's image."""

    image_id: ImageId
    events: tuple[Event, ...]


def is_open(record: EntryRecord) -> bool:
    """Return whether the ledger leaves the outcome of a call or a job open."""
    open_stages = Creating | Created | Registering | Registered | Replacing | Unknown
    return isinstance(record.stage, open_stages)


def is_sought(record: EntryRecord) -> bool:
    """Return whether an open entry may have an image whose id its ledger lacks."""
    return is_open(record) and isinstance(record.certain_stage, Creating | Planned)


def late_finisher(holding: Holding, known: Known, sight: Sight) -> LateFinisher | None:
    """Return what became of an open entry, if its image has ended since."""
    record = holding.record
    if not is_open(record) or _is_contradicted(record) or _is_unseen(record, sight):
        return None
    ending = _lacking(record, known, sight)
    if ending is None:
        return _ahead(holding, sight)
    return LateFinisher(
        key=record.key,
        ledger=holding.ledger.path,
        was=record.state,
        image_id=ending.image_id,
        is_active=isinstance(ending.events[-1], ImageActive),
        events=ending.events if holding.is_first else (),
        why_not="" if holding.is_first else "this ledger is not the one written to",
    )


def _lacking(record: EntryRecord, known: Known, sight: Sight) -> Ending | None:
    """Return the events up to the end of an entry's image; None where it has not ended."""
    match record.certain_stage:
        case Creating() | Planned():
            views = sight.of_entry(known.tag_of(record.key))
            return _created(record, known.specs.get(record.key), views)
        case Registering(image_id=image_id):
            return _registered(record.key, image_id, sight.image(image_id))
        case Registered(image_id=image_id, job_id=job_id):
            view, job = sight.image(image_id), sight.job(job_id)
            return _of(image_id, _end(record.key, image_id, view, job))
        case Replacing(image_id=image_id, job_id=job_id):
            view, job = sight.image(image_id), sight.job(job_id)
            return _replacing(view, job, known.tag_of(record.key))
        case _:
            return None


def _created(
    record: EntryRecord, spec: ImageSpec | None, views: list[ImageView]
) -> Ending | None:
    """Return the events of a create whose answer was lost, if its image is active."""
    finding = choose(views, record.dead_images)
    if finding is None or not finding.image.is_usable:
        return None
    events = adoption(finding, record, spec)
    if not isinstance(events[-1], ImageAdopted):
        return None  # made from another spec: a conflict, which the next run records
    return _of(finding.image.image_id, _active(finding.image), *events)


def _registered(
    key: EntryKey, image_id: ImageId, view: ImageView | None
) -> Ending | None:
    """Return the events of a register whose answer was lost, if its image has ended."""
    event = judge_registered(image_id, view, is_settled=False)
    if isinstance(event, RegisterAccepted):
        return _of(image_id, _end(key, image_id, view, None), event)
    return _of(image_id, event) if isinstance(event, ImageFailed) else None


def _replacing(
    view: ImageView | None, job: JobView | None, entry_tag: str
) -> Ending | None:
    """Return the events of a shell that came alive after all, as burying it would."""
    has_failed = job is not None and job.status is JobStatus.FAIL
    if view is None or has_failed or not view.is_usable:
        return None
    if view.tag(ENTRY_TAG) != entry_tag:
        return None
    adopted = ImageAdopted(
        image_id=view.image_id,
        status=view.status,
        spec=SpecDigest(view.tag(SPEC_TAG) or ""),
        created_at=view.created_at,
    )
    return _of(view.image_id, _active(view), adopted)


def _end(
    key: EntryKey, image_id: ImageId, view: ImageView | None, job: JobView | None
) -> ImageActive | ImageFailed | None:
    """Return how a registered image ended, by the watcher's own rules."""
    is_usable = view is not None and view.is_usable
    if job is not None and job.status in _UNDER_WAY and not is_usable:
        return None
    watched = Watched(
        key=key,
        image_id=image_id,
        job_id=None,
        created_at="",
        since_s=0.0,
        deadline_s=math.inf,
        last_check_s=0.0,
    )
    failure = None if job is None else judge_job(job)
    event = judge_image(watched, view, failure, _ONE_LOOK, 0.0)
    return event if isinstance(event, ImageActive | ImageFailed) else None


def _of(image_id: ImageId, end: Event | None, *before: Event) -> Ending | None:
    return None if end is None else Ending(image_id, (*before, end))


def _active(view: ImageView) -> ImageActive:
    return ImageActive(image_id=view.image_id, size_bytes=view.size_bytes)


def _ahead(holding: Holding, sight: Sight) -> LateFinisher | None:
    """Return a shell that somebody else has registered and that is active by now."""
    record = holding.record
    stage = record.certain_stage
    if not isinstance(stage, Created):
        return None
    view = sight.image(stage.image_id)
    if view is None or not view.is_usable:
        return None
    return LateFinisher(
        key=record.key,
        ledger=holding.ledger.path,
        was=record.state,
        image_id=stage.image_id,
        is_active=True,
        why_not="the ledger knows of no register; the next run takes it over",
    )


def _is_unseen(record: EntryRecord, sight: Sight) -> bool:
    """Return whether the entry's image or job could not be looked at."""
    return record.image_id in sight.unseen or record.job_id in sight.unseen


def _is_contradicted(record: EntryRecord) -> bool:
    """Return whether an earlier run met a contradiction, which no look can clear."""
    stage = record.stage
    return isinstance(stage, Unknown) and stage.fault.kind is FaultKind.CONTRADICTION
