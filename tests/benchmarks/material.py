"""Manifests and ledgers of any size, as the tool itself would meet and write them.

Every benchmark that grows measures the same material: one manifest in YAML with
defaults, and the ledger of the one run that made all its images, six lines per image.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batch_register.event import (
    CreateIntended,
    Event,
    ImageActive,
    ImageCreated,
    RegisterAccepted,
    RegisterIntended,
)
from batch_register.ledger.codec import to_fields
from batch_register.ledger.line import Line, encode
from batch_register.ledger.notes import (
    Note,
    entry_declared,
    ledger_opened,
    run_finished,
    run_started,
)
from batch_register.manifest import load_manifest
from batch_register.model import (
    ImageId,
    ImageSpec,
    JobId,
    Manifest,
    RunCounts,
    Target,
    spec_digest,
)

LINES_PER_IMAGE = 6
LINES_PER_COMMIT = 40
_BEGIN = datetime(2026, 11, 24, 1, 2, 3, 456000, tzinfo=UTC)
_RUN_ID = "20261124T010203Z-a1b2c3"
_HEAD = """\
version: 1
name: wave-07
defaults:
  bucket: migration-wave-07
  os_version: Ubuntu 22.04 server 64bit
  min_disk: 40
  tags: {wave: "07"}
images:
"""
_IMAGE = """\
  - name: srv-{n:06}
    object: disks/2026-11/srv-{n:06}.qcow2
    os_version: {system}
    min_disk: {disk_gb}
    min_ram: {ram_mb}
    size_bytes: {size_bytes}
    tags:
      stage: {stage}
    labels:
      owner: {owner}
"""
_SYSTEMS = ("Ubuntu 22.04 server 64bit", "Debian GNU/Linux 12.0.0 64bit")


def write_manifest(path: Path, images: int) -> Manifest:
    """Write a manifest of so many images, some twelve lines each; return it loaded."""
    with path.open("w") as file:
        file.write(_HEAD)
        for n in range(images):
            image = _IMAGE.format(
                n=n,
                system=_SYSTEMS[n % 2],
                disk_gb=40 + n % 5 * 20,
                ram_mb=n % 4 * 1024,
                size_bytes=(2 << 30) + n * 7919 % (64 << 30),
                stage=("prod", "test")[n % 2],
                owner=("db", "web", "mail")[n % 3],
            )
            file.write(image)
    return load_manifest(path)


def write_ledger(path: Path, manifest: Manifest, target: Target) -> int:
    """Write the ledger of a run that made every image; return its number of lines."""
    seq = 0
    with path.open("wb") as file:
        for seq, note in enumerate(_story(manifest, target), start=1):
            line = Line(
                seq=seq,
                run_id=_RUN_ID,
                at=_stamp(seq // LINES_PER_COMMIT),
                event=note.event,
                key=note.key,
                fields=note.fields,
            )
            file.write(encode(line))
    return seq


def _stamp(commit: int) -> str:
    """Return the stamp of a commit, a tenth of a second after the one before."""
    at = _BEGIN + timedelta(milliseconds=100 * commit)
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _story(manifest: Manifest, target: Target) -> Iterator[Note]:
    """Yield what such a run notes, its images five hundred at a time."""
    yield ledger_opened(manifest.name, target)
    yield run_started("0.1.0")
    for spec in manifest.images:
        yield entry_declared(spec)
    for first in range(0, len(manifest.images), 500):
        some = manifest.images[first : first + 500]
        tellings = [list(_events(spec)) for spec in some]
        for happened in zip(*tellings, strict=True):
            for spec, event in zip(some, happened, strict=True):
                name, fields = to_fields(event)
                yield Note(event=name, fields=fields, key=spec.key)
    count = len(manifest.images)
    yield run_finished(RunCounts(total=count, active=count), 0)


def _events(spec: ImageSpec) -> Iterator[Event]:
    """Yield the durable events of an image that nothing befell."""
    image_id = ImageId(str(uuid.uuid5(uuid.NAMESPACE_OID, spec.key)))
    job_id = JobId(uuid.uuid5(uuid.NAMESPACE_URL, spec.key).hex)
    yield CreateIntended(spec=spec_digest(spec), name=spec.name)
    yield ImageCreated(image_id=image_id, created_at="2026-11-24T01:02:03Z")
    yield RegisterIntended(image_id=image_id)
    yield RegisterAccepted(image_id=image_id, job_id=job_id)
    yield ImageActive(image_id=image_id, size_bytes=spec.size_bytes or 1)
