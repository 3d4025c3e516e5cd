"""The words and values of a comparison: what can be found, and where.

Decides: which facts each finding holds. Must not know: how findings are made or shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from batch_register.entry import EntryState
from batch_register.event import Event
from batch_register.model import EntryKey, ImageId, ImageView
from batch_register.reconcile.removal import Obstacle
from batch_register.source import OpenUpload


class OrphanKind(StrEnum):
    """Why nobody looks after an image that carries this manifest's tag."""

    UNNAMED = "unnamed"  # no given ledger names it
    REMOVED = "removed"  # a ledger names it, but the manifest no longer has its entry

    @property
    def is_named(self) -> bool:
        """Return whether a given ledger names the image."""
        return self is OrphanKind.REMOVED


class LeftoverKind(StrEnum):
    """As what a ledger names an image that its entry does not stand by."""

    DEAD = "dead"  # of an attempt that failed
    DUPLICATE = "duplicate"  # a further image of the entry
    MENTIONED = "mentioned"  # in a reason, or in a line of a newer version


class UploadKind(StrEnum):
    """Who looks after a multipart upload that is still open."""

    GOES_ON = "goes_on"  # the next run goes on with it
    ABANDONED = "abandoned"  # a ledger has begun it, and no run goes on with it
    UNKNOWN = "unknown"  # no given ledger names it


class DriftKind(StrEnum):
    """In which way ledger, manifest and cloud differ about one entry."""

    GONE = "gone"  # active in the ledger, not in the cloud
    NOT_ACTIVE = "not_active"  # active in the ledger, something else in the cloud
    OTHER_SPEC = "other_spec"  # made from another spec than the ledger or manifest says
    TAGS = "tags"  # it no longer carries our tags
    FIELD = "field"  # name, min_disk, min_ram or protected differs
    CHANGED = "changed"  # the manifest was edited after the image was made
    OTHER_SOURCE = "other_source"  # the object has changed since the image was made
    RENAMED = "renamed"  # the manifest has the same source under another key
    REVIVED = "revived"  # failed in the ledger, usable in the cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """One image that carries the manifest's tag and that nobody looks after."""

    view: ImageView
    kind: OrphanKind
    key: EntryKey | None  # None: neither manifest nor ledgers have such an entry
    obstacles: tuple[Obstacle, ...]  # none: --delete-orphans deletes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One image that a ledger names for an entry which does not stand by it."""

    view: ImageView
    kind: LeftoverKind
    key: EntryKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """One entry with more than one live image; `kept` is the one that counts."""

    key: EntryKey | None
    kept: ImageView
    others: tuple[ImageView, ...]
    in_ledger: ImageId | None  # the image that the ledger stands by


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference; `expected` and `found` in words, empty where there are none."""

    key: EntryKey
    kind: DriftKind
    ledger: str
    image_id: ImageId | None
    what: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFinisher:
    """An entry that the ledger leaves open and whose image has ended since.

    `events` are what the ledger lacks; none where it cannot take them, and `why_not`
    says why.
    """

    key: EntryKey
    ledger: str
    was: EntryState
    image_id: ImageId
    is_active: bool  # else it has failed
    events: tuple[Event, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untraced:
    """An entry that the ledger leaves open and of which the cloud shows nothing."""

    key: EntryKey
    ledger: str
    was: EntryState
    image_id: ImageId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFound:
    """One open upload of an object of this manifest; `key` is whose file it is."""

    bucket: str
    upload: OpenUpload
    kind: UploadKind
    key: EntryKey
    obstacles: tuple[Obstacle, ...]  # none: --delete-orphans gives it up


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """The open uploads; `others` are of objects that are not this manifest's.

    `why_not` says why none was looked at, empty where they were or nothing is to be
    uploaded; `unseen` the same of single buckets.
    """

    found: tuple[UploadFound, ...] = ()
    others: int = 0
    unseen: tuple[tuple[str, str], ...] = ()  # bucket, and why not
    why_not: str = ""

    @property
    def stray(self) -> tuple[UploadFound, ...]:
        """Return those that no run goes on with."""
        return tuple(f for f in self.found if f.kind is not UploadKind.GOES_ON)

    @property
    def deletable(self) -> tuple[UploadFound, ...]:
        """Return those with nothing in the way of giving them up."""
        return tuple(found for found in self.found if not found.obstacles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that one comparison found."""

    orphans: tuple[Orphan, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    drift: tuple[Drift, ...] = ()
    late: tuple[LateFinisher, ...] = ()
    untraced: tuple[Untraced, ...] = ()
    unseen: tuple[tuple[str, str], ...] = ()  # image or job id, and why not
    elsewhere: int = 0  # images of shards whose ledgers were not given: not compared
    uploads: Uploads = Uploads()

    @property
    def deletable(self) -> tuple[Orphan, ...]:
        """Return the orphans with nothing in the way of their deletion."""
        return tuple(orphan for orphan in self.orphans if not orphan.obstacles)
