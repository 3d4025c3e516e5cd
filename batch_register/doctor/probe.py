"""The one write of a check-up: a tagged shell, made, looked for, and deleted again.

Decides: how long it is looked for, what its tags tell of the cloud, when its deletion
counts as confirmed. Must not know: words, flags, HTTP.

Whatever ends a probe, its record says what may be left behind: "unclear" stands there
before the create goes out, "left" from its answer on, and "deleted" once that is seen.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from batch_register.doctor.findings import TagFilter
from batch_register.doctor.record import NOBODY, PROBE, ProbeEnd, ProbeRecord
from batch_register.errors import ServiceError, StoppedError
from batch_register.model import (
    ENTRY_TAG,
    Applied,
    EntryKey,
    Fault,
    FaultKind,
    ImageId,
    ImageQuery,
    ImageSpec,
    ImageView,
    entry_digest,
    identity_tags,
)
from batch_register.pacing import SettleTime
from batch_register.ports import ImageService
from batch_register.stopping import Stop

# The service's own default ("Creating Image Metadata"), so every cloud knows it.
OS_VERSION = "Other Linux(64 bit)"
# A lost create is looked for so long even where the command was told to stop.
_LAST_LOOK_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePatience:
    """How long things may take, in seconds."""

    shown_s: float  # until a list shows the shell
    tagged_s: float  # from then until a list by tag does
    gone_s: float  # until its deletion is confirmed
    step_s: float  # between two looks


# Lists that lag longer than so many settle times are not waited for.
_SETTLES_SHOWN = 4
_LONGEST_GONE_S = 20.0  # within the grace that a signal leaves
_STEPS_PER_SETTLE = 30
_STEP_RANGE_S = (0.05, 1.0)


def patience_for(settle_s: float) -> ProbePatience:
    """Return how patient a probe is where lists may lag for so long."""
    shortest_s, longest_s = _STEP_RANGE_S
    return ProbePatience(
        shown_s=_SETTLES_SHOWN * settle_s,
        tagged_s=settle_s,
        gone_s=min(settle_s, _LONGEST_GONE_S),
        step_s=min(max(settle_s / _STEPS_PER_SETTLE, shortest_s), longest_s),
    )


def probe_spec(name: str, min_disk_gb: int) -> ImageSpec:
    """Return the least that a shell may be made of; its file is never registered."""
    return ImageSpec(
        key=EntryKey(name),
        name=name,
        image_url="",
        os_version=OS_VERSION,
        min_disk_gb=min_disk_gb,
    )


@dataclass(slots=True, kw_only=True)
class Probe:
    """One probe on one cloud."""

    service: ImageService
    spec: ImageSpec
    patience: ProbePatience
    stop: Stop
    record: ProbeRecord = field(init=False)
    _is_seen: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.record = ProbeRecord(name=self.spec.name)

    async def take(self) -> None:
        """Make the shell, measure, and delete it; `record` tells how it went.

        Once there is a shell, a stop only cuts the measuring short.
        """
        image_id = await self._made()
        if image_id is None:
            return
        self.record.image_id, self.record.end = image_id, ProbeEnd.LEFT
        began_s = _now_s()
        try:
            await self._measure(image_id, began_s)
        except StoppedError:
            self.record.is_cut_short = True
        self.record.looked_s = _now_s() - began_s
        await self._remove(image_id)

    # ------------------------------------------------------------ making

    async def _made(self) -> ImageId | None:
        if self.stop.is_requested:
            return None
        record, tags = self.record, identity_tags(PROBE, self.spec)
        record.end = ProbeEnd.UNCLEAR
        try:
            view = await self.service.create_image(self.spec, tags)
        except ServiceError as error:
            record.create_fault = error.fault
            if error.applied is Applied.NO:
                record.end = ProbeEnd.NOTHING_MADE
                return None
            record.is_lost = True
            return await self._lost()
        if view.tags:
            record.are_tags_kept = view.tag(ENTRY_TAG) == self._tag
        return view.image_id

    async def _lost(self) -> ImageId | None:
        """Return the id of a shell whose create was not answered; never make another."""
        began_s = _now_s()
        while True:
            for query in (self._by_tag, ImageQuery()):
                mine = [each for each in await self._list(query) if self._is_mine(each)]
                if mine:
                    self._is_seen = True
                    return mine[0].image_id
            patience_s = self.patience.shown_s
            if self.stop.is_requested:
                patience_s = min(patience_s, _LAST_LOOK_S)
            if _now_s() - began_s >= patience_s:
                return None
            await asyncio.sleep(self.patience.step_s)

    def _is_mine(self, view: ImageView) -> bool:
        """Return whether it is the shell: by its tag, or its name, which is unique."""
        return not view.is_gone and (
            view.tag(ENTRY_TAG) == self._tag or view.name == self.spec.name
        )

    @property
    def _tag(self) -> str:
        return entry_digest(PROBE, self.spec.key)

    @property
    def _by_tag(self) -> ImageQuery:
        return ImageQuery(tag=(ENTRY_TAG, self._tag))

    # ------------------------------------------------------------ measuring

    async def _measure(self, image_id: ImageId, made_s: float) -> None:
        """Look until lists show the shell by its tag, or have had the time for it."""
        tagged, plain = self._lags(image_id, made_s), self._lags(image_id, made_s)
        shown_s: float | None = None  # since when a whole list has shown it
        while True:
            if await self._is_shown(self._by_tag, image_id, tagged):
                self.record.list_lag_s = tagged.measured_lag_s
                self.record.tag_filter = await self._filter(image_id)
                return
            if await self._is_shown(ImageQuery(), image_id, plain):
                shown_s = _now_s() if shown_s is None else shown_s
                self.record.list_lag_s = plain.measured_lag_s
            if shown_s is not None and _now_s() - shown_s >= self.patience.tagged_s:
                self.record.tag_filter = TagFilter.FINDS_NOTHING
                return
            if _now_s() - made_s >= self.patience.shown_s:
                return
            await self.stop.pause(self.patience.step_s)

    def _lags(self, image_id: ImageId, made_s: float) -> SettleTime:
        settle = SettleTime(least_s=0.0, list_every_s=self.patience.step_s)
        settle.note_made(image_id, made_s)
        return settle

    async def _is_shown(
        self, query: ImageQuery, image_id: ImageId, lags: SettleTime
    ) -> bool:
        asked_s = _now_s()
        try:
            views = await self.service.list_images(query)
        except ServiceError:
            return False
        ids = {view.image_id for view in views}
        lags.note_listed(ids, asked_s)
        self._is_seen = self._is_seen or image_id in ids
        return image_id in ids

    async def _filter(self, image_id: ImageId) -> TagFilter:
        """Return what the filter is worth: a tag that nobody has must show nothing."""
        shown = await self._list(ImageQuery(tag=(ENTRY_TAG, NOBODY)))
        is_blind = any(view.image_id == image_id for view in shown)
        return TagFilter.IGNORED if is_blind else TagFilter.HONOURED

    async def _list(self, query: ImageQuery) -> list[ImageView]:
        try:
            return await self.service.list_images(query)
        except ServiceError:
            return []

    # ------------------------------------------------------------ deleting

    async def _remove(self, image_id: ImageId) -> None:
        """Delete the shell, and see it gone; a second delete of it does no harm.

        Services agree to delete what they do not know (yet): so the shell must have
        been seen before, or the whole time must pass without it.
        """
        ends_s = _now_s() + self.patience.gone_s
        is_agreed = False
        await self._shows(image_id)
        while True:
            if not is_agreed:
                fault = await self._delete(image_id)
                self.record.delete_fault, is_agreed = fault, fault is None
                if fault is not None and not _may_pass(fault):
                    return
            was_seen, is_over = self._is_seen, _now_s() >= ends_s
            is_there = await self._shows(image_id)
            if is_agreed and is_there is False and (self._is_seen or is_over):
                self.record.end = ProbeEnd.DELETED
                return
            if is_over:
                return
            is_agreed = is_agreed and was_seen is self._is_seen
            await asyncio.sleep(self.patience.step_s)

    async def _delete(self, image_id: ImageId) -> Fault | None:
        try:
            await self.service.delete_image(image_id)
        except ServiceError as error:
            return error.fault
        return None

    async def _shows(self, image_id: ImageId) -> bool | None:
        """Return whether the service shows the shell; None where it does not tell."""
        try:
            view = await self.service.get_image(image_id)
        except ServiceError:
            return None
        if view is None:
            return False
        self._is_seen = True
        return not view.is_gone


def _may_pass(fault: Fault) -> bool:
    """Return whether a delete is worth another try; refused credentials are not."""
    if fault.kind is FaultKind.UNAUTHENTICATED:
        return False
    return fault.is_passing or fault.kind is FaultKind.CONFLICT


def _now_s() -> float:
    return asyncio.get_running_loop().time()
