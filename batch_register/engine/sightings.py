"""What lists have shown of this manifest's images beside those that this run made.

Decides: which of several images of one entry goes first, whether another run seems to
be at work, which twins are still to be reported. Must not know: requests, clocks (times
are arguments, seconds of one clock), the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from batch_register.engine.findings import LIVE, is_alive, is_ownerless, precedence
from batch_register.entry import EntryRecord
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    SPEC_TAG,
    EntryKey,
    FaultKind,
    ImageId,
    ImageStatus,
    ImageView,
    SpecDigest,
    entry_digest,
)
from batch_register.pacing import SettleTime
from batch_register.stage import Active, Creating, Failed, Registered, Registering

_WITH_FILE = (ImageStatus.SAVING, ImageStatus.ACTIVE)
_UNFINISHED = (ImageStatus.QUEUED, ImageStatus.SAVING, ImageStatus.UNRECOGNISED)


@dataclass(slots=True, kw_only=True)
class Sightings:
    """Strangers: images with an entry's tag that its record does not call its own.

    A run that has made an image of its own meanwhile shows by such a stranger. As the
    service has no compare-and-set, two runs with ledgers of their own agree by looking:
    the image that is furthest along goes first, then the oldest, then by id.
    """

    manifest_name: str
    records: Mapping[EntryKey, EntryRecord]  # the batch's own, kept current by it
    elsewhere: Collection[str] = frozenset()  # `br-entry` of entries in other shards
    settle: SettleTime
    patience_s: float  # how long another run's import may give no sign of life
    _keys: dict[str, EntryKey] = field(default_factory=dict)  # by br-entry
    _strangers: dict[EntryKey, dict[ImageId, ImageView]] = field(default_factory=dict)
    _foreign: set[ImageId] = field(default_factory=set)  # surely not made by this run
    _lately: set[EntryKey] = field(default_factory=set)
    _gone: set[ImageId] = field(default_factory=set)  # whatever lists go on to show
    _ownerless: dict[SpecDigest, ImageView] = field(default_factory=dict)
    _unfinished: set[ImageId] = field(default_factory=set)  # of those
    _began_s: float = float("inf")  # when the first list came in
    _last_life_s: float | None = None
    _is_proven: bool = False  # that another run lives

    def note_listed(self, views: Iterable[ImageView], now_s: float) -> None:
        """Take note of what a list has just shown."""
        self._began_s = min(self._began_s, now_s)
        for view in views:
            if not self._is_ours(view) or view.image_id in self._gone:
                continue
            record = self._record_of(view)
            if is_ownerless(view, record):
                self._note_ownerless(view)
            if record is not None and self._is_strange(view, record):
                self._note(view, record, now_s)

    def forget(self, key: EntryKey) -> None:
        """Forget an entry's strangers: a newer look has found that there is none."""
        for image_id in self._strangers.pop(key, {}):
            self._unfinished.discard(image_id)

    def disregard(self, image_id: ImageId) -> None:
        """Take no more notice of an image: the service itself says that it is no more."""
        self._gone.add(image_id)
        self._unfinished.discard(image_id)

    def of(self, key: EntryKey) -> list[ImageView]:
        """Return the live images that could be taken over for an entry of ours."""
        record = self.records[key]
        strangers = self._strangers.get(key, {}).values()
        return [
            view
            for view in strangers
            if view.image_id != record.image_id
            and view.image_id not in self._gone
            and is_alive(view, record.dead_images)
        ]

    def ownerless(self, spec: SpecDigest) -> ImageView | None:
        """Return a live image of that spec whose entry nobody here knows."""
        return self._ownerless.get(spec)

    def ahead(self, key: EntryKey) -> ImageView | None:
        """Return the stranger that goes before an entry's image without a file."""
        own = precedence(_shell(self.records[key]))
        return next((each for each in self.of(key) if precedence(each) < own), None)

    def filed(self, key: EntryKey) -> ImageView | None:
        """Return an entry's own image where another run has given it its file."""
        own = self.records[key].image_id
        seen = None if own is None else self._strangers.get(key, {}).get(own)
        return seen if seen is not None and seen.status in _WITH_FILE else None

    def learn_keys(self, keys: Iterable[EntryKey]) -> None:
        """Learn by which tag these entries' images are known."""
        for key in keys:
            self._keys[entry_digest(self.manifest_name, key)] = key

    def seen_lately(self) -> list[EntryKey]:
        """Return the entries whose strangers lists have shown since the last time."""
        lately, self._lately = list(self._lately), set()
        return lately

    def unreported(
        self, keys: Iterable[EntryKey] | None = None, *, is_over: bool = False
    ) -> Iterator[tuple[EntryRecord, ImageView]]:
        """Yield the twins that no ledger line tells of yet, of these entries or of all.

        An image that goes before our own shell is none, as it will be taken over: not
        by this run, though, once it `is_over`.
        """
        for key in list(self._strangers) if keys is None else keys:
            record = self.records[key]
            if record.image_id is None:
                continue
            for view in self.of(key):
                is_twin = is_over or not _goes_first(view, record)
                if is_twin and view.image_id not in record.duplicates:
                    yield record, view

    @property
    def claim_s(self) -> float:
        """Return how long after a create both runs are sure to see both shells.

        One settle time until the other run's lists show our shell, another one until
        ours show what it made before that.
        """
        return 2 * self.settle.seconds

    def is_contended(self, now_s: float) -> bool:
        """Return whether another run seems to be at work on this manifest.

        What the first lists show may be left over from a run that is gone: that counts
        while it is unfinished, and for a while after, when a run that lives would go on.
        What begins later was begun by somebody: that counts until the end.
        """
        if self._is_proven:
            return True
        if self._last_life_s is None:
            return False
        silent_s = now_s - self._last_life_s
        if silent_s <= self.claim_s:
            return True
        return bool(self._unfinished) and silent_s <= self.patience_s

    def _is_ours(self, view: ImageView) -> bool:
        """Return whether an image is of this manifest, and of no other shard's entry."""
        is_of_manifest = view.tag(MANIFEST_TAG) == self.manifest_name
        return is_of_manifest and view.tag(ENTRY_TAG) not in self.elsewhere

    def _record_of(self, view: ImageView) -> EntryRecord | None:
        entry = view.tag(ENTRY_TAG)
        if entry is None:
            return None
        if not self._keys:
            self.learn_keys(self.records)
        key = self._keys.get(entry)
        return None if key is None else self.records[key]

    def _note_ownerless(self, view: ImageView) -> None:
        spec = SpecDigest(view.tag(SPEC_TAG) or "")
        if view.status in LIVE:
            self._ownerless[spec] = view
        else:
            self._ownerless.pop(spec, None)

    def _is_strange(self, view: ImageView, record: EntryRecord) -> bool:
        """Return whether the record does not call this image its own.

        One that it calls dead is strange once it is active. Another run's image stays
        strange when it is taken over: that run may still be at it.
        """
        if view.image_id in self._foreign:
            return True
        if view.image_id in record.dead_images:
            return is_alive(view, record.dead_images)
        return view.image_id != record.image_id

    def _note(self, view: ImageView, record: EntryRecord, now_s: float) -> None:
        known = self._strangers.setdefault(record.key, {})
        before = known.get(view.image_id)
        known[view.image_id] = view
        self._lately.add(record.key)
        if isinstance(record.certain_stage, Creating):
            return  # it may be what our own open create has made
        if view.status not in LIVE or _is_known_conflict(record):
            self._unfinished.discard(view.image_id)
            return  # nobody works on it
        is_new = view.image_id not in self._foreign
        self._foreign.add(view.image_id)
        is_unfinished = view.status in _UNFINISHED
        has_changed = is_unfinished is not (view.image_id in self._unfinished)
        if is_unfinished:
            self._unfinished.add(view.image_id)
        else:
            self._unfinished.discard(view.image_id)
        is_known = view.image_id in record.duplicates and not _goes_first(view, record)
        if (is_new or has_changed) and not is_known:
            self._last_life_s = now_s
        took_file = before is not None and _took_file(before, view)
        is_ours = view.image_id == record.image_id and _may_have_registered(record)
        has_begun = is_new or (took_file and not is_ours)
        if has_begun and is_unfinished and self._is_late(now_s):
            self._is_proven = True

    def _is_late(self, now_s: float) -> bool:
        """Return whether what comes into sight now cannot have been there before."""
        return now_s > self._began_s + self.settle.seconds


