"""A manifest beside what the ledger knows of it.

Decides: which entries are new, changed or gone, and what is to be done with each. Must
not know: how anything is done, clocks, the cloud.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from batch_register.engine.findings import (
    LIVE,
    Finding,
    adoption,
    choose,
    is_in_the_way,
    is_ownerless,
    made_under_other_key,
    renamed_from,
)
from batch_register.entry import EntryRecord, EntryState
from batch_register.event import ImageAdopted
from batch_register.model import (
    SPEC_TAG,
    EntryKey,
    Fault,
    ImageSpec,
    ImageView,
    Manifest,
    SpecDigest,
    entry_digest,
    spec_digest,
)
from batch_register.ordering import admission_order
from batch_register.plan import (
    Decision,
    Intention,
    RetryPolicy,
    decide,
    makes_image,
    over_quota,
)
from batch_register.stage import Creating, Planned

Work = list[tuple[ImageSpec | None, Decision]]


@dataclass(slots=True, kw_only=True)
class Batch:
    """The entries of one manifest; `records` belongs to the batch and is kept current."""

    manifest: Manifest
    records: dict[EntryKey, EntryRecord]
    is_selected: Callable[[EntryKey], bool]
    is_new_ledger: bool
    run_starts: Sequence[str] = ()  # stamps of the ledger's earlier runs, in order

    def wanted(self) -> list[ImageSpec]:
        """Return the selected entries in file order."""
        return [spec for spec in self.manifest.images if self.is_selected(spec.key)]

    def changes(self) -> tuple[list[ImageSpec], list[EntryKey]]:
        """Return the entries that are new or changed, and those that are gone."""
        named = {spec.key for spec in self.manifest.images}
        changed = [spec for spec in self.manifest.images if self._differs(spec)]
        removed = [
            record.key
            for record in self.records.values()
            if record.key not in named and not record.is_removed
        ]
        return changed, removed

    def declare(
        self, changed: Collection[ImageSpec], removed: Collection[EntryKey]
    ) -> None:
        """Take such changes over into the records."""
        for spec in changed:
            record = self.records.setdefault(spec.key, EntryRecord(key=spec.key))
            record.declare(spec.name, spec.image_url, spec_digest(spec), spec.labels)
        for key in removed:
            self.records[key].is_removed = True

    def work(self, policy: RetryPolicy) -> Work:
        """Return what to do: the wanted entries as they are admitted, then the others."""
        specs = admission_order(self.wanted(), self.records, self.run_starts)
        work: Work = [
            (spec, decide(self.records[spec.key], is_wanted=True, policy=policy))
            for spec in specs
        ]
        wanted = {spec.key for spec in specs}
        work += [
            (None, decide(record, is_wanted=False, policy=policy))
            for record in self.records.values()
            if record.key not in wanted
        ]
        return work

    def renames(self) -> dict[EntryKey, EntryRecord]:
        """Return the wanted entries that seem to be gone ones under another key.

        Name and source are those of an entry that the manifest no longer names, and of
        which there may be an image: another one with both would be the same twice.
        """
        gone = {
            (record.name, record.image_url): record
            for record in self.records.values()
            if record.is_removed and _may_have_image(record)
        }
        wanted = self.wanted() if gone else []
        pairs = ((spec.key, gone.get((spec.name, spec.image_url))) for spec in wanted)
        return {
            key: record
            for key, record in pairs
            if record is not None and self.records[key].image_id is None
        }

    def namesakes(self) -> dict[EntryKey, EntryRecord]:
        """Return wanted entries that were not begun and whose file has an image already.

        That image was made for an entry that the manifest no longer names: a renamed
        one, or one that is meant to be made again under another name. Nobody can tell.
        """
        gone = {
            record.image_url: record
            for record in self.records.values()
            if record.is_removed and record.image_id is not None
        }
        wanted = self.wanted() if gone else []
        pairs = ((spec.key, gone.get(spec.image_url)) for spec in wanted)
        return {
            key: record
            for key, record in pairs
            if record is not None and isinstance(self.records[key].stage, Planned)
        }

    def active(self) -> int:
        """Return how many of the wanted entries are active."""
        states = (self.records[spec.key].state for spec in self.wanted())
        return sum(state is EntryState.ACTIVE for state in states)

    def _differs(self, spec: ImageSpec) -> bool:
        record = self.records.get(spec.key)
        if record is None or record.is_removed:
            return True
        return (record.declared_spec, record.labels, record.name) != (
            spec_digest(spec),
            spec.labels,
            spec.name,
        )


def _may_have_image(record: EntryRecord) -> bool:
    is_open = isinstance(record.certain_stage, Creating)
    return is_open or record.image_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run does now: a decision for each item of the work, in its order."""

    decisions: list[Decision]
    makers: frozenset[EntryKey]  # who makes an image, or may
    waiting: frozenset[EntryKey]  # who has to wait for room in the quota


