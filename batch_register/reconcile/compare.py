"""The comparison itself: manifest and ledgers on one side, the cloud on the other.

Decides: what deserves a look of its own, and which findings there are, in which order.
Must not know: how the cloud is asked, what is done about a finding.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from batch_register.engine.findings import choose
from batch_register.entry import EntryRecord
from batch_register.model import (
    ENTRY_TAG,
    EntryKey,
    ImageId,
    ImageStatus,
    ImageView,
    JobId,
    spec_digest,
)
from batch_register.reconcile.drift import differences, other_spec, renamed
from batch_register.reconcile.findings import (
    Drift,
    Duplicate,
    Findings,
    LateFinisher,
    Orphan,
    OrphanKind,
    Untraced,
)
from batch_register.reconcile.known import Known, Sight
from batch_register.reconcile.late import is_open, is_sought, late_finisher
from batch_register.reconcile.leftovers import leftovers
from batch_register.reconcile.removal import Circumstances, known_jobs, obstacles

_LIVE = (ImageStatus.ACTIVE, ImageStatus.SAVING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """By which time, and from which age on, an orphan is old."""

    now: datetime
    age: timedelta


def looks(known: Known, sight: Sight) -> tuple[set[ImageId], set[JobId]]:
    """Return the images and jobs that the list alone does not explain.

    Lists lag: whatever seems to be missing or different is looked at by itself, and so
    is every image whose entry the ledger leaves open.
    """
    images: set[ImageId] = set()
    jobs: set[JobId] = set()
    for holding in known.holdings():
        record = holding.record
        image_id = _image_of(record, known, sight)
        if image_id is None:
            continue
        if is_open(record):
            images.add(image_id)
            if record.job_id is not None:
                jobs.add(record.job_id)
        elif differences(holding, sight.image(image_id), known):
            images.add(image_id)
    return images, jobs


def jobs_around(
    views: Iterable[ImageView], known: Known, named: Collection[ImageId]
) -> set[JobId]:
    """Return the jobs of entries to which images belong that no ledger names."""
    keys = {known.key_of(view) for view in views if view.image_id not in named}
    return {job for key in keys for job in known_jobs(known.of(key))}


def _image_of(record: EntryRecord, known: Known, sight: Sight) -> ImageId | None:
    """Return the entry's image; where the ledger lacks its id, the one found."""
    if not is_sought(record):
        return record.image_id
    found = choose(sight.of_entry(known.tag_of(record.key)), record.dead_images)
    return None if found is None else found.image.image_id


def late_finishers(known: Known, sight: Sight) -> tuple[LateFinisher, ...]:
    """Return the entries that the ledgers leave open and whose image has ended."""
    found = (late_finisher(holding, known, sight) for holding in known.holdings())
    return tuple(late for late in found if late is not None)


def compare(
    known: Known,
    sight: Sight,
    named: Collection[ImageId],
    late: tuple[LateFinisher, ...],
    judging: Judging,
) -> Findings:
    """Return everything that differs between what is known and what was seen.

    `named` are the listed images that any ledger names. Where the late finishers are
    written by now, the records say so.
    """
    duplicates = tuple(_duplicates(known, sight))
    shown = {*_stood_by(known, sight), *_live_twins(duplicates)}
    return Findings(
        orphans=tuple(_orphans(known, sight, named, judging)),
        leftovers=tuple(leftovers(known, sight, named, shown)),
        duplicates=duplicates,
        drift=tuple(_drift(known, sight)),
        late=late,
        untraced=tuple(_untraced(known, sight)),
        unseen=tuple(sorted(sight.unseen.items())),
        elsewhere=sight.elsewhere,
    )


