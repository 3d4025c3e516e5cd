"""One row per entry: where it stands, why, and what a person must do.

Decides: which facts a row shows, the action that is due, what counts as skipped. Must
not know: several ledgers, any form that rows are written in, files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from batch_register.entry import EntryRecord, EntryState, count_states
from batch_register.model import (
    Action,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    JobId,
    Pairs,
    RunCounts,
    Target,
)
from batch_register.report.plain import share_words
from batch_register.shard import Shard, titled
from batch_register.source import SourcePin
from batch_register.stage import Active, Planned

REPORT_VERSION = 1
ROWS_PER_PIECE = 500  # of a long document: enough not to matter, little enough to hold

# What is due where no fault says it.
_DUE: dict[EntryState, Action] = {
    EntryState.ACTIVE: Action.NONE,
    EntryState.FAILED: Action.RUN_AGAIN,
    EntryState.CONFLICT: Action.FIX_MANIFEST,
    EntryState.UNKNOWN: Action.RUN_AGAIN,
    EntryState.UNFINISHED: Action.RUN_AGAIN,
    EntryState.DEFERRED: Action.RAISE_QUOTA,
    EntryState.PENDING: Action.RUN_AGAIN,
}

# What may still turn into an image: a later run resolves it even after its removal.
_OPEN = frozenset({EntryState.UNFINISHED, EntryState.UNKNOWN})

_SPEC_CHANGED = Fault(
    kind=FaultKind.SPEC_CONFLICT,
    code="spec.changed",
    reason="the manifest has changed since the image was made",
    action=Action.FIX_MANIFEST,
)

_SOURCE_CHANGED = Fault(
    kind=FaultKind.SPEC_CONFLICT,
    code="source.changed",
    reason="its object or its file has changed since the image was made",
    action=Action.FIX_SOURCE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadShare:
    """How much of an upload is in the store that was begun and is not complete."""

    sent_bytes: int
    size_bytes: int

    def sentence(self) -> str:
        """Return that for a person; of one that was just begun nothing is noted yet."""
        if not self.sent_bytes:
            return "upload begun, nothing noted of it yet"
        return f"{share_words(self.sent_bytes, self.size_bytes)} uploaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One entry; stamps are UTC text. The last three fields are not in the JSON form."""

    key: EntryKey
    name: str
    image_url: str
    state: EntryState
    image_id: ImageId | None
    job_id: JobId | None
    attempts: int
    started_at: str | None
    finished_at: str | None
    duration_s: float | None
    size_bytes: int | None
    error: Fault | None
    action: Action
    labels: Pairs
    source: SourcePin | None = None  # what its object was when last looked at
    upload: UploadShare | None = None  # begun, and not known to be complete
    is_removed: bool = False  # the manifest no longer names it
    is_skipped: bool = False  # active before the run that is reported
    shard: Shard | None = None  # of the ledger that the row is from

    @property
    def is_in_cloud(self) -> bool:
        """Return whether something of this entry is in the cloud, or may be."""
        return self.image_id is not None or self.state in _OPEN

    @property
    def is_in_trouble(self) -> bool:
        """Return whether the entry did not succeed and cannot just go on."""
        return self.state in (
            EntryState.FAILED,
            EntryState.CONFLICT,
            EntryState.UNKNOWN,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A ledger that rows are from, and its run that is reported."""

    path: str
    run_id: str | None  # None: no run has begun
    shard: Shard | None = None  # None: of the whole manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a form shows; the last two are not in the JSON form."""

    version: int = REPORT_VERSION
    manifest: str
    run_id: str | None  # None: no run has begun
    target: Target
    summary: RunCounts
    images: tuple[ReportRow, ...]
    notes: tuple[str, ...] = ()  # for people
    origins: tuple[Origin, ...] = ()  # where more is to be read, such as histories

    @property
    def shard(self) -> Shard | None:
        """Return the one shard that is reported on; None: several, or the whole."""
        shards = {origin.shard for origin in self.origins}
        return shards.pop() if len(shards) == 1 else None

    @property
    def title(self) -> str:
        """Return what is reported on, in words."""
        return titled(self.manifest, self.shard)


def row_of(
    record: EntryRecord,
    *,
    is_removed: bool = False,
    was_active: bool = False,
    shard: Shard | None = None,
) -> ReportRow:
    """Return the row of one record; `was_active`: before the run that is reported."""
    state, error = _standing(record, is_removed=is_removed)
    # Of a removed entry only open ends matter, and no run goes on with its upload.
    is_open = state in _OPEN and not isinstance(record.stage, Planned)
    is_over = is_removed and not is_open
    return ReportRow(
        key=record.key,
        name=record.name,
        image_url=record.image_url,
        state=state,
        image_id=record.image_id,
        job_id=record.job_id,
        attempts=record.attempts,
        started_at=record.started_at,
        finished_at=record.finished_at,
        duration_s=seconds_between(record.started_at, record.finished_at),
        size_bytes=record.size_bytes,
        error=error,
        action=Action.NONE if is_over else _due_action(state, error),
        labels=record.labels,
        source=record.source,
        upload=_upload_share(record),
        is_removed=is_removed,
        is_skipped=was_active and state is EntryState.ACTIVE,
        shard=shard,
    )


def count(rows: Sequence[ReportRow]) -> RunCounts:
    """Return how many rows stand where."""
    skipped = sum(row.is_skipped for row in rows)
    return count_states(Counter(row.state for row in rows), skipped=skipped)


def _standing(
    record: EntryRecord, *, is_removed: bool
) -> tuple[EntryState, Fault | None]:
    """Return the state and the error that explains it.

    A removed entry cannot differ from a manifest that does not name it.
    """
    if isinstance(record.stage, Active):
        if record.state is EntryState.CONFLICT and not is_removed:
            # Another object is another source: the manifest's change comes first.
            is_edited = record.has_other_spec
            return EntryState.CONFLICT, _SPEC_CHANGED if is_edited else _SOURCE_CHANGED
        return EntryState.ACTIVE, None
    return record.state, _complete(record.fault)


def _complete(fault: Fault | None) -> Fault | None:
    """Return the fault with neither code nor reason empty."""
    if fault is None or (fault.code.strip() and fault.reason.strip()):
        return fault
    return replace(
        fault,
        code=fault.code.strip() or str(fault.kind),
        reason=fault.reason.strip() or "no reason was given",
    )


def _upload_share(record: EntryRecord) -> UploadShare | None:
    if record.upload is None:
        return None
    return UploadShare(
        sent_bytes=record.uploaded_bytes, size_bytes=record.upload.file.size_bytes
    )


def _due_action(state: EntryState, error: Fault | None) -> Action:
    """Return what a person must do."""
    if error is not None and error.action is not Action.NONE:
        return error.action
    return _DUE[state]


def seconds_between(started_at: str | None, finished_at: str | None) -> float | None:
    """Return the seconds between two stamps, None where they do not tell."""
    started, finished = moment_of(started_at), moment_of(finished_at)
    if started is None or finished is None or finished < started:
        return None
    return round((finished - started).total_seconds(), 3)


def moment_of(stamp: str | None) -> datetime | None:
    """Return a stamp as a moment; None where it is missing, broken or has no zone."""
    if not stamp:
        return None
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
