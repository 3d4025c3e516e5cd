"""What the ledger holds beside the machine's events: the target, runs, declarations.

Decides: names and fields of these lines, both ways. Must not know: envelopes, files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields as fields_of
from datetime import datetime

from batch_register.ledger.fields import (
    Fields,
    as_count,
    as_list,
    as_moment,
    as_object,
    as_pairs,
    as_shared_text,
    read_field,
    read_text,
    stamp,
    unlike,
)
from batch_register.ledger.line import DamagedLineError
from batch_register.model import (
    EntryKey,
    ImageSpec,
    Pairs,
    Quota,
    RunCounts,
    SpecDigest,
    Target,
    spec_digest,
)
from batch_register.shard import Shard
from batch_register.usage import Pause, RunUsage

LEDGER_OPENED = "ledger.opened"
RUN_STARTED = "run.started"
RUN_FINISHED = "run.finished"
CLOUD_OBSERVED = "cloud.observed"
ENTRY_DECLARED = "entry.declared"
ENTRY_REMOVED = "entry.removed"
# What `reconcile` does with images that no ledger names; intent, then result.
ORPHAN_DELETE_INTENDED = "orphan.delete_intended"
ORPHAN_DELETED = "orphan.deleted"
ORPHAN_KEPT = "orphan.kept"
ORPHAN_DELETE_UNCLEAR = "orphan.delete_unclear"
ORPHAN_EVENTS = frozenset(
    {ORPHAN_DELETE_INTENDED, ORPHAN_DELETED, ORPHAN_KEPT, ORPHAN_DELETE_UNCLEAR}
)
# The same of multipart uploads that no run goes on with.
UPLOAD_ABORT_INTENDED = "upload.abort_intended"
UPLOAD_ABORTED = "upload.aborted"
UPLOAD_KEPT = "upload.kept"
UPLOAD_ABORT_UNCLEAR = "upload.abort_unclear"
UPLOAD_EVENTS = frozenset(
    {UPLOAD_ABORT_INTENDED, UPLOAD_ABORTED, UPLOAD_KEPT, UPLOAD_ABORT_UNCLEAR}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line that is not a machine event, before it has a stamp and a number."""

    event: str
    fields: Fields = field(default_factory=dict)
    key: EntryKey | None = None


def ledger_opened(
    manifest_name: str, target: Target, shard: Shard | None = None
) -> Note:
    """Return the first line: what this ledger belongs to; no shard: all entries."""
    fields: dict[str, object] = {"manifest": manifest_name, **asdict(target)}
    if shard is not None:
        fields["shard"] = str(shard)
    return Note(event=LEDGER_OPENED, fields=fields)


def run_started(tool_version: str) -> Note:
    """Return the line that begins a run."""
    return Note(event=RUN_STARTED, fields={"tool_version": tool_version})


def run_finished(
    counts: RunCounts, exit_code: int, usage: RunUsage | None = None
) -> Note:
    """Return the line that ends a run; `usage`: what it asked of the service."""
    fields: dict[str, object] = {"exit_code": exit_code, "counts": asdict(counts)}
    if usage is not None:
        fields |= _usage_fields(usage)
    return Note(event=RUN_FINISHED, fields=fields)


def _usage_fields(usage: RunUsage) -> dict[str, object]:
    fields: dict[str, object] = {
        "requests": {call: dict(of) for call, of in usage.requests.items()},
        "retries": usage.retries,
        "throttled": usage.throttled,
        "pauses": [[stamp(begins), stamp(ends)] for begins, ends in usage.pauses],
        "uploaded_bytes": usage.uploaded_bytes,
    }
    if usage.quota is not None:
        fields["quota"] = asdict(usage.quota)
    return fields


def cloud_observed(observations: Fields) -> Note:
    """Return the line that keeps what was learned of the cloud, in JSON values."""
    return Note(event=CLOUD_OBSERVED, fields=observations)


def entry_declared(spec: ImageSpec) -> Note:
    """Return the line of an entry that is new in the manifest, or changed there."""
    fields = {
        "name": spec.name,
        "image_url": spec.image_url,
        "spec": spec_digest(spec),
        "labels": dict(spec.labels),
    }
    return Note(event=ENTRY_DECLARED, fields=fields, key=spec.key)


def entry_removed(key: EntryKey) -> Note:
    """Return the line of an entry that the manifest no longer names."""
    return Note(event=ENTRY_REMOVED, key=key)


def read_opened(fields: Fields) -> tuple[str, Target]:
    """Return manifest name and target of a `ledger.opened`."""
    target = Target(
        endpoint=read_text(fields, "endpoint"),
        project_id=read_text(fields, "project_id"),
        region=read_text(fields, "region"),
    )
    return read_text(fields, "manifest"), target


def read_shard(fields: Fields) -> Shard | None:
    """Return the shard that a `ledger.opened` tells of; None: all entries."""
    if "shard" not in fields:
        return None
    text = read_text(fields, "shard")
    try:
        return Shard.parse(text)
    except ValueError as error:
        raise DamagedLineError(unlike("a shard such as 0/4", text)) from error


def read_finished(fields: Fields) -> tuple[int, RunCounts]:
    """Return exit code and counts of a `run.finished`; a count left out is 0."""
    found = read_field(fields, "counts", as_object)
    names = [known.name for known in fields_of(RunCounts) if known.name in found]
    counts = {name: read_field(found, name, as_count) for name in names}
    return read_field(fields, "exit_code", as_count), RunCounts(**counts)


# What a tool says that knew no uploads.
_NO_UPLOADS: Fields = {"uploaded_bytes": 0}


def read_usage(fields: Fields) -> RunUsage | None:
    """Return what a `run.finished` says of requests; None: an older tool wrote it."""
    if "requests" not in fields:
        return None
    quota = None
    if "quota" in fields:
        of = read_field(fields, "quota", as_object)
        quota = Quota(
            used=read_field(of, "used", as_count),
            limit=read_field(of, "limit", as_count),
        )
    told = {**_NO_UPLOADS, **fields}
    return RunUsage(
        requests=read_field(fields, "requests", _as_requests),
        retries=read_field(fields, "retries", as_count),
        throttled=read_field(fields, "throttled", as_count),
        pauses=read_field(fields, "pauses", _as_pauses),
        quota=quota,
        uploaded_bytes=read_field(told, "uploaded_bytes", as_count),
    )


def _as_requests(value: object) -> Mapping[str, Mapping[str, int]]:
    return {call: _as_counts(of) for call, of in as_object(value).items()}


def _as_counts(value: object) -> Mapping[str, int]:
    return {name: as_count(number) for name, number in as_object(value).items()}


def _as_pauses(value: object) -> tuple[Pause, ...]:
    return tuple(_as_pause(each) for each in as_list(value))


def _as_pause(value: object) -> tuple[datetime, datetime]:
    match as_list(value):
        case [begins, ends]:
            return as_moment(begins), as_moment(ends)
        case other:
            raise DamagedLineError(unlike("a begin and an end", other))


def read_declared(fields: Fields) -> tuple[str, str, SpecDigest, Pairs]:
    """Return name, image_url, spec and labels of an `entry.declared`."""
    return (
        read_text(fields, "name"),
        read_text(fields, "image_url"),
        SpecDigest(read_field(fields, "spec", as_shared_text)),
        read_field(fields, "labels", as_pairs),
    )
