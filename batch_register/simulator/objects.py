"""The object store's content: which objects exist and what they are like.

Objects are furnished one by one, by glob rules, or exist by default with a size and
a format that their name decides, so that any manifest can be rehearsed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal

from batch_register.simulator.draws import between
from batch_register.simulator.options import GIB_BYTES
from batch_register.simulator.uploads import Uploads

StorageClass = Literal["STANDARD", "WARM", "COLD"]

# What a header says where nobody told how large the disk is.
MADE_UP_DISK_BYTES = GIB_BYTES
_DEFAULT_SIZE_RANGE_BYTES = (1.0 * GIB_BYTES, 40.0 * GIB_BYTES)

# What the importer recognises by content (IMS API reference, registering an image).
SOURCE_FORMATS = frozenset(
    {"vmdk", "vhd", "qcow2", "raw", "vhdx", "qed", "vdi", "qcow", "zvhd2", "zvhd"}
    | {"iso"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object of a bucket; ``image_url`` is ``<bucket>:<key>``."""

    image_url: str
    size_bytes: int
    storage_class: StorageClass = "STANDARD"
    region: str | None = None  # none: the service's own
    format: str = "qcow2"
    virtual_size_bytes: int | None = None  # none: always fits min_disk
    missing: bool = False
    forbidden: bool = False
    encrypted: bool = False
    detected_os: str | None = None
    job_duration_s: float | None = None
    job_error_code: str | None = None
    job_error_reason: str = "the import failed"
    etag: str | None = None  # none: made up from name and size
    head: bytes = b""  # what was uploaded begins so; empty: made up by its format

    @property
    def bucket(self) -> str:
        """The part before the first colon."""
        return self.image_url.partition(":")[0]

    @property
    def key(self) -> str:
        """The part after the first colon."""
        return self.image_url.partition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBucket:
    """A bucket; those that objects mention exist without being named."""

    name: str
    region: str | None = None
    storage_class: StorageClass = "STANDARD"
    forbidden: bool = False
    parallel_file_system: bool = False
    makes_up_objects: bool = True  # where the cloud does: no object there is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRule:
    """Properties laid over every object whose ``image_url`` matches the glob."""

    pattern: str
    changes: tuple[tuple[str, object], ...]

    def applies_to(self, image_url: str) -> bool:
        """Say whether the glob matches."""
        return fnmatchcase(image_url, self.pattern)


class ObjectStore:
    """Objects and buckets by name."""

    def __init__(self, *, seed: int, exist_by_default: bool) -> None:
        self._seed = seed
        self._exist_by_default = exist_by_default
        self._objects: dict[str, StoredObject] = {}
        self._buckets: dict[str, StoredBucket] = {}
        self._rules: tuple[ObjectRule, ...] = ()
        self.uploads = Uploads()

    def furnish(self, objects: Iterable[StoredObject]) -> None:
        """Add objects, or replace those of the same name."""
        for item in objects:
            self._objects[item.image_url] = item
            if item.bucket not in self._buckets:
                bucket = StoredBucket(name=item.bucket, region=item.region)
                self._buckets[item.bucket] = bucket

    def furnish_buckets(self, buckets: Iterable[StoredBucket]) -> None:
        """Add buckets, or replace those of the same name."""
        self._buckets.update((bucket.name, bucket) for bucket in buckets)

    def set_rules(self, rules: Iterable[ObjectRule]) -> None:
        """Replace the glob rules; later rules win over earlier ones."""
        self._rules = tuple(rules)

    def find(self, image_url: str) -> StoredObject | None:
        """Return the object, or None where nothing is stored under that name."""
        found = self._objects.get(image_url) or self._by_default(image_url)
        for rule in self._rules:
            if rule.applies_to(image_url):
                base = found or self._made_up(image_url)
                # The rule's edge has checked names and types.
                found = replace(base, **dict(rule.changes))  # type: ignore[arg-type]
        return None if found is None or found.missing else found

    def find_bucket(self, name: str) -> StoredBucket | None:
        """Return the bucket, or None where there is none."""
        found = self._buckets.get(name)
        if found is None and (self._exist_by_default or self._ruled(name)):
            return StoredBucket(name=name)
        return found

    def list_bucket(self, name: str, prefix: str) -> list[StoredObject]:
        """Return the furnished objects of a bucket, in the order of their keys."""
        urls = sorted(url for url in self._objects if url.startswith(f"{name}:"))
        found = (self.find(url) for url in urls)
        return [item for item in found if item and item.key.startswith(prefix)]

    def _ruled(self, bucket: str) -> bool:
        return any(fnmatchcase(bucket, r.pattern.split(":")[0]) for r in self._rules)

    def _by_default(self, image_url: str) -> StoredObject | None:
        bucket = self._buckets.get(image_url.partition(":")[0])
        is_kept_clean = bucket is not None and not bucket.makes_up_objects
        if is_kept_clean or not self._exist_by_default:
            return None
        return self._made_up(image_url)

    def _made_up(self, image_url: str) -> StoredObject:
        size_bytes = between(_DEFAULT_SIZE_RANGE_BYTES, self._seed, "size", image_url)
        suffix = image_url.rpartition(".")[2].lower()
        disk_format = suffix if suffix in SOURCE_FORMATS else "qcow2"
        if disk_format == "raw":  # as large as its disk, which is to fit any min_disk
            size_bytes = MADE_UP_DISK_BYTES
        return StoredObject(
            image_url=image_url, size_bytes=int(size_bytes), format=disk_format
        )
