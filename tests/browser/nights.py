"""Ledgers of whole nights: so many images in so many slots, some of which fail.

Drawn from a seed, without a run: what is looked at is the page, and ten thousand real
images take minutes.
"""

from __future__ import annotations

import heapq
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from batch_register.event import (
    CreateIntended,
    CreateRefused,
    Event,
    ImageActive,
    ImageCreated,
    ImageFailed,
    OutcomeUnknown,
    RegisterAccepted,
    RegisterIntended,
    SourceUploaded,
    UploadBegun,
    UploadProgressed,
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
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageSpec,
    JobId,
    RunCounts,
    Target,
    spec_digest,
)

_BEGIN = datetime(2026, 11, 23, 22, 0, 1, 250_000, tzinfo=UTC)
_RUN_ID = "20261123T220001Z-a1b2c3"
_TARGET = Target(
    endpoint="https://ims.eu-de.otc.t-systems.com",
    project_id="0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    region="eu-de",
)
_EMPTY = Fault(
    kind=FaultKind.REJECTED,
    code="IMG.0057",
    reason="The image file does not exist, is empty, or cannot be read.",
    action=Action.FIX_SOURCE,
    http_status=400,
    request_id="a218a92a6eeaedcd4fb7e33427bfb493",
)
_BROKEN = Fault(
    kind=FaultKind.JOB_FAILED,
    code="IMG.1075",
    reason="The image could not be registered.",
    action=Action.CONTACT_PROVIDER,
    request_id="2845bf421e58db196cb761c044d7c96c",
)
_LATE = Fault(
    kind=FaultKind.DEADLINE,
    code="deadline",
    reason="not active within 1h",
    action=Action.RUN_AGAIN,
)
_Told = tuple[float, Note]  # seconds since the night began


def write_night(path: Path, images: int, *, slots: int = 64) -> None:
    """Write the ledger of one run over so many images."""
    told = sorted(_story(images, slots), key=lambda one: one[0])
    ends_s = told[-1][0] + 2
    pauses = [[_stamp(ends_s * at), _stamp(ends_s * at + 90)] for at in (0.31, 0.7)]
    end = run_finished(RunCounts(), 3)
    end.fields["pauses"] = pauses  # type: ignore[index]  # it was made just now
    with path.open("wb") as file:
        for seq, (at_s, note) in enumerate([*told, (ends_s, end)], start=1):
            line = Line(
                seq=seq,
                run_id=_RUN_ID,
                at=_stamp(at_s),
                event=note.event,
                key=note.key,
                fields=note.fields,
            )
            file.write(encode(line))


def _stamp(at_s: float) -> str:
    at = _BEGIN + timedelta(seconds=at_s)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _story(images: int, slots: int) -> Iterator[_Told]:
    draw = random.Random(7)
    yield 0.0, ledger_opened("wave-07", _TARGET)
    yield 0.0, run_started("0.1.0")
    specs = [_spec(number) for number in range(images)]
    for spec in specs:
        yield 0.1, entry_declared(spec)
    free_s = [0.2 + 0.2 * slot for slot in range(min(slots, images))]
    for number, spec in enumerate(specs):
        begins_s = heapq.heappop(free_s)
        steps = [*_upload(number, draw)]
        brought_s = steps[-1][0] if steps else 0.0
        steps += [
            (brought_s + at_s, event) for at_s, event in _steps(number, spec, draw)
        ]
        for after_s, event in steps:
            name, fields = to_fields(event)
            yield begins_s + after_s, Note(event=name, fields=fields, key=spec.key)
        heapq.heappush(free_s, begins_s + steps[-1][0] + 0.1)


def _spec(number: int) -> ImageSpec:
    kind = ("web", "db", "app", "mail", "files")[number % 5]
    name = f"{kind}-{number:05}"
    return ImageSpec(
        key=EntryKey(name),
        name=name,
        image_url=f"migration-wave-07:disks/{kind}/{name}.qcow2",
        os_version="Ubuntu 22.04 server 64bit",
        min_disk_gb=40,
        labels=(
            ("owner", f"team-{kind}"),
            ("ticket", f"MIG-{200 + number // 8}"),
            ("wave", f"07-{number * 4 // 10_000 + 1}"),
        ),
    )


def _upload(number: int, draw: random.Random) -> Iterator[tuple[float, Event]]:
    """Yield how every fourth image's file gets to its bucket first."""
    if number % 4 != 1:
        return
    lasts_s = draw.lognormvariate(4.7, 0.5)
    size_bytes = int(lasts_s * (80 << 20))
    yield (
        0.0,
        UploadBegun(
            upload_id=f"upload-{number}",
            part_bytes=64 << 20,
            size_bytes=size_bytes,
            modified_ns=1,
        ),
    )
    for at_s in range(30, int(lasts_s), 30):
        yield float(at_s), UploadProgressed(sent_bytes=at_s * (80 << 20))
    uploaded = SourceUploaded(
        etag=f"{number:032x}-9", size_bytes=size_bytes, sent_bytes=size_bytes
    )
    yield lasts_s, uploaded


def _steps(
    number: int, spec: ImageSpec, draw: random.Random
) -> Iterator[tuple[float, Event]]:
    """Yield what happens to one image, and how long after its beginning."""
    image_id = ImageId(str(uuid.uuid5(uuid.NAMESPACE_OID, spec.key)))
    call_s, lasts_s = 0.2 + draw.expovariate(1.5), draw.lognormvariate(5.2, 0.6)
    yield 0.0, CreateIntended(spec=spec_digest(spec), name=spec.name)
    if number % 211 == 17:
        yield call_s, CreateRefused(error=_EMPTY)
        return
    yield call_s, ImageCreated(image_id=image_id, created_at=_stamp(0)[:19] + "Z")
    yield call_s, RegisterIntended(image_id=image_id)
    job_id = JobId(uuid.uuid5(uuid.NAMESPACE_URL, spec.key).hex)
    yield 2 * call_s, RegisterAccepted(image_id=image_id, job_id=job_id)
    if number % 89 == 11:
        failed = ImageFailed(error=_BROKEN, stage="job", image_id=image_id)
        yield 2 * call_s + lasts_s / 3, failed
    elif number % 977 == 23:
        yield 3600.0, OutcomeUnknown(error=_LATE)
    else:
        size_bytes = int(lasts_s * (50 << 20))
        yield (
            2 * call_s + lasts_s,
            ImageActive(image_id=image_id, size_bytes=size_bytes),
        )
