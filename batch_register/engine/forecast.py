"""What a run does now with each entry, given what the cloud shows.

Decides: what is adopted, what is in conflict, who makes an image and who has to wait for
room. Must not know: how anything is done, clocks, how the cloud was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace

from batch_register.engine.batch import Batch, Work
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
from batch_register.entry import EntryRecord
from batch_register.event import ImageAdopted
from batch_register.model import (
    SPEC_TAG,
    EntryKey,
    Fault,
    ImageSpec,
    ImageView,
    SpecDigest,
    entry_digest,
)
from batch_register.plan import (
    Decision,
    Intention,
    blocked,
    makes_image,
    over_quota,
)
from batch_register.turns import in_turns

# Why an entry's source is not fit, if it is not.
Unfit = Callable[[ImageSpec, EntryRecord], Fault | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run does now: a decision for each item of the work, in its order."""

    decisions: list[Decision]
    makers: Set[EntryKey]  # who makes an image, or may
    waiting: frozenset[EntryKey]  # who has to wait for room in the quota


async def foresee(
    batch: Batch,
    work: Work,
    found: Mapping[str, list[ImageView]],
    quota_room: int | None,
    unfit: Unfit = lambda _spec, _record: None,
) -> Forecast:
    """Return what a run does now, given what the cloud shows.

    `found` holds the manifest's images by `br-entry`; `quota_room` is how many images
    still fit, None where nobody knows; `unfit` says why a source is not.
    """
    view = _View(
        batch=batch,
        found=found,
        renames=batch.renames(),
        namesakes=batch.namesakes(),
        ownerless=await _ownerless(batch, found) if found else {},
        unfit=unfit,
    )
    decisions: list[Decision] = []
    makers: list[Decision] = []
    async for items in in_turns(work):
        for spec, planned in items:
            finding = None if spec is None else view.finding(spec)
            decision = (
                planned if spec is None else view.decision(spec, planned, finding)
            )
            stage = batch.records[decision.key].certain_stage
            if finding is None and makes_image(decision, stage):
                makers.append(decision)
            decisions.append(decision)
    waiting = over_quota(makers, quota_room)
    making: set[EntryKey] = set()
    async for some in in_turns(makers):
        making.update(one.key for one in some if one.key not in waiting)
    if waiting:
        decisions = [_deferred(one) if one.key in waiting else one for one in decisions]
    return Forecast(decisions=decisions, makers=making, waiting=waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What is known of all entries together, and what it makes of each decision."""

    batch: Batch
    found: Mapping[str, list[ImageView]]
    renames: Mapping[EntryKey, EntryRecord]
    namesakes: Mapping[EntryKey, EntryRecord]
    ownerless: Mapping[SpecDigest, ImageView]
    unfit: Unfit

    def finding(self, spec: ImageSpec) -> Finding | None:
        """Return what the cloud shows of an entry."""
        if not self.found:
            return None
        views = self.found.get(entry_digest(self.batch.manifest.name, spec.key), ())
        return choose(views, self.batch.records[spec.key].dead_images)

    def decision(
        self, spec: ImageSpec, planned: Decision, finding: Finding | None
    ) -> Decision:
        """Return what is done with an entry, given what the others are."""
        decision = planned
        if finding and decision.intention is Intention.START:
            decision = self._adopted(spec, finding)
        if decision.intention in _MAKING:
            decision = _in_conflict(decision, self._hindrance(spec.key))
        record = self.batch.records[spec.key]
        is_made = finding is not None and finding.image.image_id != record.image_id
        if not (is_made and decision.intention is Intention.RETRY):
            fault = self.unfit(spec, record)
            decision = blocked(decision, record.certain_stage, fault)
        if decision.intention is Intention.START and spec.key in self.namesakes:
            decision = _noting(decision, self.namesakes[spec.key])
        return decision

    def _adopted(self, spec: ImageSpec, finding: Finding) -> Decision:
        record = self.batch.records[spec.key]
        image = finding.image
        is_ours = isinstance(adoption(finding, record, spec)[-1], ImageAdopted)
        intention = Intention.ADOPT if is_ours else Intention.CONFLICT
        made = "" if is_ours else ", made from another spec"
        reason = f"image {image.image_id} ({image.status}) is there already{made}"
        return Decision(key=spec.key, intention=intention, reason=reason)

    def _hindrance(self, key: EntryKey) -> Fault | None:
        """Return why an entry is not made: its image is there under another key."""
        old = self.renames.get(key)
        fault = None if old is None else self._renamed(old)
        if fault is None and self.ownerless:
            declared = self.batch.records[key].declared_spec or SpecDigest("")
            view = self.ownerless.get(declared)
            fault = None if view is None else made_under_other_key(view)
        return fault

    def _renamed(self, old: EntryRecord) -> Fault | None:
        """Return that an entry is not made while the image of its former key is there."""
        views = self.found.get(entry_digest(self.batch.manifest.name, old.key), ())
        is_there = any(is_in_the_way(view, old) for view in views)
        return renamed_from(old) if is_there or old.image_id is None else None


_MAKING = (Intention.START, Intention.RETRY)


async def _ownerless(
    batch: Batch, found: Mapping[str, list[ImageView]]
) -> dict[SpecDigest, ImageView]:
    """Return the live images that no entry stands by, by the spec they were made from."""
    name = batch.manifest.name
    by_entry: dict[str, EntryRecord] = {}
    async for records in in_turns(list(batch.records.values())):
        by_entry.update((entry_digest(name, one.key), one) for one in records)
    ownerless: dict[SpecDigest, ImageView] = {}
    async for items in in_turns(found.items()):
        for entry, views in items:
            if entry in batch.manifest.elsewhere:
                continue
            record = by_entry.get(entry)
            ownerless.update(
                (SpecDigest(view.tag(SPEC_TAG) or ""), view)
                for view in views
                if view.status in LIVE and is_ownerless(view, record)
            )
    return ownerless


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
