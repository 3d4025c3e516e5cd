"""What the ledger holds beside the machine's events: the target, runs, declarations.

Decides: names and fields of these lines, both ways. Must not know: envelopes, files.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields as fields_of

from batch_register.ledger.fields import (
    Fields,
    as_count,
    as_object,
    as_pairs,
    as_shared_text,
    read_field,
    read_text,
)
from batch_register.model import (
    EntryKey,
    ImageSpec,
    Pairs,
    RunCounts,
    SpecDigest,
    Target,
    spec_digest,
)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line that is not a machine event, before it has a stamp and a number."""

    event: str
    fields: Fields = field(default_factory=dict)
    key: EntryKey | None = None


def ledger_opened(manifest_name: str, target: Target) -> Note:
    """Return the first line: what this ledger belongs to."""
    return Note(
        event=LEDGER_OPENED, fields={"manifest": manifest_name, **asdict(target)}
    )


def run_started(tool_version: str) -> Note:
    """Return the line that begins a run."""
    return Note(event=RUN_STARTED, fields={"tool_version": tool_version})


def run_finished(counts: RunCounts, exit_code: int) -> Note:
    """Return the line that ends a run."""
    return Note(
        event=RUN_FINISHED, fields={"exit_code": exit_code, "counts": asdict(counts)}
    )


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


def read_finished(fields: Fields) -> tuple[int, RunCounts]:
    """Return exit code and counts of a `run.finished`; a count left out is 0."""
    found = read_field(fields, "counts", as_object)
    names = [known.name for known in fields_of(RunCounts) if known.name in found]
    counts = {name: read_field(found, name, as_count) for name in names}
    return read_field(fields, "exit_code", as_count), RunCounts(**counts)


def read_declared(fields: Fields) -> tuple[str, str, SpecDigest, Pairs]:
    """Return name, image_url, spec and labels of an `entry.declared`."""
    return (
        read_text(fields, "name"),
        read_text(fields, "image_url"),
        SpecDigest(read_field(fields, "spec", as_shared_text)),
        read_field(fields, "labels", as_pairs),
    )