def _orphans(
    known: Known, sight: Sight, named: Collection[ImageId], judging: Judging
) -> Iterator[Orphan]:
    seen = (sight.image(image_id) for image_id in sight.listed)
    for view in seen:
        if view is None or view.is_gone:
            continue
        key = known.key_of(view)
        if view.image_id not in named:
            kind = OrphanKind.UNNAMED
        elif key not in known.specs:
            kind = OrphanKind.REMOVED
        else:
            continue
        around = circumstances(view, known, sight, judging, is_named=kind.is_named)
        yield Orphan(view=view, kind=kind, key=key, obstacles=obstacles(view, around))


def circumstances(
    view: ImageView, known: Known, sight: Sight, judging: Judging, *, is_named: bool
) -> Circumstances:
    """Return what is known around an image, for judging whether it may be deleted.

    One that a ledger names stays anyhow, so the jobs of its entry are not asked for.
    """
    records = tuple(known.of(known.key_of(view)))
    jobs = [] if is_named else known_jobs(records)
    return Circumstances(
        manifest_name=known.manifest_name,
        has_ledger=bool(known.ledgers),
        has_entries=any(ledger.records for ledger in known.ledgers),
        is_covered=known.is_covered(view.tag(ENTRY_TAG)),
        is_named=is_named,
        records=records,
        jobs=tuple(sight.job(job) for job in jobs),
        unseen_jobs=sum(job not in sight.jobs for job in jobs),
        now=judging.now,
        age=judging.age,
    )


def _duplicates(known: Known, sight: Sight) -> Iterator[Duplicate]:
    for tag in sight.entry_tags:
        views = sight.of_entry(tag)
        key = known.key_of_tag(tag)
        records = known.of(key)
        dead = {image for record in records for image in record.dead_images}
        # One that a ledger calls dead counts again where it turns out to be alive.
        buried = [view.image_id for view in views if view.status not in _LIVE]
        finding = choose(views, dead.intersection(buried))
        if finding is None or not finding.others:
            continue
        ids = (record.image_id for record in records if record.image_id is not None)
        yield Duplicate(
            key=key,
            kept=finding.image,
            others=finding.others,
            in_ledger=next(ids, None),
        )


def _live_twins(duplicates: Iterable[Duplicate]) -> Iterator[ImageId]:
    for duplicate in duplicates:
        yield duplicate.kept.image_id
        yield from (view.image_id for view in duplicate.others)


def _stood_by(known: Known, sight: Sight) -> Iterator[ImageId]:
    """Yield the image of every record, also where it was only found by its tag."""
    for holding in known.holdings():
        image_id = _image_of(holding.record, known, sight)
        if image_id is not None:
            yield image_id


def _drift(known: Known, sight: Sight) -> Iterator[Drift]:
    unheld = _unheld(known)
    for holding in known.holdings():
        record = holding.record
        yield from renamed(holding, known, unheld)
        image_id = _image_of(record, known, sight)
        if image_id is None or image_id in sight.unseen:
            continue
        view = sight.image(image_id)
        if view is not None and is_sought(record):
            yield from other_spec(holding, view, known)
        yield from differences(holding, view, known)


def _unheld(known: Known) -> dict[str, EntryKey]:
    """Return the entries of which no ledger holds an image, by digest and by source.

    Of entries of a shard whose ledger was not given nobody can tell.
    """
    unheld: dict[str, EntryKey] = {}
    for key, spec in known.specs.items():
        records = known.of(key)
        if not records and not known.covers(key):
            continue
        if all(record.image_id is None for record in records):
            unheld |= {spec_digest(spec): key, spec.image_url: key}
    return unheld


def _untraced(known: Known, sight: Sight) -> Iterator[Untraced]:
    for holding in known.holdings():
        record = holding.record
        image_id = record.image_id
        if not is_open(record) or image_id in sight.unseen:
            continue
        view = None if image_id is None else sight.image(image_id)
        traces = [view, *sight.of_entry(known.tag_of(record.key))]
        if all(trace is None or trace.is_gone for trace in traces):
            yield Untraced(
                key=record.key,
                ledger=holding.ledger.path,
                was=record.state,
                image_id=image_id,
            )