def _is_known_conflict(record: EntryRecord) -> bool:
    """Return whether it is on record that another spec's image is in the way."""
    fault = record.fault
    is_failed = isinstance(record.stage, Failed)
    return is_failed and fault is not None and fault.kind is FaultKind.SPEC_CONFLICT


def _may_have_registered(record: EntryRecord) -> bool:
    """Return whether an image may have its file from this ledger's own register."""
    stage = record.certain_stage
    is_under_way = isinstance(stage, Registering)
    return is_under_way or (isinstance(stage, Registered) and stage.job_id is not None)


def _goes_first(view: ImageView, record: EntryRecord) -> bool:
    """Return whether an image goes before an entry's own, which has no file yet."""
    has_file = isinstance(record.certain_stage, Registered | Active)
    has_shell = record.image_id is not None and not has_file
    return has_shell and precedence(view) < precedence(_shell(record))


def _took_file(before: ImageView, after: ImageView) -> bool:
    is_queued = before.status is ImageStatus.QUEUED
    return is_queued and after.status is ImageStatus.SAVING


def _shell(record: EntryRecord) -> ImageView:
    """Return an entry's own image as others see it before it has a file."""
    return ImageView(
        image_id=record.image_id or ImageId(""),
        name=record.name,
        status=ImageStatus.QUEUED,
        created_at=record.image_created_at,
    )
