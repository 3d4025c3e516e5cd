"""From ledgers to one report: order, merging of shards, what is left out.

Decides: which ledgers belong together, which of two records of one entry counts, the
order of rows. Must not know: files, any form that a report is written in.

Entries come in the order in which the ledgers declare them, ledger after ledger.
Entries that the manifest no longer names come last, and only where something of theirs
is in the cloud or may be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from batch_register.entry import EntryRecord, EntryState
from batch_register.errors import LedgerError, LedgerTargetError
from batch_register.ledger.replay import Replay
from batch_register.model import EntryKey, Target
from batch_register.report.rows import Origin, Report, ReportRow, count, row_of
from batch_register.shard import Shard

# Of two records of one entry the one with the higher number counts.
_PROGRESS: dict[EntryState, int] = {
    EntryState.PENDING: 0,
    EntryState.DEFERRED: 1,
    EntryState.FAILED: 2,
    EntryState.UNKNOWN: 3,
    EntryState.UNFINISHED: 4,
    EntryState.CONFLICT: 5,
    EntryState.ACTIVE: 6,
}

_MOST_NAMED = 10  # shards in one note


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What one ledger says: its target, its records in order, its last run."""

    path: str
    manifest: str
    target: Target
    records: Collection[EntryRecord]
    run_id: str | None = None
    run_started_at: str = ""  # UTC text as in the ledger; of several the latest leads
    active_before: frozenset[EntryKey] = frozenset()  # before that run
    shard: Shard | None = None  # None: of the whole manifest


def source_of(path: str, replay: Replay) -> Source:
    """Return what a replayed ledger has to say for a report.

    Raises:
        LedgerError: the ledger is empty, so that nobody can tell what it is of.
    """
    manifest, target = _belongs_to(path, replay)
    run = replay.runs[-1] if replay.runs else None
    return Source(
        path=path,
        manifest=manifest,
        target=target,
        records=replay.records.values(),
        run_id=run.run_id if run else None,
        run_started_at=run.started_at if run else "",
        active_before=frozenset(replay.active_before(run) if run else ()),
        shard=replay.shard,
    )


def source_of_run(path: str, replay: Replay, run_id: str) -> Source:
    """Return what the ledger of a run that has just ended has to say.

    `replay` is what it was opened with, and the run has kept its records current: what
    every line since then says. A ledger of 100,000 images is not read a second time.

    Raises:
        LedgerError: nothing says what the ledger is of.
    """
    manifest, target = _belongs_to(path, replay)
    return Source(
        path=path,
        manifest=manifest,
        target=target,
        records=replay.records.values(),
        run_id=run_id,
        active_before=frozenset(replay.active_since),
        shard=replay.shard,
    )


def _belongs_to(path: str, replay: Replay) -> tuple[str, Target]:
    """Return manifest name and target of a replayed ledger."""
    if replay.manifest_name is None or replay.target is None:
        hint = "is it the right file? a run writes the first line as it begins"
        raise LedgerError(path, "the ledger is empty", hint=hint)
    return replay.manifest_name, replay.target


@dataclass(frozen=True, slots=True)
class _Held:
    """The record that counts for one key so far, and the ledger that it is from."""

    record: EntryRecord
    source: Source
    is_removed: bool


def fold(sources: Sequence[Source]) -> Report:
    """Return the report over one ledger or the shards of one manifest.

    Raises:
        LedgerTargetError: the ledgers are not of one manifest, project and region.
        ValueError: there is no ledger.
    """
    if not sources:
        message = "a report needs at least one ledger"
        raise ValueError(message)
    for one, other in pairwise(sources):
        _check_same_batch(one, other)
    held, notes = _merge(sources)
    rows = tuple(_rows(held))
    latest = max(sources, key=lambda source: source.run_started_at)
    return Report(
        manifest=latest.manifest,
        run_id=latest.run_id,
        target=latest.target,
        summary=count(rows),
        images=rows,
        notes=(*missing(sources), *notes, *_duplicate_notes(held)),
        origins=tuple(
            Origin(path=one.path, run_id=one.run_id, shard=one.shard) for one in sources
        ),
    )


