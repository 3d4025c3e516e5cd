"""Sources as a look may show them: a good one, to be changed in one respect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from batch_register.model import Action, Fault, FaultKind, FilePlace, ImageSpec
from batch_register.preflight.sight import Sight
from batch_register.source import (
    BucketView,
    DiskFormat,
    FileStamp,
    Inspection,
    ObjectView,
    SourcePin,
)
from tests.fakes import spec

REGION = "eu-de"
GB = 2**30
MIB = 2**20

SPEC: ImageSpec = spec(image_url="wave-07:disks/web-01.qcow2")
UPLOADED = replace(SPEC, source=FilePlace(path="disks/web-01.qcow2"))
AUTO = replace(SPEC, min_disk_gb=0, min_disk_is_auto=True)

PIN = SourcePin(etag="0f343b0931126a20f133d67c2b018a3b", size_bytes=300 * MIB)
BUCKET = BucketView(name="wave-07", region=REGION, storage_class="STANDARD")
OBJECT = ObjectView(pin=PIN)
CONTENT = Inspection(disk_format=DiskFormat.QCOW2, virtual_size_bytes=20 * GB)
STAMP = FileStamp(size_bytes=200 * MIB, modified_ns=1)
SIGHT = Sight(bucket=BUCKET, stored=OBJECT, content=CONTENT)
ON_DISK = Sight(bucket=BUCKET, stored=None, file=STAMP, content=CONTENT)


def refused(
    kind: FaultKind, http_status: int | None = None, code: str = "obs.Test"
) -> Fault:
    """Return what a store client makes of a refusal."""
    return Fault(
        kind=kind,
        code=code,
        reason="as scripted",
        action=Action.RUN_AGAIN,
        http_status=http_status,
        request_id="r-1",
    )


FORBIDDEN = refused(FaultKind.FORBIDDEN, 403, "obs.AccessDenied")
BUSY = refused(FaultKind.SERVER, 503, "obs.SlowDown")
ODD = refused(FaultKind.MISREAD, 200, "obs.Shape")


def stored(**changes: Any) -> Sight:
    """Return the good sight with another object."""
    return replace(SIGHT, stored=replace(OBJECT, **changes))


def sized(size_bytes: int) -> Sight:
    """Return the good sight with an object of another size."""
    return stored(pin=replace(PIN, size_bytes=size_bytes))


def holding(
    disk_format: DiskFormat | None,
    *,
    virtual_size_bytes: int | None = 20 * GB,
    problem: str = "",
) -> Sight:
    """Return the good sight with other content."""
    seen = Inspection(
        disk_format=disk_format, virtual_size_bytes=virtual_size_bytes, problem=problem
    )
    return replace(SIGHT, content=seen)
