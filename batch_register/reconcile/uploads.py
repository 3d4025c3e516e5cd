"""The multipart uploads of the manifest's objects that are still open: whose are they?

Decides: of which objects uploads are asked for, which upload a run goes on with, and
what stands in the way of giving another one up. Must not know: how a store is asked.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from batch_register.entry import EntryRecord
from batch_register.model import EntryKey
from batch_register.reconcile.begun import Begun
from batch_register.reconcile.compare import Judging
from batch_register.reconcile.findings import UploadFound, UploadKind, Uploads
from batch_register.reconcile.known import Known
from batch_register.reconcile.removal import Obstacle, age_obstacle
from batch_register.source import OpenUpload
from batch_register.stage import Active

Places = Mapping[str, Sequence[EntryKey]]  # "<bucket>:<object>", and whose it is


@dataclass(slots=True, kw_only=True)
class SeenUploads:
    """What a store showed: open uploads by bucket, and why one could not be looked at."""

    listed: dict[str, list[OpenUpload]] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)


def may_have_uploads(known: Known) -> bool:
    """Return whether manifest or ledgers tell of any file that is or was uploaded."""
    if any(spec.source is not None for spec in known.specs.values()):
        return True
    records = (holding.record for holding in known.holdings())
    return any(record.upload or record.uploaded_bytes for record in records)


def upload_places(known: Known, begun: Iterable[Begun]) -> Places:
    """Return the objects that files of this manifest are, or were, uploaded to."""
    places: dict[str, list[EntryKey]] = {}
    for spec in known.specs.values():
        if spec.source is not None:
            places.setdefault(spec.image_url, []).append(spec.key)
    for one in begun:
        if one.image_url and one.key not in places.setdefault(one.image_url, []):
            places[one.image_url].append(one.key)
    return places


def prefixes(places: Places) -> dict[str, str]:
    """Return for each bucket what the names of its objects begin with."""
    names: dict[str, list[str]] = {}
    for place in places:
        bucket, _, name = place.partition(":")
        names.setdefault(bucket, []).append(name)
    common = os.path.commonprefix
    return {bucket: common(names[bucket]) for bucket in sorted(names)}


def judge_uploads(
    known: Known,
    begun: Iterable[Begun],
    seen: SeenUploads,
    judging: Judging,
) -> Uploads:
    """Return what is to be made of the uploads that a store showed."""
    named = {one.upload_id: one for one in begun}
    places = upload_places(known, named.values())
    listed = [
        (bucket, upload)
        for bucket, uploads in sorted(seen.listed.items())
        for upload in uploads
    ]
    found = []
    for bucket, upload in listed:
        place, one = f"{bucket}:{upload.key}", named.get(upload.upload_id)
        if place not in places:
            continue
        kind = _kind(known, place, one)
        stand = _obstacles(known, places[place], upload, kind, judging)
        found.append(
            UploadFound(
                bucket=bucket,
                upload=upload,
                kind=kind,
                key=places[place][0] if one is None else one.key,
                obstacles=tuple(stand),
            )
        )
    return Uploads(
        found=tuple(found),
        others=len(listed) - len(found),
        unseen=tuple(sorted(seen.unseen.items())),
    )


def _kind(known: Known, place: str, one: Begun | None) -> UploadKind:
    if one is None:
        return UploadKind.UNKNOWN
    spec = known.specs.get(one.key)
    is_wanted = spec and spec.source is not None and spec.image_url == place
    goes_on = any(_stands_by(each, one.upload_id) for each in known.of(one.key))
    return UploadKind.GOES_ON if is_wanted and goes_on else UploadKind.ABANDONED


def _stands_by(record: EntryRecord, upload_id: str) -> bool:
    """Return whether the next run goes on with this upload of the entry's file."""
    mark = record.upload
    is_done = isinstance(record.stage, Active)
    return mark is not None and mark.upload_id == upload_id and not is_done


def _obstacles(
    known: Known,
    keys: Iterable[EntryKey],
    upload: OpenUpload,
    kind: UploadKind,
    judging: Judging,
) -> Iterator[Obstacle]:
    if not known.ledgers:
        yield Obstacle.NO_LEDGER
    elif not any(ledger.records for ledger in known.ledgers):
        yield Obstacle.NO_ENTRIES
    if kind is UploadKind.GOES_ON:
        yield Obstacle.GOES_ON
    if not all(known.is_covered(known.tag_of(key)) for key in keys):
        yield Obstacle.OTHER_SHARD
    age = age_obstacle(upload.begun_at, judging.now, judging.age)
    if age is not None:
        yield age