def foresee(
    batch: Batch,
    work: Work,
    found: Mapping[str, list[ImageView]],
    quota_room: int | None,
) -> Forecast:
    """Return what a run does now, given what the cloud shows.

    `found` holds the manifest's images by `br-entry`; `quota_room` is how many images
    still fit, None where nobody knows.
    """
    renames, namesakes = batch.renames(), batch.namesakes()
    ownerless = _ownerless(batch, found)
    decisions: list[Decision] = []
    makers: list[Decision] = []
    for spec, planned in work:
        finding = None if spec is None else _finding(batch, spec, found)
        decision = planned
        if spec is not None and finding and decision.intention is Intention.START:
            decision = _adopted(batch, spec, finding)
        if spec is not None and decision.intention in _MAKING:
            fault = _renamed(batch, renames.get(spec.key), found)
            view = ownerless.get(spec_digest(spec))
            if fault is None and view is not None:
                fault = made_under_other_key(view)
            decision = _in_conflict(decision, fault)
        if decision.intention is Intention.START and decision.key in namesakes:
            decision = _noting(decision, namesakes[decision.key])
        stage = batch.records[decision.key].certain_stage
        if finding is None and makes_image(decision, stage):
            makers.append(decision)
        decisions.append(decision)
    waiting = over_quota(makers, quota_room)
    return Forecast(
        decisions=[_deferred(one) if one.key in waiting else one for one in decisions],
        makers=frozenset(one.key for one in makers) - waiting,
        waiting=waiting,
    )


def _finding(
    batch: Batch, spec: ImageSpec, found: Mapping[str, list[ImageView]]
) -> Finding | None:
    if not found:
        return None
    views = found.get(entry_digest(batch.manifest.name, spec.key), ())
    return choose(views, batch.records[spec.key].dead_images)


def _adopted(batch: Batch, spec: ImageSpec, finding: Finding) -> Decision:
    record = batch.records[spec.key]
    image = finding.image
    is_ours = isinstance(adoption(finding, record, spec)[-1], ImageAdopted)
    intention = Intention.ADOPT if is_ours else Intention.CONFLICT
    made = "" if is_ours else ", made from another spec"
    reason = f"image {image.image_id} ({image.status}) is there already{made}"
    return Decision(key=spec.key, intention=intention, reason=reason)


_MAKING = (Intention.START, Intention.RETRY)


def _renamed(
    batch: Batch, old: EntryRecord | None, found: Mapping[str, list[ImageView]]
) -> Fault | None:
    """Return that an entry is not made while the image of its former key is there."""
    if old is None:
        return None
    views = found.get(entry_digest(batch.manifest.name, old.key), ())
    is_there = any(is_in_the_way(view, old) for view in views)
    return renamed_from(old) if is_there or old.image_id is None else None


def _ownerless(
    batch: Batch, found: Mapping[str, list[ImageView]]
) -> dict[SpecDigest, ImageView]:
    """Return the live images that no entry stands by, by the spec they were made from."""
    name = batch.manifest.name
    by_entry = {entry_digest(name, key): one for key, one in batch.records.items()}
    return {
        SpecDigest(view.tag(SPEC_TAG) or ""): view
        for entry, views in found.items()
        for view in views
        if view.status in LIVE and is_ownerless(view, by_entry.get(entry))
    }


def _noting(decision: Decision, old: EntryRecord) -> Decision:
    """Say that the same file has an image already, under another name."""
    reason = (
        f"{decision.reason}; the same file was registered for {old.key!r} "
        f"({old.name!r}, image {old.image_id}), which the manifest no longer names"
    )
    return replace(decision, reason=reason)


def _in_conflict(decision: Decision, fault: Fault | None) -> Decision:
    if fault is None:
        return decision
    return Decision(key=decision.key, intention=Intention.CONFLICT, reason=fault.reason)


def _deferred(decision: Decision) -> Decision:
    reason = "the image quota has no room for it"
    return Decision(key=decision.key, intention=Intention.DEFER, reason=reason)