def _check_same_batch(one: Source, other: Source) -> None:
    facts = (
        ("manifest", one.manifest, other.manifest),
        ("project", one.target.project_id, other.target.project_id),
        ("region", one.target.region, other.target.region),
    )
    for what, expected, found in facts:
        if expected != found:
            message = f"is of {what} {found!r}, but {one.path} is of {expected!r}"
            hint = "report on each of them by itself: only shards of one manifest merge"
            raise LedgerTargetError(other.path, message, hint=hint)


def missing(sources: Sequence[Source]) -> Iterator[str]:
    """Yield a line for each split of which some shards are not reported on.

    One ledger alone says of which shard it is; a ledger of the whole manifest lacks
    nothing.
    """
    shards = {one.shard for one in sources if one.shard is not None}
    if len(sources) == 1 or any(one.shard is None for one in sources):
        return
    for parts in sorted({shard.count for shard in shards}):
        given = {shard.index for shard in shards if shard.count == parts}
        absent = [n for n in range(parts) if n not in given]
        if absent:
            some = ", ".join(f"{n}/{parts}" for n in absent[:_MOST_NAMED])
            more = len(absent) - _MOST_NAMED
            rest = f" and {more} more" if more > 0 else ""
            yield f"not in this report, as no ledger of theirs was given: shard {some}{rest}"


def _merge(sources: Sequence[Source]) -> tuple[list[_Held], list[str]]:
    """Return the record that counts for each key, and what there is to say of it."""
    held: dict[EntryKey, _Held] = {}
    notes = []
    for source in sources:
        for record in source.records:
            new = _Held(record, source, record.is_removed)
            old = held.get(record.key)
            if old is None:
                held[record.key] = new
                continue
            held[record.key] = better = _better(old, new)
            if _differ(old.record, record):
                notes.append(_clash_note(old, new, better))
    return list(held.values()), notes


def _differ(one: EntryRecord, other: EntryRecord) -> bool:
    """Return whether two ledgers make different claims of an entry.

    One that was never begun claims nothing. Both may stand by one image: a manifest that
    was split otherwise has its images adopted into other ledgers.
    """
    if EntryState.PENDING in (one.state, other.state):
        return False
    return (one.state, one.image_id) != (other.state, other.image_id)


def _better(old: _Held, new: _Held) -> _Held:
    """Return the one that is further on; removed only if no ledger names the entry."""
    further = max(old, new, key=_progress)  # the first where they are equal
    return _Held(further.record, further.source, old.is_removed and new.is_removed)


def _progress(held: _Held) -> tuple[int, str]:
    record = held.record
    return _PROGRESS[record.state], record.finished_at or record.started_at or ""


def _clash_note(old: _Held, new: _Held, better: _Held) -> str:
    return (
        f"{old.record.key} is in two ledgers: {_claim(old)}, {_claim(new)}; "
        f"{better.source.path} counts"
    )


def _claim(held: _Held) -> str:
    image = f", image {held.record.image_id}" if held.record.image_id else ""
    return f"{held.source.path} ({held.record.state}{image})"


def _duplicate_notes(held: Sequence[_Held]) -> Iterator[str]:
    """Yield a line for each entry that has further images in the cloud."""
    for one in held:
        if one.record.duplicates:
            ids = ", ".join(sorted(one.record.duplicates))
            yield f"{one.record.key} has further images, left alone by every run: {ids}"


def _rows(held: Sequence[_Held]) -> Iterator[ReportRow]:
    """Yield the rows in the order of the report."""
    for is_removed in (False, True):
        for one in held:
            if one.is_removed is not is_removed:
                continue
            row = row_of(
                one.record,
                is_removed=one.is_removed,
                was_active=one.record.key in one.source.active_before,
                shard=one.source.shard,
            )
            if row.is_in_cloud or not one.is_removed:
                yield row
