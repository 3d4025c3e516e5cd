"""Small pieces of a scene: a manifest, a ledger's records, images of a cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batch_register.entry import EntryRecord
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    SPEC_TAG,
    EntryKey,
    ImageId,
    ImageSpec,
    ImageStatus,
    ImageView,
    JobId,
    JobStatus,
    JobView,
    Manifest,
    SpecDigest,
    entry_digest,
    spec_digest,
)
from batch_register.reconcile import Known, LedgerView, Sight
from batch_register.reconcile.known import Holding
from batch_register.shard import Shard
from batch_register.stage import Active, Stage
from tests.fakes import spec

NAME = "wave-07"
LEDGER = "wave-07.ledger.jsonl"
KEY = EntryKey("web-01")
JOB = JobId("job-1")


def image_id(number: int) -> ImageId:
    """Return an id in the form that the service gives."""
    return ImageId(f"{number:08x}-0000-4000-8000-000000000000")


ONE, TWO, THREE = image_id(1), image_id(2), image_id(3)


def tags(key: str = KEY, made: ImageSpec | str | None = None) -> dict[str, str]:
    """Return our three tags for an entry, made from this spec or a plain one."""
    digest = made if isinstance(made, str) else spec_digest(made or spec(key))
    entry = entry_digest(NAME, EntryKey(key))
    return {MANIFEST_TAG: NAME, ENTRY_TAG: entry, SPEC_TAG: digest}


def view(
    image: ImageId = ONE,
    status: ImageStatus = ImageStatus.ACTIVE,
    *,
    key: str = KEY,
    **changes: Any,
) -> ImageView:
    """Return an image of an entry as the cloud shows it; an active one holds data."""
    plain = ImageView(
        image_id=image,
        name=key,
        status=status,
        size_bytes=1000 if status is ImageStatus.ACTIVE else 0,
        tags=tuple(tags(key).items()),
        created_at="2026-09-01T01:00:00Z",
        raw_status=str(status),
        min_disk_gb=40,
        min_ram_mb=0,
        is_protected=False,
    )
    return replace(plain, **changes)


def retagged(image: ImageView, **changed: str | None) -> ImageView:
    """Return the image with tags changed, or taken off; `br_entry` means `br-entry`."""
    now = dict(image.tags)
    for name, value in changed.items():
        now.pop(name.replace("_", "-"), None)
        if value is not None:
            now[name.replace("_", "-")] = value
    return replace(image, tags=tuple(now.items()))


def record(
    stage: Stage | None = None, *, key: str = KEY, **changes: Any
) -> EntryRecord:
    """Return a ledger's record of an entry; left out, its image ONE is active."""
    made = spec_digest(spec(key))
    facts: dict[str, Any] = {
        "name": key,
        "image_url": spec(key).image_url,
        "declared_spec": made,
        "made_spec": made,
        "made_name": key,
        "stage": stage or Active(image_id=ONE, job_id=JOB, size_bytes=1000),
    }
    return EntryRecord(key=EntryKey(key), **(facts | changes))


def ledger(
    *records: EntryRecord, path: str = LEDGER, shard: Shard | None = None
) -> LedgerView:
    """Return a ledger that holds these records."""
    held = {each.key: each for each in records}
    return LedgerView(path=path, records=held, shard=shard)


def known(*ledgers: LedgerView, specs: list[ImageSpec] | None = None) -> Known:
    """Return what a manifest of these entries (left out: web-01) and ledgers tell."""
    images = tuple([spec(KEY)] if specs is None else specs)
    return Known(Manifest(name=NAME, images=images), ledgers)


def holding(one: EntryRecord, *, is_first: bool = True) -> Holding:
    """Return a record as one ledger holds it."""
    return Holding(record=one, ledger=ledger(one), is_first=is_first)


def sight(*listed: ImageView, **more: Any) -> Sight:
    """Return what a cloud with these images shows."""
    return Sight(listed={each.image_id: each for each in listed}, **more)


def job(status: JobStatus, **changes: Any) -> JobView:
    """Return a job in this state."""
    return JobView(job_id=JOB, status=status, raw_status=str(status), **changes)


OTHER_SPEC = SpecDigest("another-spec")
