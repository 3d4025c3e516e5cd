"""What is known before anything is compared: entries, their ledgers, the cloud's view.

Decides: which entry an image belongs to, which ledger holds which record of it. Must not
know: how any of it was read, what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from batch_register.entry import EntryRecord
from batch_register.model import (
    ENTRY_TAG,
    MANIFEST_TAG,
    EntryKey,
    ImageId,
    ImageSpec,
    ImageView,
    JobId,
    JobView,
    Manifest,
    entry_digest,
)
from batch_register.shard import Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """One ledger as it was read; the first one given is the one that is written to."""

    path: str
    records: Mapping[EntryKey, EntryRecord]
    torn: bytes = b""  # what stood behind its last whole line, cut off by now
    shard: Shard | None = None  # None: of the whole manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One ledger's record of one entry."""

    record: EntryRecord
    ledger: LedgerView
    is_first: bool  # of the ledger that is written to


class Known:
    """The manifest's entries and what all given ledgers tell of them."""

    def __init__(self, manifest: Manifest, ledgers: tuple[LedgerView, ...]) -> None:
        self.manifest_name = manifest.name
        self.ledgers = ledgers
        self.specs: dict[EntryKey, ImageSpec] = {
            spec.key: spec for spec in manifest.images
        }
        keys = {*self.specs, *(key for ledger in ledgers for key in ledger.records)}
        self._keys = {entry_digest(manifest.name, key): key for key in keys}
        self._shards = {led.shard for led in ledgers if led.shard is not None}

    def is_covered(self, entry_tag: str | None) -> bool:
        """Return whether the ledger of every run that may know the entry was given.

        Once any ledger is of a shard, ledgers of the other shards exist. A manifest may
        have been split more than once: then an entry is in one shard of each split.
        `entry_tag` is the value of its `br-entry`; an image without one is of no shard.
        """
        splits = {shard.count for shard in self._shards}
        holding = {
            each.count for each in self._shards if each.holds_tag(entry_tag or "")
        }
        return not entry_tag or splits == holding

    def covers(self, key: EntryKey) -> bool:
        """Return whether an entry is in a shard of which a ledger was given."""
        return self._is_told_of(self.tag_of(key))

    def _is_told_of(self, entry_tag: str) -> bool:
        shards = self._shards
        return not shards or any(shard.holds_tag(entry_tag) for shard in shards)

    def told_of(self, sight: Sight) -> Sight:
        """Return the sight without images that only ledgers not given can tell of."""
        told = {
            image_id: view
            for image_id, view in sight.listed.items()
            if not (tag := view.tag(ENTRY_TAG))
            or self._is_told_of(tag)
            or self.of(self.key_of_tag(tag))
        }
        return Sight(listed=told, elsewhere=len(sight.listed) - len(told))

    def key_of(self, view: ImageView) -> EntryKey | None:
        """Return the entry whose tag the image carries, if anything given names it."""
        return self.key_of_tag(view.tag(ENTRY_TAG) or "")

    def key_of_tag(self, entry_tag: str) -> EntryKey | None:
        """Return the entry that a value of `br-entry` stands for."""
        return self._keys.get(entry_tag)

    def tag_of(self, key: EntryKey) -> str:
        """Return the value of the entry's `br-entry`."""
        return entry_digest(self.manifest_name, key)

    def holdings(self) -> Iterator[Holding]:
        """Yield every record of every ledger."""
        for place, ledger in enumerate(self.ledgers):
            for record in ledger.records.values():
                yield Holding(record=record, ledger=ledger, is_first=place == 0)

    def of(self, key: EntryKey | None) -> list[EntryRecord]:
        """Return what each ledger has on one entry."""
        if key is None:
            return []
        return [led.records[key] for led in self.ledgers if key in led.records]


@dataclass(slots=True, kw_only=True)
class Sight:
    """What the cloud showed: the manifest's images as listed, and single looks.

    `looked` and `jobs` hold None for what the service does not know; `unseen` says why
    an image or a job could not be looked at.
    """

    listed: Mapping[ImageId, ImageView]
    elsewhere: int = 0  # images that were left out, since they are other shards'
    looked: dict[ImageId, ImageView | None] = field(default_factory=dict)
    jobs: dict[JobId, JobView | None] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    _by_entry: dict[str, list[ImageId]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for view in self.listed.values():
            tag = view.tag(ENTRY_TAG)
            if tag:
                self._by_entry.setdefault(tag, []).append(view.image_id)

    def image(self, image_id: ImageId) -> ImageView | None:
        """Return the image as the service itself showed it, else as it was listed."""
        if image_id in self.looked:
            return self.looked[image_id]
        return self.listed.get(image_id)

    def job(self, job_id: JobId | None) -> JobView | None:
        """Return the job, None where it is not known to us or to the service."""
        return None if job_id is None else self.jobs.get(job_id)

    def of_entry(self, entry_tag: str) -> list[ImageView]:
        """Return the images listed with the entry's tag, each as it was seen last."""
        images = self._by_entry.get(entry_tag, ())
        seen = (self.image(image_id) for image_id in images)
        return [view for view in seen if view is not None]

    @property
    def entry_tags(self) -> list[str]:
        """Return the values of `br-entry` that the list shows, in its order."""
        return list(self._by_entry)


def of_manifest(view: ImageView, manifest_name: str) -> bool:
    """Return whether the image carries the tag of this manifest."""
    return view.tag(MANIFEST_TAG) == manifest_name
