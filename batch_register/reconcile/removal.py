"""Whether an orphan may be deleted: every condition, each by itself.

Decides: what stands in the way of a deletion, and by which clock an image is old. A
live image that is deleted by mistake is lost, so what is not certain stands in the way.
Must not know: how images are listed or deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from batch_register.entry import EntryRecord
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    SPEC_TAG,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
)
from batch_register.stage import Creating, Registering, Replacing, Unknown

_DEAD = (ImageStatus.QUEUED, ImageStatus.KILLED)
_ENDED = (JobStatus.SUCCESS, JobStatus.FAIL)
# A call of these entries may have made, or may still make, an image that no ledger
# names: the very one that looks like an orphan.
_OPEN = (Creating, Registering, Replacing, Unknown)
# What two clocks may differ by, where only ours tells the time.
CLOCKS_MAY_DIFFER = timedelta(hours=1)


class Obstacle(StrEnum):
    """What stands in the way of deleting an orphan."""

    NO_LEDGER = "no_ledger"
    NO_ENTRIES = "no_entries"
    FOREIGN = "foreign"
    NO_ENTRY = "no_entry_tag"
    NO_SPEC = "no_spec_tag"
    ALIVE = "alive"
    PROTECTED = "protected"
    NAMED = "named"
    OTHER_SHARD = "other_shard"
    OPEN_CALL = "open_call"
    GOES_ON = "goes_on"  # of an upload
    RUNNING_JOB = "running_job"
    YOUNG = "young"
    AGE_UNKNOWN = "age_unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known around one image when its deletion is judged.

    `records` are those of its entry in every given ledger; `jobs` what the service says
    of the jobs that they know (None: forgotten), `unseen` what it could not be asked.
    """

    manifest_name: str
    has_ledger: bool
    has_entries: bool  # any ledger does: an empty one knows of no image
    is_covered: bool  # by ledgers of its entry's shards, where there are any
    is_named: bool
    records: tuple[EntryRecord, ...]
    jobs: tuple[JobView | None, ...]
    unseen_jobs: int
    now: datetime
    age: timedelta


def obstacles(view: ImageView, around: Circumstances) -> tuple[Obstacle, ...]:
    """Return everything that stands in the way of deleting this image."""
    stages = (record.stage for record in around.records)
    running = any(job is not None and job.status not in _ENDED for job in around.jobs)
    stand: tuple[tuple[bool, Obstacle], ...] = (
        (not around.has_ledger, Obstacle.NO_LEDGER),
        (around.has_ledger and not around.has_entries, Obstacle.NO_ENTRIES),
        (view.tag(MANIFEST_TAG) != around.manifest_name, Obstacle.FOREIGN),
        (not view.tag(ENTRY_TAG), Obstacle.NO_ENTRY),
        (not view.tag(SPEC_TAG), Obstacle.NO_SPEC),
        (view.status not in _DEAD, Obstacle.ALIVE),
        (view.is_protected is True, Obstacle.PROTECTED),
        (around.is_named, Obstacle.NAMED),
        (not around.is_covered, Obstacle.OTHER_SHARD),
        (any(isinstance(stage, _OPEN) for stage in stages), Obstacle.OPEN_CALL),
        (running or around.unseen_jobs > 0, Obstacle.RUNNING_JOB),
    )
    age = age_obstacle(view.created_at, around.now, around.age)
    found = tuple(obstacle for stands, obstacle in stand if stands)
    return found if age is None else (*found, age)


def age_obstacle(made_at: str, now: datetime, age: timedelta) -> Obstacle | None:
    """Return whether it stands in the way how old something is, by its own stamp."""
    made = moment(made_at)
    if made is None:
        return Obstacle.AGE_UNKNOWN
    return Obstacle.YOUNG if now - made <= age else None


def moment(text: str) -> datetime | None:
    """Read the cloud's own stamp, UTC; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def judging_time(service_now: datetime | None, our_now: datetime) -> datetime:
    """Return the time by which images are old: the cloud's own, else ours put back.

    A Date far ahead of us may come from a broken machine on the way, so it counts only
    as far as clocks may differ.
    """
    if service_now is None:
        return our_now - CLOCKS_MAY_DIFFER
    return min(service_now, our_now + CLOCKS_MAY_DIFFER)


def orphan_age_s(asked_s: float, image_deadline_s: float) -> float:
    """Return how old an orphan must be: a run may still be at work on a younger one."""
    return max(asked_s, image_deadline_s)


def known_jobs(records: Iterable[EntryRecord]) -> list[JobId]:
    """Return the jobs that ledgers know of one entry."""
    return [record.job_id for record in records if record.job_id is not None]
